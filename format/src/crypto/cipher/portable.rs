//! §7 The AEADs in Rust alone: the reference.

use alloc::boxed::Box;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};

use super::frame_place::Rejected;
use crate::wire::{Suite, TAG_LEN};

#[cfg(not(feature = "accelerated"))]
pub(super) const NAME: &str = "portable";

/// An AEAD with its key, which never moves. It is overwritten when dropped (features `zeroize`).
pub(super) enum Cipher {
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
    Aes256Gcm(Box<Aes256Gcm>),
}

impl Cipher {
    pub(super) fn new(suite: Suite, key: &[u8; 32]) -> Self {
        match suite {
            Suite::XChaCha20Poly1305 => Self::ChaCha20Poly1305(Box::new(ChaCha20Poly1305::new(key.into()))),
            Suite::Aes256Gcm => Self::Aes256Gcm(Box::new(Aes256Gcm::new(key.into()))),
        }
    }

    pub(super) fn seal(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Rejected> {
        let buffers = InOutBuf::new(plaintext, ciphertext).map_err(|_| Rejected)?;
        match self {
            Self::ChaCha20Poly1305(aead) => {
                aead.encrypt_inout_detached(&nonce.into(), associated_data, buffers)
            }
            Self::Aes256Gcm(aead) => aead.encrypt_inout_detached(&nonce.into(), associated_data, buffers),
        }
        .map(Into::into)
        .map_err(|_| Rejected)
    }

    pub(super) fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        plaintext: &mut [u8],
    ) -> Result<(), Rejected> {
        let (nonce, tag) = (nonce.into(), tag.into());
        let buffers = InOutBuf::new(ciphertext, plaintext).map_err(|_| Rejected)?;
        match self {
            Self::ChaCha20Poly1305(aead) => {
                aead.decrypt_inout_detached(&nonce, associated_data, buffers, tag)
            }
            Self::Aes256Gcm(aead) => aead.decrypt_inout_detached(&nonce, associated_data, buffers, tag),
        }
        .map_err(|_| Rejected)
    }
}
