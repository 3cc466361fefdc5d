//! §5 The content key: 32 secret bytes from which all keys of a stream are derived.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 bytes that are indistinguishable from random (SV2-KEY-001). Overwritten when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
//= spec/stream-v2.md#sv2-key-001
//# A content key MUST be 32 bytes
pub struct ContentKey([u8; 32]);

impl ContentKey {
    /// Takes 32 bytes; the caller's copy is the caller's to overwrite.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(32 secret bytes)")
    }
}
