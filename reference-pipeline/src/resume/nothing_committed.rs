//! Tells an output in which nothing was committed from a damaged one (§19.2, step 3).

use std::io::SeekFrom;

use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::limits::{SEGMENT_HEADER_LEN, STREAM_HEADER_LEN};
use stream_v2_format::wire::{Parsed, STREAM_MAGIC, SegmentHeaderView};
use stream_v2_format::{self as format, ErrorKind, Offset};

use super::encrypt::sink_error;
use crate::error::{Error, Stage};
use crate::source::blocking::fill;
use crate::storage::StoredFile;
use crate::storage::output_file::begins_as;

/// Accepts a file that is not a stream, if only its stream header and envelope were being written.
///
/// They are durable before anything follows them (SV2-RES-001). Otherwise returns `error`, which is
/// that of reading them.
pub(super) fn nothing_committed(file: &mut dyn StoredFile, error: Error) -> Result<(), Error> {
    let mut magic = [0; STREAM_MAGIC.len()];
    let filled = file.rewind().and_then(|()| fill(&mut &mut *file, &mut magic)).map_err(sink_error)?;
    let size = file.size().map_err(sink_error)?;
    let begins = begins_as(&magic[..filled], size, &STREAM_MAGIC);
    match error.kind() {
        //= spec/stream-v2.md#sv2-res-014
        //# An owner MUST NOT drop or replace, unless its caller has asked for exactly that, an
        //# output that is not empty and that does not begin as its own kind does,
        Some(ErrorKind::Truncated) if begins => Ok(()),
        Some(ErrorKind::Malformed) if begins && holds_no_segment(file, size)? => Ok(()),
        // A short file of another program.
        Some(ErrorKind::Truncated) => Err(Error::format(Stage::Sink, format::Error::not_a_stream())),
        _ => Err(error),
    }
}

/// Returns whether a file is not longer than a stream header and an envelope, and has no segment
/// header.
///
/// A loss of power tears the envelope with the stream header, so that neither its length nor its
/// end is known.
fn holds_no_segment(file: &mut dyn StoredFile, size: u64) -> Result<bool, Error> {
    if size > DetachedEnvelope::LEN_MAX as u64 {
        return Ok(false);
    }
    let mut rest = vec![0; usize::try_from(size).unwrap_or_default().saturating_sub(STREAM_HEADER_LEN)];
    let read =
        file.seek(SeekFrom::Start(STREAM_HEADER_LEN as u64)).and_then(|_| fill(&mut &mut *file, &mut rest));
    read.map_err(sink_error)?;
    let is_header =
        |bytes: &[u8]| matches!(SegmentHeaderView::parse(bytes, Offset(0), 0), Ok(Parsed::Complete(..)));
    Ok(!rest.windows(SEGMENT_HEADER_LEN).any(is_header))
}
