//! §1.2 and §7: the primitives, and the AEADs of both suites. Those of age files (§12.2).

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use crc::{CRC_32_ISCSI, Crc};
use hmac::{Mac, SimpleHmac};
use sha2::Sha256;
use sha3::{Digest, Sha3_256};

/// Returns the CRC-32C of a message.
pub(crate) fn crc32c(message: &[u8]) -> u32 {
    const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
    CRC_32C.checksum(message)
}

/// Returns the SHA3-256 of the concatenation of `parts`.
pub(crate) fn sha3(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha3_256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Returns HMAC with SHA3-256 of the concatenation of `parts`.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = SimpleHmac::<Sha3_256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Returns HKDF-Expand to 32 bytes, which is one block.
pub(crate) fn expand(prk: &[u8; 32], info: &[u8]) -> [u8; 32] {
    hmac(prk, &[info, &[1]])
}

/// Returns HMAC with SHA-256.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let Ok(mut mac) = SimpleHmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Returns the first block of HKDF-Expand with SHA-256.
pub(crate) fn expand_sha256(prk: &[u8; 32], info: &[u8]) -> [u8; 32] {
    hmac_sha256(prk, &[info, &[1]].concat())
}

/// Returns 32 bytes of HKDF with SHA-256.
pub(crate) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    expand_sha256(&hmac_sha256(salt, ikm), info)
}

/// Encrypts `text` in place with ChaCha20-Poly1305 and returns the tag.
pub(crate) fn seal_chacha(key: &[u8; 32], nonce: [u8; 12], text: &mut [u8]) -> [u8; 16] {
    let cipher = ChaCha20Poly1305::new(&(*key).into());
    match cipher.encrypt_inout_detached(&nonce.into(), &[], text.into()) {
        Ok(tag) => tag.into(),
        Err(_) => unreachable!("a content key is far shorter than the cipher's limit"),
    }
}

/// Decrypts `text` in place with ChaCha20-Poly1305 and returns whether the tag held. If not, the
/// text is worthless.
pub(crate) fn open_chacha(key: &[u8; 32], nonce: [u8; 12], text: &mut [u8], tag: &[u8]) -> bool {
    let cipher = ChaCha20Poly1305::new(&(*key).into());
    let Ok(tag) = <[u8; 16]>::try_from(tag) else { return false };
    cipher.decrypt_inout_detached(&nonce.into(), &[], text.into(), &tag.into()).is_ok()
}

/// Returns SHA-256 in hex, as the vectors name plaintexts and files.
pub(crate) fn sha256_hex(message: &[u8]) -> String {
    hex::encode(Sha256::digest(message))
}

/// Encrypts `text` in place with XChaCha20-Poly1305 and returns the tag.
pub(crate) fn seal_xchacha(key: &[u8; 32], nonce: [u8; 24], aad: &[u8], text: &mut [u8]) -> [u8; 16] {
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    match cipher.encrypt_inout_detached(&nonce.into(), aad, text.into()) {
        Ok(tag) => tag.into(),
        Err(_) => unreachable!("a frame is far shorter than the cipher's limit"),
    }
}

/// Decrypts `text` in place with XChaCha20-Poly1305 and returns whether the tag held. If not, the
/// text is worthless.
pub(crate) fn open_xchacha(key: &[u8; 32], nonce: [u8; 24], aad: &[u8], text: &mut [u8], tag: &[u8]) -> bool {
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    let Ok(tag) = <[u8; 16]>::try_from(tag) else { return false };
    cipher.decrypt_inout_detached(&nonce.into(), aad, text.into(), &tag.into()).is_ok()
}

/// Encrypts `text` in place with AES-256-GCM and returns the tag.
pub(crate) fn seal_gcm(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> [u8; 16] {
    let cipher = Aes256Gcm::new(&(*key).into());
    match cipher.encrypt_inout_detached(&nonce.into(), aad, text.into()) {
        Ok(tag) => tag.into(),
        Err(_) => unreachable!("a frame is far shorter than the cipher's limit"),
    }
}

/// Decrypts `text` in place with AES-256-GCM and returns whether the tag held. If not, the text is
/// worthless.
pub(crate) fn open_gcm(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], text: &mut [u8], tag: &[u8]) -> bool {
    let cipher = Aes256Gcm::new(&(*key).into());
    let Ok(tag) = <[u8; 16]>::try_from(tag) else { return false };
    cipher.decrypt_inout_detached(&nonce.into(), aad, text.into(), &tag.into()).is_ok()
}

/// Returns a length as a field of four bytes. Everything here is a few MiB.
pub(crate) fn le32(len: usize) -> u32 {
    match u32::try_from(len) {
        Ok(len) => len,
        Err(_) => unreachable!("vectors are small"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(
            hex::encode(sha3(&[])),
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
        );
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
