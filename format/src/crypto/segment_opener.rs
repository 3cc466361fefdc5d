//! §7, §8, §15 Opens one segment from one slice into another (steps 12 to 16 of §15.1).

use super::frame_opener::{FrameOpener, SealedEnds, check_terminator};
use super::run_keys::RunKeys;
use super::scrub::scrub_cipher;
use super::segment_opening::SegmentOpening;
use super::{AuthenticHeader, OpenedSegment, StreamOpener};
use crate::wire::{
    FrameHeader, FrameLayout, FrameType, FrameView, Frames, HISTORY_LEN, HeaderV1, RunLink, SegmentKind,
    link_at_end, terminator_len,
};
use crate::{Error, Misuse};

/// Opens segments of one stream, in any order.
pub struct SegmentOpener {
    header: HeaderV1,
    keys: RunKeys,
}

impl SegmentOpener {
    /// Creates an opener for segments of `stream`. Several openers may share the work.
    #[must_use]
    pub fn new(stream: &StreamOpener) -> Self {
        Self { header: *stream.header(), keys: RunKeys::new(stream.keys.clone()) }
    }

    /// Keeps up to 8 KiB of secrets, so that going back to earlier key epochs takes few steps.
    #[must_use]
    pub fn keeping_epochs(mut self) -> Self {
        self.keys.keep_epochs();
        self
    }

    /// Opens the segment `header` with its `wire` into `payload`.
    ///
    /// `wire` has `wire_len` bytes, `payload` has `payload_len` bytes. The payload is the plaintext
    /// of a data segment, or the contents of an index segment.
    ///
    /// On success everything about the segment itself is verified. Whether it is in the right place
    /// is checked by [`SegmentOrder`](super::SegmentOrder) and [`Progress`](super::Progress). After
    /// an error `payload` is zero.
    ///
    /// # Errors
    ///
    /// - `malformed.wire_crc` if the checksum of the wire does not match.
    /// - `malformed.frame_*` if a frame header is wrong.
    /// - `auth.frame` if the AEAD rejects a frame.
    /// - `auth.digest` if the digest does not match.
    /// - `malformed.terminator` if the terminator is invalid.
    /// - `misuse` if a slice has another length.
    pub fn open(
        &mut self,
        header: &AuthenticHeader,
        wire: &[u8],
        payload: &mut [u8],
    ) -> Result<OpenedSegment, Error> {
        let mut opening = self.begin(header, payload)?;
        opening.push(wire)?;
        opening.finish()
    }

    /// Begins to open the segment `header`, whose wire arrives in pieces.
    ///
    /// `payload` has `payload_len` bytes.
    ///
    /// # Errors
    ///
    /// - `misuse` if the payload has another length; it is zero then.
    pub fn begin<'s>(
        &'s mut self,
        header: &'s AuthenticHeader,
        payload: &'s mut [u8],
    ) -> Result<SegmentOpening<'s>, Error> {
        SegmentOpening::begin(&self.header, self.keys.for_segment(header.header()), header, payload)
    }

    /// Returns the bytes of the digest frame and the terminator frame, the end of a segment's wire.
    #[must_use]
    pub fn tail_len(&self, header: &AuthenticHeader) -> usize {
        FrameLayout::new(&self.header, header.header()).tail().frames_len()
    }

    /// Returns the bytes of the terminator frame, the last one of a segment's wire.
    #[must_use]
    pub fn terminator_len(&self, header: &AuthenticHeader) -> usize {
        self.terminator_frame(header).frame_len()
    }

    fn terminator_frame(&self, authentic: &AuthenticHeader) -> FrameHeader {
        let header = authentic.header();
        let len = terminator_len(&self.header, header.kind, header.flags.run_start());
        FrameHeader { frame_type: FrameType::Terminator, len }
    }

    /// Opens the terminator frame alone and returns its link, the run of the previous segment.
    ///
    /// `frame` is the last [`terminator_len`](Self::terminator_len) bytes of the wire of an index
    /// segment, or of a data segment with RUN_START.
    ///
    /// # Errors
    ///
    /// - `malformed.frame_*` if the frame header is wrong.
    /// - `auth.frame` if the AEAD rejects the frame.
    /// - `malformed.terminator` if the terminator is invalid.
    /// - `malformed.wire_len` if the slice has another length.
    /// - `misuse` if the segment has no link.
    pub fn open_link(&mut self, authentic: &AuthenticHeader, frame: &[u8]) -> Result<RunLink, Error> {
        let header = authentic.header();
        let expected = self.terminator_frame(authentic);
        let at = authentic.terminator_at(expected.len as usize);
        let mut terminator = [0; HISTORY_LEN as usize];
        let begins = header.kind == SegmentKind::Index || header.flags.run_start();
        if expected.len != HISTORY_LEN || !begins {
            return Err(authentic.misuse(Misuse::NoLink));
        }
        //= spec/stream-v2.md#sv2-rng-006
        //# On a segment that is read for its link a reader MUST make steps 1 to 10, and, on its
        //# terminator frame alone, 11, 13, 14 and 16, and no others.
        let frame = FrameView::check(frame, expected, authentic.offset().plus(at))
            .map_err(|error| error.in_segment(header.index.0.into()))?;
        let keys = self.keys.for_segment(header).keys;
        let mut opener = FrameOpener::new(keys, authentic, header.data_frames + 1);
        scrub_cipher(|| opener.open(&frame, &mut terminator))?;
        check_terminator(&self.header, authentic, &terminator)?;
        link_at_end(&terminator).ok_or_else(|| authentic.misuse(Misuse::NoLink))
    }

    /// Opens the last two frames of a wire alone, from its last [`tail_len`](Self::tail_len) bytes.
    ///
    /// A writer that resumes needs no more of a segment whose data frames were already durable
    /// (§19.3). It checks neither the checksum of the wire nor its data frames.
    ///
    /// # Errors
    ///
    /// - `malformed.frame_*` if a frame header is wrong.
    /// - `auth.frame` if the AEAD rejects a frame.
    /// - `auth.digest` if the digest frame is invalid.
    /// - `malformed.terminator` if the terminator is invalid.
    /// - `malformed.wire_len` if the slice has another length.
    pub fn open_tail(&mut self, authentic: &AuthenticHeader, tail: &[u8]) -> Result<OpenedSegment, Error> {
        let header = authentic.header();
        let layout = FrameLayout::new(&self.header, header).tail();
        let before = u64::from(header.wire_len) - layout.frames_len() as u64;
        let frames = Frames::check(tail, layout, authentic.offset().plus(before), header.index.0.into())?;
        let keys = self.keys.for_segment(header).keys;
        let mut opener = FrameOpener::new(keys, authentic, header.data_frames);
        let mut ends = SealedEnds::EMPTY;
        scrub_cipher(|| frames.iter().try_for_each(|frame| ends.open(&mut opener, &frame)))?;
        let digest = ends.stated_digest();
        ends.verified(&self.header, authentic, digest)
    }
}
