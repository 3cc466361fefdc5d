//! §7, §8, §15 Opening one segment, from one slice into another: steps 12 to 16 of the order of checks.

use super::cipher::FramePlace;
use super::digest::DigestState;
use super::mac::equal;
use super::run::{RunKeys, SegmentKeys};
use super::{AuthenticHeader, Digest, StreamOpener};
use crate::limits::FRAME_OVERHEAD;
use crate::wire::{
    DIGEST_PLAINTEXT_LEN, DigestPlaintext, FrameLayout, FrameType, FrameView, Frames, HeaderV1, SegmentKind,
    TRAILER_LEN, crc32c,
};
use crate::{Detail, Error};

/// What a verified segment brings besides its plaintext: its digest, and its terminator for [`Progress`](super::Progress).
#[derive(Clone, Copy, Debug)]
pub struct OpenedSegment {
    /// D of the segment.
    pub digest: Digest,
    terminator: [u8; TRAILER_LEN as usize],
    terminator_len: usize,
}

impl OpenedSegment {
    /// The plaintext of the terminator: 0, 32 or 56 bytes.
    pub(super) fn terminator(&self) -> &[u8] {
        &self.terminator[..self.terminator_len]
    }
}

/// Opens segments of one stream, in any order.
pub struct SegmentOpener {
    header: HeaderV1,
    keys: RunKeys,
}

impl SegmentOpener {
    /// An opener for segments of `stream`. Several openers may share the work.
    #[must_use]
    pub fn new(stream: &StreamOpener) -> Self {
        Self { header: *stream.header(), keys: RunKeys::new(stream.keys.clone()) }
    }

    /// Opens the segment `header` with its `wire` (wire_len bytes) into `plaintext` (plaintext_len bytes).
    ///
    /// On success everything about the segment itself has been verified; whether it stands in the right place is for
    /// [`SegmentOrder`](super::SegmentOrder) and [`Progress`](super::Progress) to say. After an error `plaintext` is zero.
    ///
    /// # Errors
    /// `malformed.wire_crc`, `malformed.frame_*`, `auth.frame`, `auth.digest`, `malformed.terminator`; `misuse` for slices of
    /// another length.
    pub fn open(
        &mut self,
        header: &AuthenticHeader,
        wire: &[u8],
        plaintext: &mut [u8],
    ) -> Result<OpenedSegment, Error> {
        let opened = self.open_checked(header, wire, plaintext);
        if opened.is_err() {
            plaintext.fill(0);
        }
        opened
    }

    fn open_checked(
        &mut self,
        authentic: &AuthenticHeader,
        wire: &[u8],
        plaintext: &mut [u8],
    ) -> Result<OpenedSegment, Error> {
        let header = authentic.header();
        for (found, allowed) in [(wire.len(), header.wire_len), (plaintext.len(), header.plaintext_len)] {
            if found != allowed as usize {
                return Err(authentic.error(Detail::Misuse, 0).exactly(found as u64, allowed.into()));
            }
        }
        if crc32c(wire) != header.wire_crc32c {
            return Err(Error::wire_crc(authentic.offset(), header.index.0.into()));
        }
        let layout = FrameLayout::new(&self.header, header);
        let frames = Frames::check(wire, layout, authentic.offset(), header.index.0.into())?;
        let opened = open_frames(self.keys.for_segment(header), authentic, &frames, plaintext)?;
        let zero = self.header.uniform() && header.kind == SegmentKind::Data && !header.flags.run_start();
        if zero && opened.terminator().iter().any(|&byte| byte != 0) {
            return Err(authentic.error(Detail::MalformedTerminator, terminator_at(authentic, &opened)));
        }
        Ok(opened)
    }
}

/// Where the terminator frame begins, in bytes from the beginning of the segment.
pub(super) fn terminator_at(authentic: &AuthenticHeader, opened: &OpenedSegment) -> u64 {
    authentic.header().segment_len() - (FRAME_OVERHEAD + opened.terminator_len) as u64
}

fn open_frames(
    keys: &SegmentKeys,
    authentic: &AuthenticHeader,
    frames: &Frames<'_>,
    plaintext: &mut [u8],
) -> Result<OpenedSegment, Error> {
    let header = authentic.header();
    let bound_prefix = header.bound_prefix();
    let mut digest = DigestState::new(header.digest_alg, &keys.digest, &bound_prefix);
    let mut rest = plaintext;
    let mut sealed_digest = [0; DIGEST_PLAINTEXT_LEN as usize];
    let mut terminator = [0; TRAILER_LEN as usize];
    let mut terminator_len = 0;
    for (frame_index, frame) in (0..).zip(frames.iter()) {
        let len = frame.header.len as usize;
        let space = match frame.header.frame_type {
            FrameType::Data => {
                let (space, left) = core::mem::take(&mut rest)
                    .split_at_mut_checked(len)
                    .ok_or_else(|| authentic.error(Detail::Misuse, 0))?;
                rest = left;
                digest.data_frame(frame.bytes, frame.tag);
                space
            }
            FrameType::Digest => &mut sealed_digest[..],
            FrameType::Terminator => {
                terminator_len = len;
                &mut terminator[..len]
            }
        };
        let place = FramePlace {
            segment: header.index,
            frame_index,
            bound_prefix: &bound_prefix,
            header: frame.header,
        };
        keys.cipher
            .open(&place, frame.ciphertext, frame.tag, space)
            .map_err(|_| authentic.error(Detail::AuthFrame, frame_at(authentic, &frame)))?;
    }
    let digest = digest.finish();
    let expected = DigestPlaintext { digest_alg: header.digest_alg, digest: digest.0 }.to_bytes();
    let opened = OpenedSegment { digest, terminator, terminator_len };
    if !equal(&expected, &sealed_digest) {
        let digest_frame_len = FRAME_OVERHEAD as u64 + u64::from(DIGEST_PLAINTEXT_LEN);
        return Err(authentic.error(Detail::AuthDigest, terminator_at(authentic, &opened) - digest_frame_len));
    }
    Ok(opened)
}

/// Where a frame begins, in bytes from the beginning of the segment.
fn frame_at(authentic: &AuthenticHeader, frame: &FrameView<'_>) -> u64 {
    frame.offset.0 - authentic.offset().0
}
