//! Gives any bytes to the readers: with the key, without it, and as salvage. Their answers about
//! one stream are consistent.

use std::io::Cursor;

use stream_v2_format::ErrorKind;
use stream_v2_format::limits::{SEGMENT_HEADER_LEN, SEGMENT_SIZE_MAX};
use stream_v2_pipeline::{KeylessWalk, WalkDepth, recover_keyless};

use crate::reader::{answer, repaired};

/// Reads the input. The first byte chooses whether the checksums are repaired first, and the number
/// of workers.
pub fn read(data: &[u8]) {
    let Some((how, input)) = data.split_first() else { return };
    let input = repaired(*how, input);
    let strict = answer(&input[..], 1 + usize::from(how >> 1) % 2, false);
    let salvaged = answer(&input[..], 1, true);
    // No more bytes are released than the input has, or than its segments can hold if they are
    // compressed.
    let is_compressed = strict.released.len() >= input.len().max(1);
    let segments = input.len() / SEGMENT_HEADER_LEN;
    assert!(!is_compressed || strict.released.len() <= segments * SEGMENT_SIZE_MAX as usize);
    if strict.result.as_ref().err().is_some_and(|error| error.kind() == ErrorKind::Truncated) {
        assert_eq!(strict.released, salvaged.released);
        assert!(salvaged.result.is_err());
    } else {
        assert_eq!(strict, salvaged, "salvage is of use where the end is missing, and nowhere else");
    }
    without_the_key(&input, &strict.result.map(|summary| summary.segments));
}

fn without_the_key(input: &[u8], strict: &Result<u64, stream_v2_format::Error>) {
    let walked = |depth| {
        let mut walk = KeylessWalk::reading(input, depth)?;
        let mut segments = 0;
        while walk.next_segment()?.is_some() {
            segments += 1;
        }
        Ok::<u64, stream_v2_pipeline::Error>(segments)
    };
    let (wires, headers) = (walked(WalkDepth::Wires), walked(WalkDepth::Headers));
    // A stream that opens with the key has the right checksums and lengths. A stream with wrong
    // headers does not have the right wires.
    if let Ok(segments) = strict {
        assert_eq!(wires.as_ref().ok(), Some(segments));
    }
    if let Ok(segments) = &wires {
        assert_eq!(headers.as_ref().ok(), Some(segments));
    }
    let hopped = KeylessWalk::seeking(Cursor::new(input)).and_then(|mut walk| {
        while walk.next_segment()?.is_some() {}
        Ok(())
    });
    let detail = |error: &stream_v2_pipeline::Error| error.format_error().copied();
    assert_eq!(
        hopped.as_ref().err().map(detail),
        headers.as_ref().err().map(detail),
        "hopping is reading headers"
    );
    if let Ok(found) = recover_keyless(Cursor::new(input)) {
        assert!(found.stream_len <= input.len() as u64);
        assert!(!strict.is_ok() || found.sealed);
    }
}
