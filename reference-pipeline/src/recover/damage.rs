//! Distinguishes a torn tail from damage (§19.3).
//!
//! A crash never leaves a whole segment behind the first fault (SV2-RES-010).

use std::io::{self, Read, Seek, SeekFrom};

use stream_v2_format::crypto::StreamOpener;
use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use stream_v2_format::wire::{Parsed, SEGMENT_MAGIC};
use stream_v2_format::{self as format, ErrorKind, Offset};

use crate::error::{Error, Stage};
use crate::io::source_error;
use crate::source::blocking::fill;

/// Bytes that are searched at once for the beginning of a segment. Each byte is read once, whatever
/// its value.
const SEARCH_LEN: usize = 1 << 20;

/// Returns the bytes at `offset`, if there are as many as a segment header has.
pub(super) fn header_at(
    output: &mut (impl Read + Seek),
    offset: Offset,
) -> io::Result<Option<[u8; SEGMENT_HEADER_LEN]>> {
    let mut header = [0; SEGMENT_HEADER_LEN];
    output.seek(SeekFrom::Start(offset.0))?;
    Ok((fill(output, &mut header)? == header.len()).then_some(header))
}

/// Refuses a genuine segment after the `segments` committed ones, which end at `end`: only a torn
/// tail may be dropped (SV2-RES-010).
pub(super) fn refuse_genuine(
    output: &mut (impl Read + Seek),
    stream: &StreamOpener,
    end: Offset,
    segments: u64,
) -> Result<(), Error> {
    let authenticated =
        |bytes: &[u8; SEGMENT_HEADER_LEN], offset| match stream.authenticate(bytes, offset, segments) {
            Ok(Parsed::Complete(header, _)) => Some(header.header().segment_len()),
            _ => None,
        };
    let torn = header_at(output, end).map_err(source_error(Some(segments)))?;
    // The length in the header at the end is authentic, so its wire is skipped.
    let len = torn.and_then(|header| authenticated(&header, end)).unwrap_or(1);
    refuse(output, (end, segments), end.plus(len), |bytes, offset| authenticated(bytes, offset).is_some())
}

/// Searches for a segment at `from` or after it. `segments` committed ones end at `end`, and
/// `is_genuine` judges a header.
///
/// The segment at `end` itself does not count, because it was being written. So `from` is after its
/// first byte.
pub(super) fn refuse(
    output: &mut (impl Read + Seek),
    (end, segments): (Offset, u64),
    from: Offset,
    is_genuine: impl Fn(&[u8; SEGMENT_HEADER_LEN], Offset) -> bool,
) -> Result<(), Error> {
    let mut offset = from;
    let mut window = vec![0; SEARCH_LEN];
    loop {
        let sought = output.seek(SeekFrom::Start(offset.0));
        let filled = sought.and_then(|_| fill(output, &mut window)).map_err(source_error(Some(segments)))?;
        if headers(&window[..filled]).any(|(place, header)| is_genuine(header, offset.plus(place))) {
            return Err(Error::format(Stage::Source, format::Error::damaged(end, segments)));
        }
        if filled < SEARCH_LEN {
            return Ok(());
        }
        // A header may begin in one window and end in the next.
        offset = offset.plus((SEARCH_LEN - SEGMENT_HEADER_LEN + 1) as u64);
    }
}

/// Returns every place of the segment magic, with as many bytes as a segment header has.
fn headers(window: &[u8]) -> impl Iterator<Item = (u64, &[u8; SEGMENT_HEADER_LEN])> {
    let all = (0..).zip(window.windows(SEGMENT_HEADER_LEN));
    all.filter_map(|(place, bytes)| {
        Some((place, bytes.first_chunk()?)).filter(|_| bytes.starts_with(&SEGMENT_MAGIC))
    })
}

/// Reports a fault in a committed segment that begins at `offset`.
///
/// A truncation stays as it is, because the output then ends before the commit. So does a feature
/// that this writer does not support.
pub(crate) fn as_damage(error: Error, offset: Offset, before: u64) -> Error {
    match error.kind() {
        None | Some(ErrorKind::Truncated | ErrorKind::Unsupported) => error,
        Some(_) => damaged(offset, before),
    }
}

pub(super) fn damaged(offset: Offset, before: u64) -> Error {
    Error::format(Stage::Source, format::Error::damaged(offset, before))
}

/// Returns whether bytes are there that a writer has not written.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), Some(ErrorKind::Malformed | ErrorKind::Auth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    struct Counting {
        source: Cursor<Vec<u8>>,
        read: usize,
    }

    impl Read for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.source.read(buffer)?;
            self.read += read;
            Ok(read)
        }
    }

    impl Seek for Counting {
        fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
            self.source.seek(place)
        }
    }

    /// Returns whether damage is found in `bytes` after the first, and how many bytes were read.
    ///
    /// A genuine header ends in 7.
    fn look(bytes: Vec<u8>) -> (bool, usize) {
        let mut source = Counting { source: Cursor::new(bytes), read: 0 };
        let found = refuse(&mut source, (Offset(0), 3), Offset(1), |header, _| header[95] == 7);
        (found.is_err(), source.read)
    }

    #[test]
    fn header_is_found_anywhere_before_the_end() {
        let mut header = [0; SEGMENT_HEADER_LEN];
        header[..4].copy_from_slice(&SEGMENT_MAGIC);
        header[95] = 7;
        let len = 2 * SEARCH_LEN + 300;
        let window = SEARCH_LEN - SEGMENT_HEADER_LEN + 1;
        for (place, found) in [
            (0, false),
            (1, true),
            (window, true),
            (window + 1, true),
            (SEARCH_LEN - 50, true),
            (SEARCH_LEN + 1, true),
            (len - 96, true),
            (len - 95, false),
        ] {
            let mut bytes = vec![0; len];
            let end = len.min(place + 96);
            bytes[place..end].copy_from_slice(&header[..end - place]);
            assert_eq!(look(bytes).0, found, "{place}");
        }
    }

    #[test]
    fn each_byte_is_read_once_whatever_stands_there() {
        let len = 3 * SEARCH_LEN;
        let (found, read) = look(SEGMENT_MAGIC.repeat(len / 4));
        assert!(!found && read < len + 1000, "{read} of {len}");
    }
}
