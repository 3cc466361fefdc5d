//! A pure worker that opens one segment: no I/O, no log, no shutdown flag (§7, §8, §15).

use std::fmt;

use bytes::{Bytes, BytesMut};
use stream_v2_format::Error;
use stream_v2_format::crypto::{
    AuthenticHeader, OpenedSegment, Progress, SegmentOpener, SegmentOpening, StreamOpener,
};
use stream_v2_format::wire::SegmentKind;

use super::unpacker::Unpacker;
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
    /// The plaintext of a data segment, or the entries of an index segment.
    pub contents: Bytes,
    /// Digest and terminator.
    pub opened: OpenedSegment,
    /// What is wrong with a compressed payload: the last check of a segment.
    fault: Option<Error>,
}

impl fmt::Debug for DecryptedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptedSegment")
            .field("header", &self.header)
            .field("contents", &Len(self.contents.len()))
            .field("opened", &self.opened)
            .finish()
    }
}

impl DecryptedSegment {
    /// Makes the last checks: that it continues the segments before it, and that its payload could
    /// be decompressed (steps 16 and 17 of §15.1).
    ///
    /// `progress` has followed the segments before it. Then its plaintext may be released.
    ///
    /// # Errors
    ///
    /// - Those of [`Progress::opened`].
    /// - `limit.codec_window` or `malformed.codec_payload`.
    pub fn follow(&self, progress: &mut Progress) -> Result<(), Error> {
        progress.opened(&self.header, &self.opened, &self.contents)?;
        self.fault.map_or(Ok(()), Err)
    }

    /// Returns plaintext_len bytes of plaintext. An index or final segment has none.
    #[must_use]
    pub fn plaintext(&self) -> &[u8] {
        match self.header.header().kind {
            SegmentKind::Data => &self.contents,
            _ => &[],
        }
    }
}

/// Opens segments of one stream. Several workers share the work.
pub struct DecryptSegmentWorker {
    opener: SegmentOpener,
    unpacker: Unpacker,
}

impl DecryptSegmentWorker {
    /// Returns a worker for segments of `stream`.
    #[must_use]
    pub fn new(stream: &StreamOpener) -> Self {
        Self { opener: SegmentOpener::new(stream), unpacker: Unpacker::new(stream) }
    }

    /// Opens one segment into `contents`, a buffer to be used again.
    ///
    /// A payload that cannot be decompressed is reported by [`DecryptedSegment::follow`], because
    /// that is the last check of a segment.
    ///
    /// # Errors
    ///
    /// - `malformed.wire_crc`, `malformed.frame_*` or `malformed.terminator`.
    /// - `auth.frame` or `auth.digest`.
    pub fn open(
        &mut self,
        input: &DecryptSegmentInput,
        mut contents: BytesMut,
    ) -> Result<DecryptedSegment, Error> {
        let opened = self.verify(input, &mut contents)?;
        Ok(self.unpack(input.header, contents, opened))
    }

    /// Opens and verifies one segment, whose payload has to be unpacked.
    pub(crate) fn verify(
        &mut self,
        input: &DecryptSegmentInput,
        contents: &mut BytesMut,
    ) -> Result<OpenedSegment, Error> {
        let mut opening = self.begin(&input.header, contents)?;
        opening.push(&input.wire)?;
        opening.finish()
    }

    /// Begins the segment `header`, whose wire comes piece by piece.
    pub(crate) fn begin<'s>(
        &'s mut self,
        header: &'s AuthenticHeader,
        contents: &'s mut BytesMut,
    ) -> Result<SegmentOpening<'s>, Error> {
        self.opener.begin(header, self.unpacker.payload(header, contents))
    }

    /// Ends the segment that was begun with these `contents`, and was verified.
    pub(crate) fn unpack(
        &mut self,
        header: AuthenticHeader,
        mut contents: BytesMut,
        opened: OpenedSegment,
    ) -> DecryptedSegment {
        let fault = self.unpacker.unpack(&header, &mut contents).err();
        DecryptedSegment { header, contents: contents.freeze(), opened, fault }
    }
}
