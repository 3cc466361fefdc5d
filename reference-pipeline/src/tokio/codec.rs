//! Segments as the items of `tokio_util::codec`, for `FramedRead` and `FramedWrite` (§5).

use std::io;

use bytes::{Buf, BytesMut};
use stream_v2_format::crypto::{AuthenticHeader, SegmentOrder, StreamOpener};
use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use tokio_util::codec::{Decoder, Encoder};

use crate::error::{Error, Stage};
use crate::io::complete;
use crate::segment::{DecryptSegmentInput, EncryptedSegment};

/// Cuts the bytes after a stream header and its envelope into segments.
///
/// [`DecryptSegmentWorker`](crate::DecryptSegmentWorker) opens them.
///
/// Each header is authentic and in its order. Nothing is decrypted yet.
///
/// The errors are those of [`read_segment`](crate::io::read_segment). The stream ends as there,
/// after the final segment and at the end of the input.
pub struct SegmentDecoder {
    stream: StreamOpener,
    order: SegmentOrder,
    /// The header of the segment whose wire is not there yet, and the number of segments before it.
    header: Option<(AuthenticHeader, u64)>,
}

impl SegmentDecoder {
    /// Returns a decoder for the segments of `stream`, from the first one on.
    #[must_use]
    pub fn new(stream: &StreamOpener) -> Self {
        Self { stream: stream.clone(), order: SegmentOrder::new(stream.header()), header: None }
    }

    /// Returns the header of the next segment, once its 96 bytes are there.
    fn header(&mut self, src: &mut BytesMut) -> Result<Option<(AuthenticHeader, u64)>, Error> {
        if let Some(header) = self.header.take() {
            return Ok(Some(header));
        }
        let (offset, before) = (self.order.offset(), self.order.segments());
        if self.order.ended() && !src.is_empty() {
            let trailing = stream_v2_format::Error::trailing(offset, before);
            return Err(Error::format(Stage::Source, trailing));
        }
        let Some(bytes) = src.get(..SEGMENT_HEADER_LEN) else {
            src.reserve(SEGMENT_HEADER_LEN - src.len());
            return Ok(None);
        };
        let authenticated = self.stream.authenticate(bytes, offset, before);
        let header = complete(authenticated, offset.plus(SEGMENT_HEADER_LEN as u64), Some(before))?;
        let admitted = self.order.admit(header.header(), offset);
        admitted.map_err(|error| Error::format(Stage::Source, error))?;
        src.advance(SEGMENT_HEADER_LEN);
        Ok(Some((header, before)))
    }
}

impl Decoder for SegmentDecoder {
    type Item = DecryptSegmentInput;
    type Error = Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<DecryptSegmentInput>, Error> {
        let Some((header, before)) = self.header(src)? else { return Ok(None) };
        // The header is authentic, so wire_len is within the stream's limit (SV2-LIM-001).
        let wire_len = header.header().wire_len as usize;
        if src.len() < wire_len {
            src.reserve(wire_len - src.len());
            self.header = Some((header, before));
            return Ok(None);
        }
        Ok(Some(DecryptSegmentInput { header, wire: src.split_to(wire_len).freeze() }))
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<DecryptSegmentInput>, Error> {
        if let Some(segment) = self.decode(src)? {
            return Ok(Some(segment));
        }
        let left = src.len() as u64;
        let ended = match &self.header {
            Some((header, before)) => {
                let end = header.offset().plus(SEGMENT_HEADER_LEN as u64 + left);
                Err(stream_v2_format::Error::truncated(end, Some(*before)))
            }
            None if left == 0 => self.order.end_of_input(self.order.offset()),
            None => {
                let end = self.order.offset().plus(left);
                Err(stream_v2_format::Error::truncated(end, Some(self.order.segments())))
            }
        };
        ended.map(|()| None).map_err(|error| Error::format(Stage::Source, error))
    }
}

/// Writes sealed segments one after the other: header and wire.
///
/// The caller must write the stream header before them. The final segment is one of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SegmentEncoder;

impl Encoder<EncryptedSegment> for SegmentEncoder {
    type Error = io::Error;

    fn encode(&mut self, segment: EncryptedSegment, dst: &mut BytesMut) -> io::Result<()> {
        dst.reserve(SEGMENT_HEADER_LEN + segment.wire.len());
        dst.extend_from_slice(&segment.header.to_bytes());
        dst.extend_from_slice(&segment.wire);
        Ok(())
    }
}

impl From<io::Error> for Error {
    /// Converts an error that a `FramedRead` reports of its reader.
    fn from(error: io::Error) -> Self {
        Self::io(Stage::Source, None, error)
    }
}
