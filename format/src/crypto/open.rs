//! §7, §8, §15 Opening one segment, from one slice into another: steps 12 to 16 of the order of checks.

use super::cipher::FramePlace;
use super::digest::DigestState;
use super::mac::equal;
use super::run::{RunKeys, SegmentKeys};
use super::{AuthenticHeader, Digest, StreamOpener};
use crate::limits::FRAME_OVERHEAD;
use crate::wire::{
    BOUND_PREFIX_LEN, DIGEST_PLAINTEXT_LEN, DigestPlaintext, FrameLayout, FrameType, FrameView, Frames,
    HeaderV1, SegmentKind, TRAILER_LEN, crc32c,
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

    /// Opens the segment `header` with its `wire` (wire_len bytes) into `payload` (payload_len bytes): the plaintext of a data segment, what an
    /// index segment holds.
    ///
    /// On success everything about the segment itself has been verified; whether it stands in the right place is for
    /// [`SegmentOrder`](super::SegmentOrder) and [`Progress`](super::Progress) to say. After an error `payload` is zero.
    ///
    /// # Errors
    /// `malformed.wire_crc`, `malformed.frame_*`, `auth.frame`, `auth.digest`, `malformed.terminator`; `misuse` for slices of
    /// another length.
    pub fn open(
        &mut self,
        header: &AuthenticHeader,
        wire: &[u8],
        payload: &mut [u8],
    ) -> Result<OpenedSegment, Error> {
        let opened = self.open_checked(header, wire, payload);
        if opened.is_err() {
            payload.fill(0);
        }
        opened
    }

    fn open_checked(
        &mut self,
        authentic: &AuthenticHeader,
        wire: &[u8],
        payload: &mut [u8],
    ) -> Result<OpenedSegment, Error> {
        let header = authentic.header();
        for (found, allowed) in [(wire.len(), header.wire_len), (payload.len(), header.payload_len)] {
            if found != allowed as usize {
                return Err(authentic.error(Detail::Misuse, 0).exactly(found as u64, allowed.into()));
            }
        }
        //= spec/stream-v2.md#sv2-seg-025
        //# A reader MUST reject with `malformed.wire_crc` a segment whose wire_crc32c does not match the
        //# wire, before it opens any frame.
        if crc32c(wire) != header.wire_crc32c {
            return Err(Error::wire_crc(authentic.offset(), header.index.0.into()));
        }
        let layout = FrameLayout::new(&self.header, header);
        //= spec/stream-v2.md#sv2-frm-005
        //# A reader MUST check all frame headers of a segment before it opens a frame.
        let frames = Frames::check(wire, layout, authentic.offset(), header.index.0.into())?;
        let opened = open_frames(self.keys.for_segment(header).1, authentic, &frames, payload)?;
        self.check_terminator(authentic, opened)
    }

    /// Bytes of the digest frame and the terminator frame, with which the wire of a segment ends.
    #[must_use]
    pub fn tail_len(&self, header: &AuthenticHeader) -> usize {
        FrameLayout::new(&self.header, header.header()).tail().frames_len()
    }

    /// Opens those two frames alone, from the last [`tail_len`](Self::tail_len) bytes of the wire: what a writer that resumes needs of a segment
    /// whose data frames were durable before (§19.3). Neither the checksum of the wire nor its data frames are looked at.
    ///
    /// # Errors
    /// `malformed.frame_*`, `auth.frame`, `auth.digest`, `malformed.terminator`; `malformed.wire_len` for a slice of another length.
    pub fn open_tail(&mut self, authentic: &AuthenticHeader, tail: &[u8]) -> Result<OpenedSegment, Error> {
        let header = authentic.header();
        let layout = FrameLayout::new(&self.header, header).tail();
        let before = u64::from(header.wire_len) - layout.frames_len() as u64;
        let frames = Frames::check(tail, layout, authentic.offset().plus(before), header.index.0.into())?;
        let mut opener = FrameOpener::new(self.keys.for_segment(header).1, authentic, header.data_frames);
        let mut ends = SealedEnds::EMPTY;
        frames.iter().try_for_each(|frame| ends.open(&mut opener, &frame))?;
        let digest = ends.stated_digest();
        let opened = ends.verified(authentic, digest)?;
        self.check_terminator(authentic, opened)
    }

    /// The terminator of a full segment says nothing in a stream with UNIFORM (§8.3).
    fn check_terminator(
        &self,
        authentic: &AuthenticHeader,
        opened: OpenedSegment,
    ) -> Result<OpenedSegment, Error> {
        let header = authentic.header();
        let zero = self.header.uniform() && header.kind == SegmentKind::Data && !header.flags.run_start();
        //= spec/stream-v2.md#sv2-dig-006
        //# A reader MUST reject with `malformed.terminator` a data segment without RUN_START in a stream with
        //# UNIFORM whose terminator is not zero.
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
    payload: &mut [u8],
) -> Result<OpenedSegment, Error> {
    let header = authentic.header();
    let mut opener = FrameOpener::new(keys, authentic, 0);
    let mut digest = DigestState::new(header.digest_alg, &keys.digest, &opener.bound_prefix);
    let mut ends = SealedEnds::EMPTY;
    let mut rest = payload;
    for frame in frames.iter() {
        if frame.header.frame_type == FrameType::Data {
            let (space, left) = core::mem::take(&mut rest)
                .split_at_mut_checked(frame.header.len as usize)
                .ok_or_else(|| authentic.error(Detail::Misuse, 0))?;
            rest = left;
            digest.data_frame(frame.bytes, frame.tag);
            opener.open(&frame, space)?;
        } else {
            ends.open(&mut opener, &frame)?;
        }
    }
    ends.verified(authentic, digest.finish())
}

/// Opens frame after frame of a segment.
struct FrameOpener<'a> {
    keys: &'a SegmentKeys,
    authentic: &'a AuthenticHeader,
    bound_prefix: [u8; BOUND_PREFIX_LEN],
    frame_index: u32,
}

impl<'a> FrameOpener<'a> {
    fn new(keys: &'a SegmentKeys, authentic: &'a AuthenticHeader, frame_index: u32) -> Self {
        Self { keys, authentic, bound_prefix: authentic.header().bound_prefix(), frame_index }
    }

    /// Opens the next frame into `space`, which is as long as its ciphertext.
    fn open(&mut self, frame: &FrameView<'_>, space: &mut [u8]) -> Result<(), Error> {
        let place = FramePlace {
            segment: self.authentic.header().index,
            frame_index: self.frame_index,
            bound_prefix: &self.bound_prefix,
            header: frame.header,
        };
        self.frame_index += 1;
        let at = frame.offset.0 - self.authentic.offset().0;
        //= spec/stream-v2.md#sv2-frm-006
        //# A reader MUST reject with `auth.frame` a segment in which the AEAD rejects a frame, and say no
        //# more about it than which frame it was.
        self.keys
            .cipher
            .open(&place, frame.ciphertext, frame.tag, space)
            .map_err(|_| self.authentic.error(Detail::AuthFrame, at))
    }
}

/// The plaintexts of the digest frame and the terminator frame.
struct SealedEnds {
    digest: [u8; DIGEST_PLAINTEXT_LEN as usize],
    terminator: [u8; TRAILER_LEN as usize],
    terminator_len: usize,
}

impl SealedEnds {
    const EMPTY: Self = Self {
        digest: [0; DIGEST_PLAINTEXT_LEN as usize],
        terminator: [0; TRAILER_LEN as usize],
        terminator_len: 0,
    };

    fn open(&mut self, opener: &mut FrameOpener<'_>, frame: &FrameView<'_>) -> Result<(), Error> {
        if frame.header.frame_type == FrameType::Digest {
            return opener.open(frame, &mut self.digest);
        }
        self.terminator_len = frame.header.len as usize;
        opener.open(frame, &mut self.terminator[..self.terminator_len])
    }

    /// What the digest frame says of itself (§8.1).
    fn stated_digest(&self) -> Digest {
        let mut digest = [0; 32];
        digest.copy_from_slice(&self.digest[self.digest.len() - 32..]);
        Digest(digest)
    }

    /// The segment, where its digest frame holds `digest` and its algorithm (SV2-DIG-002).
    fn verified(self, authentic: &AuthenticHeader, digest: Digest) -> Result<OpenedSegment, Error> {
        let Self { digest: sealed, terminator, terminator_len } = self;
        let digest_alg = authentic.header().digest_alg;
        let opened = OpenedSegment { digest, terminator, terminator_len };
        //= spec/stream-v2.md#sv2-dig-002
        //# A reader MUST reject with `auth.digest` a segment whose digest frame does not hold the 36 bytes
        //# that the reader computes.
        if !equal(&DigestPlaintext { digest_alg, digest: digest.0 }.to_bytes(), &sealed) {
            let at = terminator_at(authentic, &opened) - (FRAME_OVERHEAD + sealed.len()) as u64;
            return Err(authentic.error(Detail::AuthDigest, at));
        }
        Ok(opened)
    }
}
