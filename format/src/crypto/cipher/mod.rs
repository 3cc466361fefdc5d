//! §7 The AEAD of a frame: keys, nonce, associated data, seal and open.
//!
//! Only this folder names an AEAD. `portable` is the reference, in Rust alone. `accelerated`
//! produces the same bytes faster, and replaces it if the feature of that name is enabled.

#[cfg(feature = "accelerated")]
mod accelerated;
mod frame_place;
#[cfg(any(test, not(feature = "accelerated")))]
mod portable;

use chacha20::{R20, hchacha};
use zeroize::Zeroize;

#[cfg(feature = "accelerated")]
use self::accelerated as backend;
pub(super) use self::frame_place::FramePlace;
use self::frame_place::Rejected;
#[cfg(not(feature = "accelerated"))]
use self::portable as backend;
use super::RunSalt;
use super::key_schedule::StreamKeys;
use super::mac::Secret;
use super::scrub::scrub_cipher;
use crate::wire::{Suite, TAG_LEN};

/// The AEAD implementation in this build: `portable`, or `accelerated` with its library.
pub const AEAD_BACKEND: &str = backend::NAME;

/// The suite's AEAD for the frames of one run and epoch.
pub(super) struct FrameCipher {
    suite: Suite,
    cipher: backend::Cipher,
    #[cfg(feature = "record-sealings")]
    key: Secret,
}

impl FrameCipher {
    /// Derives the key of run and epoch (§5).
    ///
    /// It is the XChaCha20 subkey, which depends on the first 16 bytes of the nonce alone, or
    /// K_run.
    pub(super) fn new(stream: &StreamKeys, aead_key: &Secret, run_salt: &RunSalt) -> Self {
        let suite = stream.suite();
        let key = frame_key(stream, aead_key, run_salt);
        Self {
            suite,
            cipher: scrub_cipher(|| backend::Cipher::new(suite, key.bytes())),
            #[cfg(feature = "record-sealings")]
            key,
        }
    }

    /// Seals `plaintext` into `ciphertext`, which has the same length, and returns the tag.
    pub(super) fn seal(
        &self,
        place: &FramePlace<'_>,
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Rejected> {
        let (nonce, associated_data) = (place.nonce(self.suite), place.associated_data());
        #[cfg(feature = "record-sealings")]
        super::recorded::record(self.key.bytes(), &nonce, &associated_data, plaintext);
        self.cipher.seal(nonce, &associated_data, plaintext, ciphertext)
    }

    /// Opens `ciphertext` into `plaintext`, which has the same length.
    ///
    /// After an error the content of `plaintext` is undefined.
    pub(super) fn open(
        &self,
        place: &FramePlace<'_>,
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        plaintext: &mut [u8],
    ) -> Result<(), Rejected> {
        self.cipher.open(place.nonce(self.suite), &place.associated_data(), ciphertext, tag, plaintext)
    }
}

/// Returns the 32 bytes that set up the AEAD of the suite, for one run and epoch.
fn frame_key(stream: &StreamKeys, aead_key: &Secret, run_salt: &RunSalt) -> Secret {
    match stream.suite() {
        Suite::XChaCha20Poly1305 => xchacha_subkey(aead_key, run_salt.bytes()),
        Suite::Aes256Gcm => stream.run(aead_key, run_salt),
    }
}

/// Returns the subkey of XChaCha20 for a nonce that begins with these 16 bytes.
fn xchacha_subkey(key: &Secret, nonce_begin: &[u8; 16]) -> Secret {
    let mut subkey = Secret::zero();
    scrub_cipher(|| {
        let mut derived = hchacha::<R20>(key.bytes().into(), nonce_begin.into());
        subkey.bytes_mut().copy_from_slice(&derived);
        derived.as_mut_slice().zeroize();
    });
    subkey
}

/// Seals the only message of a key, with XChaCha20-Poly1305 and a nonce of 24 zero bytes (§12.1).
///
/// `ciphertext` has the length of `plaintext`.
pub(super) fn seal_once(
    key: &Secret,
    associated_data: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
) -> Result<[u8; TAG_LEN], Rejected> {
    let subkey = xchacha_subkey(key, &[0; 16]);
    scrub_cipher(|| {
        let cipher = backend::Cipher::new(Suite::XChaCha20Poly1305, subkey.bytes());
        cipher.seal([0; 12], associated_data, plaintext, ciphertext)
    })
}

/// Opens what [`seal_once`] seals. After an error the content of `plaintext` is undefined.
pub(super) fn open_once(
    key: &Secret,
    associated_data: &[u8],
    ciphertext: &[u8],
    tag: &[u8; TAG_LEN],
    plaintext: &mut [u8],
) -> Result<(), Rejected> {
    let subkey = xchacha_subkey(key, &[0; 16]);
    scrub_cipher(|| {
        let cipher = backend::Cipher::new(Suite::XChaCha20Poly1305, subkey.bytes());
        cipher.open([0; 12], associated_data, ciphertext, tag, plaintext)
    })
}

/// The nonce of the only chunk of an age payload: chunk 0, and the last one (§12.2).
const AGE_NONCE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// Seals the only chunk of an age payload, with ChaCha20-Poly1305 (§12.2).
///
/// `ciphertext` has the length of `plaintext`.
pub(super) fn seal_age_chunk(
    payload_key: &[u8; 32],
    plaintext: &[u8],
    ciphertext: &mut [u8],
) -> Result<[u8; TAG_LEN], Rejected> {
    scrub_cipher(|| {
        // The cipher of this suite is ChaCha20-Poly1305 under a subkey.
        let cipher = backend::Cipher::new(Suite::XChaCha20Poly1305, payload_key);
        cipher.seal(AGE_NONCE, b"", plaintext, ciphertext)
    })
}

/// Opens what [`seal_age_chunk`] seals. After an error the content of `plaintext` is undefined.
pub(super) fn open_age_chunk(
    payload_key: &[u8; 32],
    ciphertext: &[u8],
    tag: &[u8; TAG_LEN],
    plaintext: &mut [u8],
) -> Result<(), Rejected> {
    scrub_cipher(|| {
        let cipher = backend::Cipher::new(Suite::XChaCha20Poly1305, payload_key);
        cipher.open(AGE_NONCE, b"", ciphertext, tag, plaintext)
    })
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::KeyInit;
    use chacha20poly1305::{AeadInOut, XChaCha20Poly1305};

    use super::*;
    use crate::SegmentIndex;
    use crate::crypto::ContentKey;
    use crate::wire::{FrameHeader, FrameType, StreamParams};

    #[test]
    fn gives_the_bytes_of_aes_256_gcm() {
        let params =
            StreamParams { suite: Suite::Aes256Gcm, epoch_segments: 1, ..StreamParams::new([1; 32]) };
        let stream = StreamKeys::derive(&params, &ContentKey::new([3; 32]), b"");
        let (key, salt) = (Secret::extract(&[8; 32], b"key"), RunSalt::new([0xA7; 16]));
        let header = FrameHeader { frame_type: FrameType::Data, len: 100 };
        let place =
            FramePlace { segment: SegmentIndex(0x0102_0304), frame_index: 5, bound_prefix: &[9; 56], header };
        let mut ciphertext = [0; 100];
        let cipher = FrameCipher::new(&stream, &key, &salt);
        let tag = cipher.seal(&place, &[0x5A; 100], &mut ciphertext).unwrap();

        let nonce = [0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 5];
        let mut expected = [0x5A; 100];
        let expected_tag = aes_gcm::Aes256Gcm::new(stream.run(&key, &salt).bytes().into())
            .encrypt_inout_detached(&nonce.into(), &place.associated_data(), (&mut expected[..]).into())
            .unwrap();
        assert_eq!((ciphertext, tag), (expected, expected_tag.into()));
    }

    #[test]
    fn gives_the_bytes_of_xchacha20_poly1305() {
        let content_key = ContentKey::new([3; 32]);
        let stream = StreamKeys::derive(&StreamParams::new([1; 32]), &content_key, b"");
        let key = Secret::extract(&[8; 32], b"key");
        let salt = RunSalt::new([0xA7; 16]);
        let place = FramePlace {
            segment: SegmentIndex(0x0102_0304),
            frame_index: 5,
            bound_prefix: &[9; 56],
            header: FrameHeader { frame_type: FrameType::Data, len: 100 },
        };
        let plaintext = [0x5A; 100];
        let mut ciphertext = [0; 100];
        let cipher = FrameCipher::new(&stream, &key, &salt);
        let tag = cipher.seal(&place, &plaintext, &mut ciphertext).unwrap();

        let mut nonce = [0xA7; 24];
        nonce[16..20].copy_from_slice(&[4, 3, 2, 1]);
        nonce[20..].copy_from_slice(&[5, 0, 0, 0]);
        let mut expected = plaintext;
        let expected_tag = XChaCha20Poly1305::new(key.bytes().into())
            .encrypt_inout_detached(&nonce.into(), &place.associated_data(), (&mut expected[..]).into())
            .unwrap();
        assert_eq!((ciphertext, tag), (expected, expected_tag.into()));
    }
}
