//! The AEAD of a suite alone, the part that no implementation can avoid.

use std::hint::black_box;
use std::thread;

use stream_v2_format::wire::Suite;

pub(crate) const SEGMENT: usize = 1 << 20;
pub(crate) const FRAME: usize = 1 << 16;

/// Seals `len` bytes on this many threads, in frames of 64 KiB with 64 bytes of associated data.
///
/// Each thread seals one buffer of 1 MiB repeatedly into another one. Returns whether the AEAD
/// accepted everything.
#[must_use]
pub fn seal(suite: Suite, len: u64, threads: usize) -> bool {
    let segments = len / SEGMENT as u64;
    let each = segments / threads.max(1) as u64;
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(move || seal_here(suite, each))).collect();
        let here = seal_here(suite, segments - each * others.len() as u64);
        others.into_iter().all(|other| other.join().unwrap_or(false)) && here
    })
}

fn seal_here(suite: Suite, segments: u64) -> bool {
    let plaintext = vec![0x5A; SEGMENT];
    let mut sealed = vec![0; SEGMENT];
    let Some(aead) = Aead::new(suite) else { return false };
    (0..segments)
        .all(|segment| aead.seal_frames(segment, 0, black_box(&plaintext[..]), black_box(&mut sealed[..])))
}

impl Aead {
    /// Seals frames of 64 KiB. `first` is the number of the first one in the segment. Returns
    /// whether the AEAD accepted them all.
    pub(crate) fn seal_frames(&self, segment: u64, first: u32, plaintext: &[u8], sealed: &mut [u8]) -> bool {
        let frames = plaintext.chunks(FRAME).zip(sealed.chunks_mut(FRAME));
        frames.zip(first..).all(|((frame, out), number)| {
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&segment.to_le_bytes());
            nonce[8..].copy_from_slice(&number.to_le_bytes());
            self.seal(nonce, frame, out)
        })
    }
}

#[cfg(feature = "accelerated")]
pub(crate) struct Aead(aws_lc_rs::aead::LessSafeKey);

#[cfg(feature = "accelerated")]
impl Aead {
    pub(crate) fn new(suite: Suite) -> Option<Self> {
        use aws_lc_rs::aead::{AES_256_GCM, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
        let algorithm = match suite {
            Suite::XChaCha20Poly1305 => &CHACHA20_POLY1305,
            Suite::Aes256Gcm => &AES_256_GCM,
            _ => return None,
        };
        UnboundKey::new(algorithm, &[7; 32]).ok().map(LessSafeKey::new).map(Self)
    }

    fn seal(&self, nonce: [u8; 12], plaintext: &[u8], sealed: &mut [u8]) -> bool {
        use aws_lc_rs::aead::{Aad, Nonce};
        let (nonce, associated, mut tag) = (Nonce::assume_unique_for_key(nonce), Aad::from([0; 64]), [0; 16]);
        self.0.seal_out_of_place_scatter(nonce, associated, plaintext, sealed, &[], &mut tag).is_ok()
    }
}

#[cfg(not(feature = "accelerated"))]
pub(crate) enum Aead {
    ChaCha20Poly1305(chacha20poly1305::ChaCha20Poly1305),
    Aes256Gcm(Box<aes_gcm::Aes256Gcm>),
}

#[cfg(not(feature = "accelerated"))]
impl Aead {
    pub(crate) fn new(suite: Suite) -> Option<Self> {
        use chacha20poly1305::KeyInit;
        Some(match suite {
            Suite::XChaCha20Poly1305 => Self::ChaCha20Poly1305(KeyInit::new(&[7; 32].into())),
            Suite::Aes256Gcm => Self::Aes256Gcm(Box::new(KeyInit::new(&[7; 32].into()))),
            _ => return None,
        })
    }

    fn seal(&self, nonce: [u8; 12], plaintext: &[u8], sealed: &mut [u8]) -> bool {
        use chacha20poly1305::AeadInOut;
        use chacha20poly1305::aead::inout::InOutBuf;
        let Ok(buffers) = InOutBuf::new(plaintext, sealed) else { return false };
        let (nonce, associated) = (nonce.into(), [0; 64]);
        match self {
            Self::ChaCha20Poly1305(aead) => aead.encrypt_inout_detached(&nonce, &associated, buffers).is_ok(),
            Self::Aes256Gcm(aead) => aead.encrypt_inout_detached(&nonce, &associated, buffers).is_ok(),
        }
    }
}
