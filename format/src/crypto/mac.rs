//! §1.2 HMAC and HKDF over SHA3-256, and the secrets that they produce.
//!
//! HMAC is written here, instead of using a crate, so that no part of a key stays in memory. A key
//! is padded in one place, which is overwritten. The two keyed states do not move until they are
//! overwritten too.

use alloc::boxed::Box;

use sha3::Sha3_256;
use sha3::digest::{FixedOutputReset, Reset, Update};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::scrub::scrub_mac;

/// Bytes of a block of SHA3-256.
const BLOCK_LEN: usize = 136;
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5C;

/// A derived key of 32 bytes.
///
/// It never moves, is never copied or shown, and is overwritten when dropped.
//= spec/stream-v2.md#sv2-key-004
//# An implementation SHOULD overwrite keys in memory when it no longer needs them.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Secret(Box<[u8; 32]>);

impl Secret {
    /// Returns 32 zero bytes, to be overwritten.
    pub(super) fn zero() -> Self {
        Self(Box::new([0; 32]))
    }

    /// Computes HKDF-Extract (RFC 5869) with a `salt` no longer than a block.
    pub(super) fn extract(salt: &[u8; 32], ikm: &[u8]) -> Self {
        let mut prk = Self::zero();
        hmac(salt, &[ikm], &mut prk.0);
        prk
    }

    /// Computes HKDF-Expand (RFC 5869) to 32 bytes, one block of output, over the pieces of `info`.
    pub(super) fn expand<const N: usize>(&self, info: [&[u8]; N]) -> Self {
        let mut okm = Self::zero();
        scrub_mac(|| {
            let mut hmac = Hmac::new();
            hmac.start(&self.0);
            info.iter().for_each(|piece| hmac.update(piece));
            hmac.update(&[1]);
            hmac.finish(&mut okm.0);
        });
        okm
    }

    /// Computes the 32 bytes of an HMAC over pieces.
    pub(super) fn hmac(&self, pieces: &[&[u8]]) -> [u8; 32] {
        let mut tag = [0; 32];
        hmac(&self.0, pieces, &mut tag);
        tag
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn bytes_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

/// Computes an HMAC under bytes that are not a derived key.
pub(super) fn hmac(key: &[u8; 32], pieces: &[&[u8]], tag: &mut [u8; 32]) {
    scrub_mac(|| {
        let mut hmac = Hmac::new();
        hmac.start(key);
        pieces.iter().for_each(|piece| hmac.update(piece));
        hmac.finish(tag);
    });
}

/// An HMAC-SHA3-256 in progress, overwritten when dropped.
///
/// It holds no key before it is started and after it is finished. It must not be moved in between,
/// as a move leaves a copy.
pub(super) struct Hmac {
    inner: Sha3_256,
    outer: Sha3_256,
}

impl Hmac {
    pub(super) fn new() -> Self {
        Self { inner: Sha3_256::default(), outer: Sha3_256::default() }
    }

    /// Begins under a key, which RFC 2104 pads with zeros to the block size.
    pub(super) fn start(&mut self, key: &[u8; 32]) {
        let mut block = [INNER_PAD; BLOCK_LEN];
        block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        Reset::reset(&mut self.inner);
        self.inner.update(&block);
        block.iter_mut().for_each(|pad| *pad ^= INNER_PAD ^ OUTER_PAD);
        Reset::reset(&mut self.outer);
        self.outer.update(&block);
        block.zeroize();
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    /// Writes the 32 bytes and overwrites the key.
    pub(super) fn finish(&mut self, tag: &mut [u8; 32]) {
        self.inner.finalize_into_reset(tag.into());
        self.outer.update(&*tag);
        self.outer.finalize_into_reset(tag.into());
    }
}

/// Compares in constant time (SV2-KEY-003).
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    //= spec/stream-v2.md#sv2-key-003
    //= type=implication
    //= reason=`ct_eq` takes constant time, and no answer shows how long a comparison took.
    //# An implementation MUST compare tags, commitments, digests and transcripts in constant time.
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use hkdf::SimpleHkdf;
    use hmac::{KeyInit, Mac, SimpleHmac};
    use proptest::collection::vec as bytes;
    use proptest::prelude::*;

    use super::*;

    fn hmac_of_the_crate(key: &[u8], message: &[u8]) -> [u8; 32] {
        let hmac = SimpleHmac::<Sha3_256>::new_from_slice(key).unwrap();
        hmac.chain_update(message).finalize().into_bytes().into()
    }

    fn secret(bytes: [u8; 32]) -> Secret {
        let mut secret = Secret::zero();
        *secret.bytes_mut() = bytes;
        secret
    }

    proptest! {
        #[test]
        fn hmac_and_hkdf_are_those_of_the_rfcs(
            key: [u8; 32],
            message in bytes(any::<u8>(), 0..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = message.split_at(cut.index(message.len() + 1));
            prop_assert_eq!(secret(key).hmac(&[left, right]), hmac_of_the_crate(&key, &message));

            let (prk, hkdf) = SimpleHkdf::<Sha3_256>::extract(Some(&key), &message);
            prop_assert_eq!(prk, *Secret::extract(&key, &message).bytes());
            let mut okm = [0; 32];
            hkdf.expand(&message, &mut okm).unwrap();
            prop_assert_eq!(*secret(prk.into()).expand([left, right]).bytes(), okm);
        }
    }

    #[test]
    fn an_hmac_that_was_left_starts_anew() {
        let mut hmac = Hmac::new();
        hmac.start(&[1; 32]);
        hmac.update(b"left");
        hmac.start(&[2; 32]);
        hmac.update(b"abc");
        let mut tag = [0; 32];
        hmac.finish(&mut tag);
        assert_eq!(tag, hmac_of_the_crate(&[2; 32], b"abc"));
    }
}
