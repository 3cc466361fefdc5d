//! §12.1, §12.5 Wraps a content key under the root of a stanza: a commitment, then one AEAD
//! message. §12.2 Wraps it in the payload of an age file.
//!
//! ```text
//! 0 of the stanza (48) | 48 commitment (32) | 80 wrapped content key (32) | 112 tag (16)
//! ```

use super::ContentKey;
use super::cipher::{open_age_chunk, open_once, seal_age_chunk, seal_once};
use super::mac::{Secret, equal};
use crate::wire::TAG_LEN;

/// Bytes of the body of a stanza that wraps a content key here.
pub(crate) const WRAPPED_BODY_LEN: usize = 128;
/// Bytes before the commitment. Each stanza has fields of its own there.
const PREFIX_LEN: usize = 48;
/// Bytes before the wrapped content key: the associated data of its AEAD.
const ASSOCIATED_LEN: usize = PREFIX_LEN + 32;

/// The labels by which the keys of a stanza type differ from those of another one.
pub(crate) struct WrapLabels {
    pub(crate) commitment: &'static [u8],
    pub(crate) wrap: &'static [u8],
}

/// The 32 secret bytes from which a stanza derives its two keys.
pub(crate) struct WrapRoot(Secret);

impl WrapRoot {
    /// Returns the root of a `key` stanza: HKDF-Extract(salt, key).
    pub(crate) fn of_key(salt: &[u8; 32], key: &ContentKey) -> Self {
        Self(Secret::extract(salt, key.bytes()))
    }

    /// Creates a root whose 32 bytes `fill` writes in place.
    ///
    /// # Errors
    ///
    /// - The error of `fill`.
    #[cfg(feature = "argon2id")]
    pub(crate) fn filled_by<E>(fill: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        let mut root = Secret::zero();
        super::scrub::scrub_cipher(|| fill(root.bytes_mut()))?;
        Ok(Self(root))
    }

    /// Returns the body of a stanza that begins with `prefix` and wraps `key`.
    ///
    /// Returns `None` if the AEAD rejects its key, which none does.
    pub(crate) fn wrap(
        &self,
        labels: &WrapLabels,
        prefix: &[u8; PREFIX_LEN],
        key: &ContentKey,
    ) -> Option<[u8; WRAPPED_BODY_LEN]> {
        let mut body = [0; WRAPPED_BODY_LEN];
        body[..PREFIX_LEN].copy_from_slice(prefix);
        let commitment = self.key(labels.commitment, prefix).hmac(&[prefix]);
        body[PREFIX_LEN..ASSOCIATED_LEN].copy_from_slice(&commitment);
        let (associated_data, wrapped) = body.split_at_mut(ASSOCIATED_LEN);
        let (ciphertext, tag) = wrapped.split_at_mut(32);
        let wrap_key = self.key(labels.wrap, prefix);
        tag.copy_from_slice(&seal_once(&wrap_key, associated_data, key.bytes(), ciphertext).ok()?);
        Some(body)
    }

    /// Returns the content key that `body` wraps, or `None` if it is not wrapped under this root.
    pub(crate) fn unwrap(&self, labels: &WrapLabels, body: &[u8; WRAPPED_BODY_LEN]) -> Option<ContentKey> {
        let (associated_data, wrapped) = body.split_at(ASSOCIATED_LEN);
        let (prefix, commitment) = associated_data.split_at(PREFIX_LEN);
        //= spec/stream-v2.md#sv2-env-013
        //# A reader MUST compare the commitment in constant time, and report `key.envelope` where
        //# it differs, before it opens the wrapped content key.
        //= spec/stream-v2.md#sv2-env-019
        //# A reader MUST compare the commitment of a `key` stanza in constant time before it opens
        //# the wrapped content key.
        if !equal(&self.key(labels.commitment, prefix).hmac(&[prefix]), commitment) {
            return None;
        }
        let (ciphertext, tag) = wrapped.split_at(32);
        let tag: &[u8; TAG_LEN] = tag.try_into().ok()?;
        let wrap_key = self.key(labels.wrap, prefix);
        ContentKey::filled_by(|key| open_once(&wrap_key, associated_data, ciphertext, tag, key)).ok()
    }

    /// Returns HKDF-Expand(root, "stream-v2" || 0x00 || label || 0x00 || prefix, 32).
    fn key(&self, label: &[u8], prefix: &[u8]) -> Secret {
        self.0.expand([b"stream-v2\0", label, b"\0", prefix])
    }
}

const _: () = assert!(ASSOCIATED_LEN + 32 + TAG_LEN == WRAPPED_BODY_LEN);

/// Bytes of the only chunk of an age payload whose plaintext is a content key.
pub(crate) const AGE_CHUNK_LEN: usize = 32 + TAG_LEN;

/// Returns the chunk of an age payload whose plaintext is `key` (§12.2).
///
/// Returns `None` if the AEAD rejects its key, which none does.
pub(crate) fn wrap_in_age(payload_key: &[u8; 32], key: &ContentKey) -> Option<[u8; AGE_CHUNK_LEN]> {
    let mut chunk = [0; AGE_CHUNK_LEN];
    let (ciphertext, tag) = chunk.split_at_mut(32);
    tag.copy_from_slice(&seal_age_chunk(payload_key, key.bytes(), ciphertext).ok()?);
    Some(chunk)
}

/// Returns the content key in a chunk of an age payload, or `None` if the payload key is another.
pub(crate) fn unwrap_from_age(payload_key: &[u8; 32], chunk: &[u8; AGE_CHUNK_LEN]) -> Option<ContentKey> {
    let (ciphertext, tag) = chunk.split_at(32);
    let tag: &[u8; TAG_LEN] = tag.try_into().ok()?;
    ContentKey::filled_by(|key| open_age_chunk(payload_key, ciphertext, tag, key)).ok()
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::KeyInit;
    use chacha20poly1305::{AeadInOut, XChaCha20Poly1305};
    use hkdf::SimpleHkdf;
    use hmac::{Mac, SimpleHmac};
    use proptest::prelude::*;
    use sha3::Sha3_256;

    use super::*;

    const LABELS: WrapLabels = WrapLabels { commitment: b"key commitment", wrap: b"key wrap" };

    const SALT: [u8; 32] = [4; 32];

    /// The body by the crates hkdf, hmac and chacha20poly1305, as §12.5 says it.
    ///
    /// `bend` changes the commitment before the content key is sealed with it.
    fn body_of_the_crates(
        (salt, key, prefix): ([u8; 32], [u8; 32], [u8; 48]),
        content_key: [u8; 32],
        bend: u8,
    ) -> [u8; 128] {
        let (_, hkdf) = SimpleHkdf::<Sha3_256>::extract(Some(&salt), &key);
        let derive = |label: &[u8]| {
            let mut okm = [0; 32];
            hkdf.expand_multi_info(&[b"stream-v2\0", label, b"\0", &prefix], &mut okm).unwrap();
            okm
        };
        let hmac = SimpleHmac::<Sha3_256>::new_from_slice(&derive(b"key commitment")).unwrap();
        let mut body = [0; 128];
        body[..48].copy_from_slice(&prefix);
        body[48..80].copy_from_slice(&hmac.chain_update(prefix).finalize().into_bytes());
        body[48] ^= bend;
        let mut wrapped = content_key;
        let tag = XChaCha20Poly1305::new(&derive(b"key wrap").into())
            .encrypt_inout_detached(&[0; 24].into(), &body[..80], (&mut wrapped[..]).into())
            .unwrap();
        body[80..112].copy_from_slice(&wrapped);
        body[112..].copy_from_slice(&tag);
        body
    }

    proptest! {
        #[test]
        fn body_is_that_of_the_specification(
            salt: [u8; 32],
            key: [u8; 32],
            head: [u8; 16],
            content: [u8; 32],
        ) {
            let mut prefix = [0; 48];
            prefix[..16].copy_from_slice(&head);
            prefix[16..].copy_from_slice(&salt);
            let root = WrapRoot::of_key(&salt, &ContentKey::new(key));
            let body = root.wrap(&LABELS, &prefix, &ContentKey::new(content)).unwrap();
            prop_assert_eq!(body, body_of_the_crates((salt, key, prefix), content, 0));
            let unwrapped = root.unwrap(&LABELS, &body).unwrap();
            prop_assert_eq!(unwrapped.bytes(), &content);
        }
    }

    //= spec/stream-v2.md#sv2-env-013
    //= type=test
    //# A reader MUST compare the commitment in constant time, and report `key.envelope` where it
    //# differs, before it opens the wrapped content key.
    //= spec/stream-v2.md#sv2-env-019
    //= type=test
    //# A reader MUST compare the commitment of a `key` stanza in constant time before it opens the
    //# wrapped content key.
    #[test]
    fn wrong_commitment_that_is_sealed_is_refused() {
        let root = WrapRoot::of_key(&SALT, &ContentKey::new([5; 32]));
        let body = |bend| body_of_the_crates((SALT, [5; 32], [6; 48]), [7; 32], bend);
        assert!(root.unwrap(&LABELS, &body(0)).is_some());
        assert!(root.unwrap(&LABELS, &body(1)).is_none());
    }
}
