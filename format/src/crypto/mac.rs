//! §1.2 HMAC and HKDF over SHA3-256, and the secrets they give.

use hkdf::SimpleHkdf;
use hmac::{KeyInit, Mac, SimpleHmac};
use sha3::Sha3_256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a block of SHA3-256.
const BLOCK_LEN: usize = 136;

/// A derived key of 32 bytes. Overwritten when dropped; never copied, never shown.
//= spec/stream-v2.md#sv2-key-004
//= type=implication
//= reason=No input shows what is left in memory.
//# An implementation SHOULD overwrite keys in memory when it no longer needs them.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// HKDF-Extract of RFC 5869: 32 bytes.
    pub(super) fn extract(salt: &[u8], ikm: &[u8]) -> Self {
        let (mut prk, _) = SimpleHkdf::<Sha3_256>::extract(Some(salt), ikm);
        let secret = Self(prk.into());
        prk.as_mut_slice().zeroize();
        secret
    }

    /// HKDF-Expand of RFC 5869 to 32 bytes; `info` comes in pieces.
    pub(super) fn expand(&self, info: &[&[u8]]) -> Self {
        let mut okm = [0; 32];
        // One block of output: lengths cannot be wrong, so there is nothing to report.
        let expanded = SimpleHkdf::<Sha3_256>::from_prk(&self.0)
            .map(|hkdf| hkdf.expand_multi_info(info, &mut okm).is_ok());
        debug_assert!(matches!(expanded, Ok(true)), "32 bytes are a valid key and a valid output");
        let secret = Self(okm);
        okm.zeroize();
        secret
    }

    /// HMAC over pieces: 32 bytes.
    pub(super) fn hmac(&self, pieces: &[&[u8]]) -> [u8; 32] {
        let mut hmac = self.hmac_start();
        for piece in pieces {
            hmac.update(piece);
        }
        hmac.finish()
    }

    /// HMAC over bytes that come later.
    pub(super) fn hmac_start(&self) -> Hmac {
        // RFC 2104 pads a short key with zeros to the block size, so this is the same key and cannot fail.
        let mut block = [0; BLOCK_LEN];
        block[..self.0.len()].copy_from_slice(&self.0);
        let hmac = SimpleHmac::new((&block).into());
        block.zeroize();
        Hmac(hmac)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// An HMAC-SHA3-256 in the making.
pub(super) struct Hmac(SimpleHmac<Sha3_256>);

impl Hmac {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

/// Compares in constant time (SV2-KEY-003).
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    //= spec/stream-v2.md#sv2-key-003
    //# An implementation MUST compare tags, commitments, digests and transcripts in constant time.
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha3::Digest;

    /// HMAC by its definition in RFC 2104, block size 136.
    fn hmac_by_hand(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
        let pad = |byte: u8| {
            let mut block = [byte; 136];
            block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
            block
        };
        let inner = Sha3_256::new().chain_update(pad(0x36)).chain_update(message).finalize();
        Sha3_256::new().chain_update(pad(0x5C)).chain_update(inner).finalize().into()
    }

    #[test]
    fn hmac_and_hkdf_are_those_of_the_rfcs() {
        let key = Secret([9; 32]);
        assert_eq!(key.hmac(&[b"ab", b"c"]), hmac_by_hand(&[9; 32], b"abc"));
        assert_eq!(key.expand(&[b"la", b"bel"]).0, hmac_by_hand(&[9; 32], b"label\x01"));
        assert_eq!(Secret::extract(&[5; 32], b"input").0, hmac_by_hand(&[5; 32], b"input"));
    }
}
