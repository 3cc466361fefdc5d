//! §8.2 The transcript T: 32 bytes that represent all segments so far, in order.

use super::Digest;
use super::mac::Secret;
use crate::SegmentIndex;

/// The transcript (T): 32 bytes that represent some number of segments in order (§8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transcript([u8; 32]);

impl Transcript {
    /// T_(-1), the transcript of no segments.
    pub const EMPTY: Self = Self([0; 32]);

    /// Restores a transcript that was stored, for example in a journal.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns T_i from T_(i-1).
    pub(super) fn then(&self, chain_key: &Secret, index: SegmentIndex, digest: &Digest) -> Self {
        Self(chain_key.hmac(&[&self.0, &index.0.to_le_bytes(), digest.bytes()]))
    }
}
