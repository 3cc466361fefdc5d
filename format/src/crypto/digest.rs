//! §8.1 The digest D of a segment.

use sha3::Sha3_256;
use sha3::digest::{FixedOutputReset, Reset, Update};

use super::mac::{Hmac, Secret};
use crate::wire::{BOUND_PREFIX_LEN, DigestAlg};

/// The digest (D) of a segment: 32 bytes that represent its content (§8.1).
///
/// With digest_alg 0x0001 D is not a content hash against a holder of the key: never sign or
/// deduplicate by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub(super) [u8; 32]);

impl Digest {
    /// Returns the 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A digest in progress, which takes the data frames of a segment in order.
///
/// The keyed state keeps its place in memory from segment to segment.
pub(super) struct DigestState {
    alg: DigestAlg,
    over_tags: Hmac,
    over_frames: Sha3_256,
}

impl DigestState {
    pub(super) fn new() -> Self {
        Self { alg: DigestAlg::HmacSha3OverTags, over_tags: Hmac::new(), over_frames: Sha3_256::default() }
    }

    /// Begins the digest of a segment and discards any unfinished one.
    pub(super) fn begin(&mut self, alg: DigestAlg, key: &Secret, bound_prefix: &[u8; BOUND_PREFIX_LEN]) {
        self.alg = alg;
        //= spec/stream-v2.md#sv2-dig-003
        //# A reader MUST implement both digest algorithms.
        match alg {
            DigestAlg::HmacSha3OverTags => {
                self.over_tags.start(key.bytes());
                self.over_tags.update(bound_prefix);
            }
            DigestAlg::Sha3OverFrames => {
                Reset::reset(&mut self.over_frames);
                self.over_frames.update(bound_prefix);
            }
        }
    }

    /// Adds one data frame: header, ciphertext and tag.
    pub(super) fn data_frame(&mut self, frame: &[u8], tag: &[u8]) {
        match self.alg {
            DigestAlg::HmacSha3OverTags => self.over_tags.update(tag),
            DigestAlg::Sha3OverFrames => self.over_frames.update(frame),
        }
    }

    pub(super) fn finish(&mut self) -> Digest {
        let mut digest = [0; 32];
        match self.alg {
            DigestAlg::HmacSha3OverTags => self.over_tags.finish(&mut digest),
            DigestAlg::Sha3OverFrames => self.over_frames.finalize_into_reset((&mut digest).into()),
        }
        Digest(digest)
    }
}
