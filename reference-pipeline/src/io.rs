//! Framing on readers and writers: only this module decides where segments begin and end.
//!
//! Everything here is correct under short, partial and interrupted reads and writes.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use bytes::{Bytes, BytesMut};
use stream_v2_format::crypto::{AuthenticHeader, SegmentOrder, StreamOpener};
use stream_v2_format::envelope::EnvelopeView;
use stream_v2_format::limits::{SEGMENT_HEADER_LEN, STREAM_HEADER_LEN};
use stream_v2_format::wire::{HeaderV1, HeaderV1View, Parsed};
use stream_v2_format::{self as format, Offset};

use crate::engine::Shutdown;
use crate::engine::block_on::block_on;
use crate::engine::shutdown::{Interruption, Watched};
use crate::error::{Error, Stage};
use crate::segment::{DecryptSegmentInput, EncryptedSegment};
use crate::source::blocking::{BlockingSource, fill};
use crate::source::read_at::ReadFrom;
use crate::source::{self, ReadAt, Source};

/// Writes the 128 bytes of a stream header.
///
/// # Errors
///
/// - any error of `sink`.
pub fn write_stream_header(sink: &mut impl Write, header: &HeaderV1) -> io::Result<()> {
    sink.write_all(&header.to_bytes())
}

/// Reads a stream header and its envelope, and checks everything that needs no key (§4, §12).
///
/// # Errors
///
/// - `truncated`, `malformed`, `unsupported` or `limit` of the format.
/// - `io.source` if `source` fails.
pub fn read_stream_header(source: &mut impl Read) -> Result<(HeaderV1, Vec<u8>), Error> {
    block_on(stream_header(&mut BlockingSource(source)))
}

/// Reads a stream header and its envelope from the beginning of a stored stream.
///
/// While its envelope is being replaced in place, a read may find it torn. It is then read again,
/// three times.
///
/// # Errors
///
/// - the errors of [`read_stream_header`].
pub fn read_stream_header_at(source: &impl ReadAt) -> Result<(HeaderV1, Vec<u8>), Error> {
    read_untorn(|| read_stream_header(&mut ReadFrom::new(source, Offset(0))))
}

/// Reads a stream header and its envelope, for a reader that has a detached envelope (§12.4).
///
/// # Errors
///
/// - `truncated`, and the errors of the stream header. The envelope is not checked.
/// - `io.source` if `source` fails.
pub fn read_own_header(source: &mut impl Read) -> Result<(HeaderV1, Vec<u8>), Error> {
    block_on(own_header(&mut BlockingSource(source)))
}

/// Does the same as [`read_own_header`], at the beginning of a stored stream.
///
/// # Errors
///
/// - the errors of [`read_own_header`].
pub fn read_own_header_at(source: &impl ReadAt) -> Result<(HeaderV1, Vec<u8>), Error> {
    read_own_header(&mut ReadFrom::new(source, Offset(0)))
}

/// Does the same as [`read_own_header`], until a shutdown is requested.
///
/// # Errors
///
/// - the errors of [`read_own_header`], and `Interrupted` as in [`read_stream_header_until`].
pub fn read_own_header_until(
    source: &mut impl Read,
    shutdown: &Shutdown,
) -> Result<(HeaderV1, Vec<u8>), Error> {
    let read = read_own_header(&mut Watched::new(source, shutdown));
    read.map_err(|error| shutdown.unless_cut_off(error))
}

/// How often a torn envelope is read again: its replacement in place may be under way (§12.4).
pub const REREADS: usize = 3;

/// Calls `read` again, up to [`REREADS`] times, as long as it finds a torn envelope.
pub(crate) fn read_untorn<T>(mut read: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..REREADS {
        match read() {
            Err(error) if error.is_torn_envelope() => {}
            result => return result,
        }
    }
    read()
}

/// Reads a stream header and its envelope, until a shutdown is requested.
///
/// # Errors
///
/// - the errors of [`read_stream_header`].
/// - `Interrupted` if a read was interrupted, or the source ended too early, after a shutdown
///   request.
pub fn read_stream_header_until(
    source: &mut impl Read,
    shutdown: &Shutdown,
) -> Result<(HeaderV1, Vec<u8>), Error> {
    let read = read_stream_header(&mut Watched::new(source, shutdown));
    read.map_err(|error| shutdown.unless_cut_off(error))
}

/// Does the same as [`read_stream_header`], on any source.
pub(crate) async fn stream_header(source: &mut impl Source) -> Result<(HeaderV1, Vec<u8>), Error> {
    let (header, envelope) = own_header(source).await?;
    if header.envelope_len() != 0 {
        //= spec/stream-v2.md#sv2-env-010
        //# A reader that is given the content key by its caller MUST still apply SV2-ENV-001 to
        //# SV2-ENV-007, SV2-ENV-011 and SV2-ENV-012, whichever stanza types it implements, and
        //# ignore what they wrap.
        complete(EnvelopeView::parse(&envelope, header.envelope_len()), header.body_offset(), None)?;
    }
    Ok((header, envelope))
}

/// Does the same as [`read_own_header`], on any source.
pub(crate) async fn own_header(source: &mut impl Source) -> Result<(HeaderV1, Vec<u8>), Error> {
    let mut bytes = [0; STREAM_HEADER_LEN];
    let filled = source::fill(source, &mut bytes).await.map_err(source_error(None))?;
    //= spec/stream-v2.md#sv2-hdr-001
    //# A reader MUST reject with `truncated` an input that ends before byte 128.
    let header = complete(HeaderV1View::parse(&bytes[..filled]), Offset(filled as u64), None)?.header();
    let envelope_len = match header.body_offset().0 - STREAM_HEADER_LEN as u64 {
        0 => return Ok((header, Vec::new())),
        len => usize::try_from(len).unwrap_or(usize::MAX),
    };
    let mut envelope = vec![0; envelope_len];
    let filled = source::fill(source, &mut envelope).await.map_err(source_error(None))?;
    //= spec/stream-v2.md#sv2-env-001
    //# A reader MUST reject with `truncated` an input that ends inside the envelope or its CRC.
    //= spec/stream-v2.md#sv2-env-035
    //# A reader with a detached envelope MUST apply only SV2-ENV-001 to the stream's own envelope.
    if filled < envelope_len {
        let end = Offset((STREAM_HEADER_LEN + filled) as u64);
        return Err(Error::format(Stage::Source, format::Error::truncated(end, None)));
    }
    Ok((header, envelope))
}

/// Writes a segment: header and wire, in one call if the writer supports that.
///
/// # Errors
///
/// - any error of `sink`.
pub fn write_segment(sink: &mut impl Write, segment: &EncryptedSegment) -> io::Result<()> {
    write_both(sink, &segment.header.to_bytes(), &segment.wire)
}

/// Reads exactly one segment: its header and wire_len bytes after it.
///
/// The header is authenticated, and admitted by `order`. `wire` is the buffer to use again. Returns
/// `None` if the stream has ended, after the final segment and at the end of the input.
///
/// # Errors
///
/// - `truncated` or `trailing` if the input ends too early or too late.
/// - the errors of steps 1 to 11 of §15.1.
/// - `io.source` if `source` fails.
pub fn read_segment(
    source: &mut impl Read,
    stream: &StreamOpener,
    order: &mut SegmentOrder,
    wire: BytesMut,
) -> Result<Option<DecryptSegmentInput>, Error> {
    block_on(next_segment(&mut BlockingSource(source), stream, order, wire))
}

/// Does the same as [`read_segment`], on any source.
pub(crate) async fn next_segment(
    source: &mut impl Source,
    stream: &StreamOpener,
    order: &mut SegmentOrder,
    wire: BytesMut,
) -> Result<Option<DecryptSegmentInput>, Error> {
    let Some((header, before)) = next_header(source, stream, order).await? else { return Ok(None) };
    let wire = wire_of(source, &header, before, wire).await?;
    Ok(Some(DecryptSegmentInput { header, wire }))
}

/// Reads the header of the next segment, and returns it with the number of segments before it.
pub(crate) async fn next_header(
    source: &mut impl Source,
    stream: &StreamOpener,
    order: &mut SegmentOrder,
) -> Result<Option<(AuthenticHeader, u64)>, Error> {
    let before = order.segments();
    let io_error = source_error(Some(before));
    //= spec/stream-v2.md#sv2-str-001
    //# A stream MUST consist of one stream header, its envelope if envelope_len is not 0, zero or
    //# more data and index segments, and one final segment, with no bytes between or after them.
    let offset = order.offset();
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    let wanted = if order.ended() { 1 } else { SEGMENT_HEADER_LEN };
    let filled = source::fill(source, &mut bytes[..wanted]).await.map_err(&io_error)?;
    //= spec/stream-v2.md#sv2-fin-003
    //# A reader MUST reject with `trailing` a stream in which a byte follows the final segment.
    if order.ended() && filled > 0 {
        return Err(Error::format(Stage::Source, format::Error::trailing(offset, before)));
    }
    //= spec/stream-v2.md#sv2-rel-004
    //# A reader MUST NOT report success for a stream before its final segment has been verified and
    //# the end of the input has been seen.
    if filled == 0 {
        let end = order.end_of_input(offset);
        return end.map(|()| None).map_err(|error| Error::format(Stage::Source, error));
    }
    //= spec/stream-v2.md#sv2-rdr-001
    //# A reader MUST apply the checks in the order of §15.1.
    let authenticated = stream.authenticate(&bytes[..filled], offset, before);
    //= spec/stream-v2.md#sv2-seg-001
    //# A reader MUST reject with `truncated` an input that ends inside a segment header.
    let header = complete(authenticated, offset.plus(filled as u64), Some(before))?;
    order.admit(header.header(), offset).map_err(|error| Error::format(Stage::Source, error))?;
    Ok(Some((header, before)))
}

/// Reads and authenticates the header of the segment at `offset`.
pub(crate) fn read_segment_header(
    source: &mut impl Read,
    stream: &StreamOpener,
    offset: Offset,
    before: u64,
) -> Result<AuthenticHeader, Error> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    let filled = fill(source, &mut bytes).map_err(source_error(Some(before)))?;
    let authenticated = stream.authenticate(&bytes[..filled], offset, before);
    complete(authenticated, offset.plus(filled as u64), Some(before))
}

/// Reads the wire of the segment `header`, which is exactly wire_len bytes.
pub(crate) fn read_wire(
    source: &mut impl Read,
    header: &AuthenticHeader,
    before: u64,
    wire: BytesMut,
) -> Result<Bytes, Error> {
    block_on(wire_of(&mut BlockingSource(source), header, before, wire))
}

/// Does the same as [`read_wire`], on any source.
pub(crate) async fn wire_of(
    source: &mut impl Source,
    header: &AuthenticHeader,
    before: u64,
    mut wire: BytesMut,
) -> Result<Bytes, Error> {
    //= spec/stream-v2.md#sv2-lim-001
    //# A reader MUST NOT allocate more memory for one segment than its wire and its plaintext take,
    //# as the stream header's segment_size bounds them.
    // The header is authentic, so wire_len is within the stream's limit (SV2-LIM-001).
    let wire_len = header.header().wire_len as usize;
    let filled = source.fill(&mut wire, wire_len, SEGMENT_HEADER_LEN).await;
    let filled = filled.map_err(source_error(Some(before)))?;
    whole_wire(filled, header)?;
    wire.truncate(filled);
    Ok(wire.freeze())
}

/// Checks that the first `filled` bytes of the wire of the segment `header` are all of it.
pub(crate) fn whole_wire(filled: usize, header: &AuthenticHeader) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-seg-024
    //# A reader MUST reject with `truncated` an input that ends inside the wire.
    if filled < header.header().wire_len as usize {
        let end = header.offset().plus((SEGMENT_HEADER_LEN + filled) as u64);
        let before = Some(header.header().index.0.into());
        return Err(Error::format(Stage::Source, format::Error::truncated(end, before)));
    }
    Ok(())
}

/// Writes the pieces one after the other, in one call if the writer supports that.
pub(crate) fn write_both(sink: &mut impl Write, head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut slices = [IoSlice::new(head), IoSlice::new(body)];
    let mut rest = &mut slices[..];
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match sink.write_vectored(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Converts the error of a read into the pipeline's error.
pub(crate) fn source_error(segment: Option<u64>) -> impl Fn(io::Error) -> Error {
    move |error| match Interruption::is(&error) {
        true => Error::interrupted(segment),
        false => Error::io(Stage::Source, segment, error),
    }
}

/// Returns the value of a parser whose input ended at `end`.
pub(crate) fn complete<T>(
    parsed: Result<Parsed<T>, format::Error>,
    end: Offset,
    segment: Option<u64>,
) -> Result<T, Error> {
    match parsed {
        Ok(Parsed::Complete(value, _)) => Ok(value),
        Ok(Parsed::NeedMore(_)) => Err(format::Error::truncated(end, segment)),
        Err(error) => Err(error),
    }
    .map_err(|error| Error::format(Stage::Source, error))
}
