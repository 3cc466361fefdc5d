//! §8 The result of opening a segment besides its plaintext: digest and terminator.

use core::fmt;

use super::Digest;
use crate::wire::TRAILER_LEN;

/// The digest of a verified segment, and its terminator for [`Progress`](super::Progress).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct OpenedSegment {
    /// The digest (D) of the segment.
    pub digest: Digest,
    pub(super) terminator: [u8; TRAILER_LEN as usize],
    pub(super) terminator_len: usize,
}

impl fmt::Debug for OpenedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.terminator_len;
        f.debug_struct("OpenedSegment").field("digest", &self.digest).field("terminator_len", &len).finish()
    }
}

impl OpenedSegment {
    /// Returns the plaintext of the terminator: 0, 52 or 76 bytes.
    pub(super) fn terminator(&self) -> &[u8] {
        &self.terminator[..self.terminator_len]
    }
}
