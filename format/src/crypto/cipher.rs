//! §7 The AEAD of a frame: nonce, associated data, seal and open. Only this file names an AEAD.

use chacha20::{R20, hchacha};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use zeroize::Zeroize;

use super::RunSalt;
use super::mac::Secret;
use crate::SegmentIndex;
use crate::wire::{BOUND_PREFIX_LEN, FRAME_HEADER_LEN, FrameHeader, TAG_LEN};

/// Says where a frame stands: everything in its nonce but the run salt, and its associated data.
pub(super) struct FramePlace<'a> {
    pub(super) segment: SegmentIndex,
    pub(super) frame_index: u32,
    pub(super) bound_prefix: &'a [u8; BOUND_PREFIX_LEN],
    pub(super) header: FrameHeader,
}

impl FramePlace<'_> {
    /// The last 12 bytes with which RFC 8439 continues after HChaCha20: 00000000 || segment_index || frame_index.
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[4..8].copy_from_slice(&self.segment.0.to_le_bytes());
        nonce[8..].copy_from_slice(&self.frame_index.to_le_bytes());
        nonce
    }

    /// Bound prefix (56 bytes) || frame header (8 bytes).
    fn associated_data(&self) -> [u8; BOUND_PREFIX_LEN + FRAME_HEADER_LEN] {
        let mut data = [0; BOUND_PREFIX_LEN + FRAME_HEADER_LEN];
        data[..BOUND_PREFIX_LEN].copy_from_slice(self.bound_prefix);
        data[BOUND_PREFIX_LEN..].copy_from_slice(&self.header.to_bytes());
        data
    }
}

/// Says that the AEAD rejected a frame, or that two buffers differ in length. It never says why (SV2-FRM-006).
#[derive(Debug)]
//= spec/stream-v2.md#sv2-err-002
//# A reader MUST NOT tell more about a failed tag, frame or unwrapping than its kind, detail, offset and
//# segment.
pub(super) struct Rejected;

/// Suite 0x0001 for the frames of one run and epoch.
pub(super) struct FrameCipher {
    cipher: ChaCha20Poly1305,
    #[cfg(feature = "record-sealings")]
    key: [u8; 32],
}

impl FrameCipher {
    /// Computes the XChaCha20 subkey, which depends on the first 16 bytes of the nonce alone: the run salt.
    pub(super) fn new(aead_key: &Secret, run_salt: &RunSalt) -> Self {
        let mut subkey = hchacha::<R20>(aead_key.bytes().into(), run_salt.bytes().into());
        let cipher = ChaCha20Poly1305::new(&subkey);
        #[cfg(feature = "record-sealings")]
        let key = subkey.into();
        subkey.as_mut_slice().zeroize();
        Self {
            cipher,
            #[cfg(feature = "record-sealings")]
            key,
        }
    }

    /// Seals `plaintext` into `ciphertext`, which is as long, and returns the tag.
    pub(super) fn seal(
        &self,
        place: &FramePlace<'_>,
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Rejected> {
        #[cfg(feature = "record-sealings")]
        super::recorded::record(&self.key, &place.nonce(), &place.associated_data(), plaintext);
        let buffers = InOutBuf::new(plaintext, ciphertext).map_err(|_| Rejected)?;
        self.cipher
            .encrypt_inout_detached(&place.nonce().into(), &place.associated_data(), buffers)
            .map(Into::into)
            .map_err(|_| Rejected)
    }

    /// Opens `ciphertext` into `plaintext`, which is as long.
    pub(super) fn open(
        &self,
        place: &FramePlace<'_>,
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        plaintext: &mut [u8],
    ) -> Result<(), Rejected> {
        let buffers = InOutBuf::new(ciphertext, plaintext).map_err(|_| Rejected)?;
        self.cipher
            .decrypt_inout_detached(&place.nonce().into(), &place.associated_data(), buffers, tag.into())
            .map_err(|_| Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FrameType;
    use chacha20poly1305::XChaCha20Poly1305;

    #[test]
    fn gives_the_bytes_of_xchacha20_poly1305() {
        let key = Secret::extract(b"salt", b"key");
        let salt = RunSalt::new([0xA7; 16]);
        let place = FramePlace {
            segment: SegmentIndex(0x0102_0304),
            frame_index: 5,
            bound_prefix: &[9; 56],
            header: FrameHeader { frame_type: FrameType::Data, len: 100 },
        };
        let plaintext = [0x5A; 100];
        let mut ciphertext = [0; 100];
        let tag = FrameCipher::new(&key, &salt).seal(&place, &plaintext, &mut ciphertext).unwrap();

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
