//! A pure worker that opens one segment: no I/O, no log, no shutdown flag (§7, §8, §15).

use std::fmt;

use bytes::{Bytes, BytesMut};
use stream_v2_format::Error;
use stream_v2_format::crypto::{AuthenticHeader, OpenedSegment, SegmentOpener, SegmentOpening, StreamOpener};
use stream_v2_format::wire::SegmentKind;

use super::buffers::resize;
use crate::observe::shown::Len;

/// One segment to be opened.
#[derive(Clone)]
pub struct DecryptSegmentInput {
    /// The segment header, authenticated by segment_tag.
    pub header: AuthenticHeader,
    /// Exactly wire_len bytes.
    pub wire: Bytes,
}

impl fmt::Debug for DecryptSegmentInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptSegmentInput")
            .field("header", &self.header)
            .field("wire", &Len(self.wire.len()))
            .finish()
    }
}

/// One verified segment.
///
/// Its plaintext may be released once the segments before it have been, and
/// [`Progress`](stream_v2_format::crypto::Progress) has taken it in.
#[derive(Clone)]
pub struct DecryptedSegment {
    /// The segment header.
    pub header: AuthenticHeader,
    /// payload_len bytes: the entries of an index segment, or else the plaintext.
    pub payload: Bytes,
    /// Digest and terminator.
    pub opened: OpenedSegment,
}

impl fmt::Debug for DecryptedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptedSegment")
            .field("header", &self.header)
            .field("payload", &Len(self.payload.len()))
            .field("opened", &self.opened)
            .finish()
    }
}

impl DecryptedSegment {
    pub(crate) fn new(header: AuthenticHeader, payload: BytesMut, opened: OpenedSegment) -> Self {
        Self { header, payload: payload.freeze(), opened }
    }

    /// Returns plaintext_len bytes of plaintext. An index or final segment has none.
    #[must_use]
    pub fn plaintext(&self) -> &[u8] {
        match self.header.header().kind {
            SegmentKind::Data => &self.payload,
            _ => &[],
        }
    }
}

/// Opens segments of one stream. Several workers share the work.
pub struct DecryptSegmentWorker {
    opener: SegmentOpener,
}

impl DecryptSegmentWorker {
    /// Returns a worker for segments of `stream`.
    #[must_use]
    pub fn new(stream: &StreamOpener) -> Self {
        Self { opener: SegmentOpener::new(stream) }
    }

    /// Opens one segment into `payload`, a buffer to be used again.
    ///
    /// # Errors
    ///
    /// - `malformed.wire_crc`, `malformed.frame_*` or `malformed.terminator`.
    /// - `auth.frame` or `auth.digest`.
    pub fn open(
        &mut self,
        input: &DecryptSegmentInput,
        mut payload: BytesMut,
    ) -> Result<DecryptedSegment, Error> {
        let mut opening = self.begin(&input.header, &mut payload)?;
        opening.push(&input.wire)?;
        let opened = opening.finish()?;
        Ok(DecryptedSegment::new(input.header, payload, opened))
    }

    /// Begins the segment `header`, whose wire comes piece by piece.
    pub(crate) fn begin<'s>(
        &'s mut self,
        header: &'s AuthenticHeader,
        payload: &'s mut BytesMut,
    ) -> Result<SegmentOpening<'s>, Error> {
        //= spec/stream-v2.md#sv2-hdr-019
        //# A reader MUST NOT allocate memory in proportion to plaintext_len of the stream header.
        resize(payload, header.header().payload_len as usize);
        self.opener.begin(header, payload)
    }
}
