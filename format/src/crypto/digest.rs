//! §8.1 The digest D of a segment.

use sha3::{Digest as _, Sha3_256};

use super::mac::{Hmac, Secret};
use crate::wire::{BOUND_PREFIX_LEN, DigestAlg};

/// The 32 bytes D that stand for one segment's content.
///
/// Under digest_alg 0x0001 no content hash against somebody who holds the key: never sign or deduplicate by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub(super) [u8; 32]);

impl Digest {
    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A digest in the making: takes the data frames of a segment in order.
pub(super) enum DigestState {
    OverTags(Hmac),
    OverFrames(Sha3_256),
}

impl DigestState {
    pub(super) fn new(alg: DigestAlg, key: &Secret, bound_prefix: &[u8; BOUND_PREFIX_LEN]) -> Self {
        //= spec/stream-v2.md#sv2-dig-003
        //# A reader MUST implement both digest algorithms.
        match alg {
            DigestAlg::HmacSha3OverTags => {
                let mut hmac = key.hmac_start();
                hmac.update(bound_prefix);
                Self::OverTags(hmac)
            }
            DigestAlg::Sha3OverFrames => Self::OverFrames(Sha3_256::new().chain_update(bound_prefix)),
        }
    }

    /// Adds one data frame: header, ciphertext and tag.
    pub(super) fn data_frame(&mut self, frame: &[u8], tag: &[u8]) {
        match self {
            Self::OverTags(hmac) => hmac.update(tag),
            Self::OverFrames(sha3) => sha3.update(frame),
        }
    }

    pub(super) fn finish(self) -> Digest {
        match self {
            Self::OverTags(hmac) => Digest(hmac.finish()),
            Self::OverFrames(sha3) => Digest(sha3.finalize().into()),
        }
    }
}
