//! §8.1 The plaintext of a digest frame: `LE16(digest_alg) || LE16(32) || D_i`.

use binrw::binwrite;

use super::{DigestAlg, encode::encode};

/// Bytes of the plaintext of a digest frame.
pub const DIGEST_PLAINTEXT_LEN: u32 = 36;

/// The plaintext of a digest frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestPlaintext {
    /// The algorithm, as in the segment header.
    pub digest_alg: DigestAlg,
    /// The digest D, 32 bytes.
    pub digest: [u8; 32],
}

impl DigestPlaintext {
    /// Returns the 36 bytes that a digest frame seals.
    ///
    /// A reader compares them as a whole (SV2-DIG-002).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; DIGEST_PLAINTEXT_LEN as usize] {
        encode(&Bytes { digest_alg: self.digest_alg.value(), len: 32, digest: self.digest })
    }
}

#[binwrite]
#[bw(little)]
struct Bytes {
    digest_alg: u16,
    len: u16,
    digest: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_algorithm_length_digest() {
        let bytes = DigestPlaintext { digest_alg: DigestAlg::Sha3OverFrames, digest: [7; 32] }.to_bytes();
        assert_eq!(bytes[..4], [2, 0, 32, 0]);
        assert_eq!(bytes[4..], [7; 32]);
    }
}
