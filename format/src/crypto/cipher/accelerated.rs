//! §7 The AEADs of AWS-LC, from one buffer into another without a copy (feature `accelerated`).

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::frame_place::Rejected;
use crate::wire::{Suite, TAG_LEN};

pub(super) const NAME: &str = "accelerated (AWS-LC)";

/// An AEAD with its key, or `None`, which seals and opens nothing, if the key was rejected.
pub(super) struct Cipher(Option<LessSafeKey>);

impl Cipher {
    pub(super) fn new(suite: Suite, key: &[u8; 32]) -> Self {
        let algorithm = match suite {
            Suite::XChaCha20Poly1305 => &CHACHA20_POLY1305,
            Suite::Aes256Gcm => &AES_256_GCM,
        };
        Self(UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new))
    }

    pub(super) fn seal(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Rejected> {
        let key = self.0.as_ref().ok_or(Rejected)?;
        let (nonce, associated_data) = (Nonce::assume_unique_for_key(nonce), Aad::from(associated_data));
        let mut tag = [0; TAG_LEN];
        key.seal_out_of_place_scatter(nonce, associated_data, plaintext, ciphertext, &[], &mut tag)
            .map(|()| tag)
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
        let key = self.0.as_ref().ok_or(Rejected)?;
        if plaintext.len() != ciphertext.len() {
            return Err(Rejected);
        }
        let (nonce, associated_data) = (Nonce::assume_unique_for_key(nonce), Aad::from(associated_data));
        key.open_separate_gather(nonce, associated_data, ciphertext, tag, plaintext).map_err(|_| Rejected)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::collection::vec as bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::cipher::frame_place::ASSOCIATED_LEN;
    use crate::crypto::cipher::portable;

    fn suites() -> impl Strategy<Value = Suite> {
        prop_oneof![Just(Suite::XChaCha20Poly1305), Just(Suite::Aes256Gcm)]
    }

    fn lens() -> impl Strategy<Value = usize> {
        prop_oneof![0usize..300, 4000usize..4200, 65_400usize..65_600]
    }

    proptest! {
        #[test]
        fn seals_and_opens_what_the_reference_does(
            suite in suites(),
            key: [u8; 32],
            nonce: [u8; 12],
            associated_data in bytes(any::<u8>(), ASSOCIATED_LEN),
            len in lens(),
            seed: u8,
            flip in any::<prop::sample::Index>(),
        ) {
            let plaintext: Vec<u8> = (0..=255u8).cycle().take(len).map(|at| at.wrapping_mul(31).wrapping_add(seed)).collect();
            let associated_data: [u8; ASSOCIATED_LEN] = associated_data.try_into().unwrap();
            let (fast, reference) = (Cipher::new(suite, &key), portable::Cipher::new(suite, &key));
            let (mut sealed, mut expected) = (vec![0; len], vec![0xFF; len]);
            let tag = fast.seal(nonce, &associated_data, &plaintext, &mut sealed).unwrap();
            let expected_tag = reference.seal(nonce, &associated_data, &plaintext, &mut expected).unwrap();
            prop_assert_eq!(tag, expected_tag);
            prop_assert!(sealed == expected);

            let mut opened = vec![0; len];
            prop_assert!(fast.open(nonce, &associated_data, &sealed, &tag, &mut opened).is_ok());
            prop_assert!(opened == plaintext);
            opened.fill(0);
            prop_assert!(reference.open(nonce, &associated_data, &sealed, &tag, &mut opened).is_ok());
            prop_assert!(opened == plaintext);

            let mut whole = [&sealed[..], &tag].concat();
            whole[flip.index(len + TAG_LEN)] ^= 1;
            let (sealed, tag) = whole.split_at(len);
            let tag = tag.try_into().unwrap();
            prop_assert!(fast.open(nonce, &associated_data, sealed, tag, &mut opened).is_err());
            prop_assert!(reference.open(nonce, &associated_data, sealed, tag, &mut opened).is_err());
        }
    }

    #[test]
    fn unequal_buffers_are_refused_unchanged() {
        for suite in [Suite::XChaCha20Poly1305, Suite::Aes256Gcm] {
            let cipher = Cipher::new(suite, &[1; 32]);
            let mut out = [7; 9];
            assert!(cipher.seal([0; 12], &[0; ASSOCIATED_LEN], &[0; 10], &mut out).is_err());
            assert!(cipher.open([0; 12], &[0; ASSOCIATED_LEN], &[0; 10], &[0; TAG_LEN], &mut out).is_err());
            assert_eq!(out, [7; 9]);
        }
    }
}
