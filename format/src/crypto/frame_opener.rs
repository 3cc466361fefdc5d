//! §7, §8 Opens the frames of one segment in order, and checks the last two.

use super::cipher::FramePlace;
use super::mac::equal;
use super::run_keys::SegmentKeys;
use super::{AuthenticHeader, Digest, OpenedSegment};
use crate::limits::FRAME_OVERHEAD;
use crate::wire::{
    BOUND_PREFIX_LEN, DIGEST_PLAINTEXT_LEN, DigestPlaintext, FrameType, FrameView, HeaderV1, SegmentKind,
    TRAILER_LEN, link_at_end,
};
use crate::{Detail, Error};

/// Opens the frames of a segment one after another.
pub(super) struct FrameOpener<'a> {
    keys: &'a SegmentKeys,
    authentic: &'a AuthenticHeader,
    pub(super) bound_prefix: [u8; BOUND_PREFIX_LEN],
    /// The index of the next frame.
    pub(super) frame_index: u32,
}

impl<'a> FrameOpener<'a> {
    pub(super) fn new(keys: &'a SegmentKeys, authentic: &'a AuthenticHeader, frame_index: u32) -> Self {
        Self { keys, authentic, bound_prefix: authentic.header().bound_prefix(), frame_index }
    }

    /// Skips the next frame.
    pub(super) const fn pass(&mut self) {
        self.frame_index += 1;
    }

    /// Opens the next frame into `space`, which is as long as its ciphertext.
    pub(super) fn open(&mut self, frame: &FrameView<'_>, space: &mut [u8]) -> Result<(), Error> {
        let place = FramePlace {
            segment: self.authentic.header().index,
            frame_index: self.frame_index,
            bound_prefix: &self.bound_prefix,
            header: frame.header,
        };
        self.frame_index += 1;
        let at = frame.offset.0 - self.authentic.offset().0;
        //= spec/stream-v2.md#sv2-frm-006
        //# A reader MUST reject with `auth.frame` a segment in which the AEAD rejects a frame, and
        //# say no more about it than which frame it was.
        self.keys
            .cipher
            .open(&place, frame.ciphertext, frame.tag, space)
            .map_err(|_| self.authentic.error(Detail::AuthFrame, at))
    }
}

/// The plaintexts of the digest frame and the terminator frame.
pub(super) struct SealedEnds {
    digest: [u8; DIGEST_PLAINTEXT_LEN as usize],
    terminator: [u8; TRAILER_LEN as usize],
    terminator_len: usize,
}

impl SealedEnds {
    pub(super) const EMPTY: Self = Self {
        digest: [0; DIGEST_PLAINTEXT_LEN as usize],
        terminator: [0; TRAILER_LEN as usize],
        terminator_len: 0,
    };

    pub(super) fn open(&mut self, opener: &mut FrameOpener<'_>, frame: &FrameView<'_>) -> Result<(), Error> {
        if frame.header.frame_type == FrameType::Digest {
            return opener.open(frame, &mut self.digest);
        }
        self.terminator_len = frame.header.len as usize;
        opener.open(frame, &mut self.terminator[..self.terminator_len])
    }

    /// Returns the digest that the digest frame states (§8.1).
    pub(super) fn stated_digest(&self) -> Digest {
        let mut digest = [0; 32];
        digest.copy_from_slice(&self.digest[self.digest.len() - 32..]);
        Digest(digest)
    }

    /// Returns the verified segment (steps 15 and 16 of §15.1).
    ///
    /// Its digest frame must hold `digest` and its algorithm, and its terminator must be valid.
    pub(super) fn verified(
        self,
        stream: &HeaderV1,
        authentic: &AuthenticHeader,
        digest: Digest,
    ) -> Result<OpenedSegment, Error> {
        let Self { digest: sealed, terminator, terminator_len } = self;
        let digest_alg = authentic.header().digest_alg;
        let opened = OpenedSegment { digest, terminator, terminator_len };
        //= spec/stream-v2.md#sv2-dig-002
        //# A reader MUST reject with `auth.digest` a segment whose digest frame does not hold the
        //# 36 bytes that the reader computes.
        if !equal(&DigestPlaintext { digest_alg, digest: digest.0 }.to_bytes(), &sealed) {
            let at = authentic.terminator_at(terminator_len) - (FRAME_OVERHEAD + sealed.len()) as u64;
            return Err(authentic.error(Detail::AuthDigest, at));
        }
        check_terminator(stream, authentic, opened.terminator())?;
        Ok(opened)
    }
}

/// Checks the terminator as far as no other segment is needed (step 16 of §15.1).
pub(super) fn check_terminator(
    stream: &HeaderV1,
    authentic: &AuthenticHeader,
    terminator: &[u8],
) -> Result<(), Error> {
    let header = authentic.header();
    let link =
        link_at_end(terminator).filter(|_| header.kind != SegmentKind::Data || header.flags.run_start());
    let wrong = match link {
        //= spec/stream-v2.md#sv2-fin-005
        //# A reader MUST reject with `auth.trailer` a final segment whose link is not zero in
        //# segment 0, or says elsewhere a first that is not below segment_index.
        Some(link) if header.kind == SegmentKind::Final => {
            (!link.fits(header.index)).then_some(Detail::AuthTrailer)
        }
        //= spec/stream-v2.md#sv2-dig-007
        //# A reader MUST reject with `malformed.terminator` an index segment, or a data segment
        //# with RUN_START, whose link is not zero in segment 0, or whose link says elsewhere a
        //# first that is not below segment_index.
        Some(link) => (!link.fits(header.index)).then_some(Detail::MalformedTerminator),
        //= spec/stream-v2.md#sv2-dig-006
        //# A reader MUST reject with `malformed.terminator` a data segment without RUN_START in a
        //# stream with UNIFORM whose terminator is not zero.
        None => {
            let zero = terminator.iter().all(|&byte| byte == 0);
            (stream.uniform() && !zero).then_some(Detail::MalformedTerminator)
        }
    };
    wrong.map_or(Ok(()), |detail| Err(authentic.error(detail, authentic.terminator_at(terminator.len()))))
}
