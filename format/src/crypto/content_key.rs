//! §5 The content key: 32 secret bytes from which all keys of a stream are derived.

use alloc::boxed::Box;
use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::mac::hmac;

/// A content key: 32 secret bytes that are indistinguishable from random (SV2-KEY-001).
///
/// All keys of a stream are derived from it (§5). The bytes never move, and are overwritten when
/// the key is dropped. `Debug` does not show them. The operations on it cannot fail.
///
/// # Examples
///
/// ```
/// use stream_v2_format::crypto::ContentKey;
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// assert_eq!(key.id().len(), 16); // names the key in streams; not secret
/// assert!(!format!("{key:?}").contains('7'));
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
//= spec/stream-v2.md#sv2-key-001
//# A content key MUST be 32 bytes
pub struct ContentKey(Box<[u8; 32]>);

impl ContentKey {
    /// Takes 32 bytes and overwrites this copy of them.
    ///
    /// An array that is passed by value may leave other copies: see [`filled_by`](Self::filled_by).
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let mut key = Self(Box::new([0; 32]));
        key.0.copy_from_slice(&bytes);
        bytes.zeroize();
        key
    }

    /// Creates a key whose 32 bytes `fill` writes in place, so that there is no other copy of them.
    ///
    /// # Errors
    ///
    /// - The error of `fill`. The bytes written so far are overwritten.
    pub fn filled_by<E>(fill: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self(Box::new([0; 32]));
        fill(&mut key.0).map(|()| key)
    }

    /// Returns 16 bytes that identify the key and reveal damage to it (Appendix C).
    ///
    /// They are not secret.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        let mut mac = [0; 32];
        hmac(&self.0, &[b"stream-v2\0key id"], &mut mac);
        let mut id = [0; 16];
        id.copy_from_slice(&mac[..16]);
        id
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Copies the bytes for threads and tasks that share a key. Both copies are overwritten.
impl Clone for ContentKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(32 secret bytes)")
    }
}
