//! Recovery without the key: finds the committed prefix by checksums (§19.8).
//!
//! It proves nothing about authenticity.

use std::io::{Read, Seek, SeekFrom};

use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use stream_v2_format::wire::{HeaderV1, Parsed, SegmentHeaderView, SegmentKind};
use stream_v2_format::{ErrorKind, Offset};

use super::damage;
use super::walk::{KeylessWalk, WalkDepth};
use crate::error::Error;
use crate::io::source_error;

/// The result of recovery without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeylessRecovered {
    /// Whole segments whose checksums match, from the first on.
    pub segments: u64,
    /// Runs that have begun in them.
    pub runs: u64,
    /// Plaintext bytes that they hold.
    pub plaintext_len: u64,
    /// Bytes up to their end, stream header and envelope included.
    pub stream_len: u64,
    /// Bytes of the file.
    pub file_len: u64,
    /// Whether the last of them is a final segment.
    pub sealed: bool,
}

/// Finds the whole segments of a stream that was cut off.
///
/// Structure and checksums of all of it are read.
///
/// # Errors
///
/// - the errors of the stream header.
/// - `malformed.damaged` if a whole segment header follows the first fault.
/// - `trailing` if bytes follow the final segment.
/// - `order` or `unsupported`, which no torn write leaves (SV2-RES-015).
/// - `io.source` if a read fails.
pub fn recover_keyless(mut output: impl Read + Seek) -> Result<KeylessRecovered, Error> {
    let file_len = output.seek(SeekFrom::End(0)).map_err(source_error(None))?;
    output.rewind().map_err(source_error(None))?;
    let mut walk = KeylessWalk::reading(&mut output, WalkDepth::Wires)?;
    let header = *walk.header();
    let mut found = KeylessRecovered {
        segments: 0,
        runs: 0,
        plaintext_len: 0,
        stream_len: header.body_offset().0,
        file_len,
        sealed: false,
    };
    loop {
        match walk.next_segment() {
            Ok(Some(segment)) => {
                found.segments += 1;
                found.runs = segment.run + 1;
                found.plaintext_len += u64::from(segment.header.plaintext_len);
                found.stream_len = segment.offset.0 + segment.header.segment_len();
                found.sealed = segment.header.kind == SegmentKind::Final;
            }
            Ok(None) => return Ok(found),
            Err(error) => match error.kind() {
                Some(ErrorKind::Truncated | ErrorKind::Malformed) => break,
                //= spec/stream-v2.md#sv2-res-016
                //# A writer that resumes, or a tool that recovers without the key, MUST report the
                //# error and change nothing where its walk ends with `order`, `unsupported`,
                //# `limit` or `trailing`.
                _ => return Err(error),
            },
        }
    }
    //= spec/stream-v2.md#sv2-res-015
    //# A tool without the key MUST NOT cut a stream where a segment header that passes steps 1 to 8
    //# of §15.1, whatever its segment_index is, begins after the first byte that is not part of a
    //# whole segment, nor cut anything unasked; it reports `malformed.damaged`.
    let end = Offset(found.stream_len);
    // The length in the torn segment is not trusted, because nothing here is authentic.
    damage::refuse(&mut output, (end, found.segments), end.plus(1), |bytes, offset| {
        is_plausible(&header, bytes, offset, found.segments)
    })?;
    Ok(found)
}

fn is_plausible(header: &HeaderV1, bytes: &[u8; SEGMENT_HEADER_LEN], at: Offset, before: u64) -> bool {
    match SegmentHeaderView::parse(bytes, at, before) {
        Ok(Parsed::Complete(view, _)) => {
            stream_v2_format::wire::check_segment(header, &view.header(), at, before).is_ok()
        }
        _ => false,
    }
}
