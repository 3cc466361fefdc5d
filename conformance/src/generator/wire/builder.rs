//! §7 and §8: a segment before it is sealed, and its sealing.

use super::segment_header::SegmentHeader;
use crate::generator::keys::Keys;
use crate::generator::primitives::{hmac, le32, seal_gcm, seal_xchacha, sha3};

pub(crate) const DATA_FRAME: u8 = 1;
pub(crate) const DIGEST_FRAME: u8 = 2;
pub(crate) const TERMINATOR_FRAME: u8 = 3;
pub(crate) const FRAME_HEADER_LEN: usize = 8;

/// A frame before it is sealed.
#[derive(Clone)]
pub(crate) struct FrameBuilder {
    pub(crate) frame_type: u8,
    pub(crate) reserved: [u8; 3],
    pub(crate) len: u32,
    pub(crate) plain: Vec<u8>,
}

/// A segment before it is sealed. It is what an honest writer would seal, until it is altered.
#[derive(Clone)]
pub(crate) struct Builder {
    pub(crate) header: SegmentHeader,
    pub(crate) data: Vec<FrameBuilder>,
    pub(crate) digest: FrameBuilder,
    pub(crate) terminator: FrameBuilder,
    /// The epoch whose keys seal the frames.
    pub(crate) sealing_epoch: u32,
    /// The form of the nonces of suite 0x0002.
    pub(crate) counters: Counters,
}

/// The nonce of suite 0x0002, and wrong forms of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counters {
    /// Four zero bytes, then the most significant byte first.
    BigEndian,
    /// Four zero bytes, then the least significant byte first.
    LittleEndian,
    /// As in drafts, the least significant byte first, then four zero bytes.
    Draft,
}

/// A sealed frame and the values that went into it.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) nonce: Vec<u8>,
    pub(crate) associated_data: Vec<u8>,
    pub(crate) plain: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// The sealed frames of a segment and its digest D.
pub(crate) struct Sealed {
    pub(crate) frames: Vec<Frame>,
    pub(crate) digest: [u8; 32],
}

impl FrameBuilder {
    /// Returns a frame whose header is true.
    pub(crate) fn honest(frame_type: u8, plain: Vec<u8>) -> Self {
        Self { frame_type, reserved: [0; 3], len: le32(plain.len()), plain }
    }

    fn header(&self) -> Vec<u8> {
        [&[self.frame_type][..], &self.reserved, &self.len.to_le_bytes()].concat()
    }
}

impl Frame {
    /// Returns the ciphertext without header and tag.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        &self.bytes[FRAME_HEADER_LEN..self.bytes.len() - 16]
    }

    /// Returns the last 16 bytes.
    pub(crate) fn tag(&self) -> &[u8] {
        &self.bytes[self.bytes.len() - 16..]
    }
}

impl Builder {
    /// Seals all frames. `alter_digest` may alter the plaintext of the digest frame.
    pub(crate) fn seal(&self, suite: u16, keys: &Keys, alter_digest: impl FnOnce(&mut Vec<u8>)) -> Sealed {
        let sealer = Sealer::new(self, suite, keys);
        let mut frames: Vec<Frame> =
            self.data.iter().enumerate().map(|(index, frame)| sealer.seal(frame, index)).collect();
        let digest = self.digest(&keys.epoch(self.sealing_epoch).digest, &frames);
        let mut plain = digest_plain(self.header.digest_alg, &digest);
        alter_digest(&mut plain);
        let digest_frame = FrameBuilder { plain, ..self.digest.clone() };
        frames.push(sealer.seal(&digest_frame, self.data.len()));
        frames.push(sealer.seal(&self.terminator, self.data.len() + 1));
        Sealed { frames, digest }
    }

    /// Returns D over the bound prefix and the data frames (§8.1).
    fn digest(&self, k_digest: &[u8; 32], data: &[Frame]) -> [u8; 32] {
        let prefix = self.header.bound_prefix();
        let mut parts: Vec<&[u8]> = vec![&prefix];
        if self.header.digest_alg == 2 {
            parts.extend(data.iter().map(|frame| frame.bytes.as_slice()));
            sha3(&parts)
        } else {
            parts.extend(data.iter().map(Frame::tag));
            hmac(k_digest, &parts)
        }
    }
}

/// Returns the 36 bytes of the digest frame (§8.1).
fn digest_plain(digest_alg: u16, digest: &[u8; 32]) -> Vec<u8> {
    [&digest_alg.to_le_bytes()[..], &32_u16.to_le_bytes(), digest].concat()
}

/// Seals the frames of one segment.
struct Sealer {
    suite: u16,
    key: [u8; 32],
    prefix: Vec<u8>,
    run_salt: [u8; 16],
    segment_index: u32,
    counters: Counters,
}

impl Sealer {
    fn new(builder: &Builder, suite: u16, keys: &Keys) -> Self {
        let aead = keys.epoch(builder.sealing_epoch).aead;
        let run_salt = builder.header.run_salt;
        let key = if suite == 2 { keys.run(&aead, &run_salt) } else { aead };
        let segment_index = builder.header.segment_index;
        Self {
            suite,
            key,
            prefix: builder.header.bound_prefix(),
            run_salt,
            segment_index,
            counters: builder.counters,
        }
    }

    fn seal(&self, frame: &FrameBuilder, frame_index: usize) -> Frame {
        let header = frame.header();
        let associated_data = [self.prefix.as_slice(), &header].concat();
        let (segment_index, frame_index) = (self.segment_index, le32(frame_index));
        let mut text = frame.plain.clone();
        let (nonce, tag) = if self.suite == 2 {
            let (index, frame) = (segment_index.to_le_bytes(), frame_index.to_le_bytes());
            let nonce = match self.counters {
                Counters::BigEndian => {
                    filled::<12>(&[&[0; 4], &segment_index.to_be_bytes(), &frame_index.to_be_bytes()])
                }
                Counters::LittleEndian => filled::<12>(&[&[0; 4], &index, &frame]),
                Counters::Draft => filled::<12>(&[&index, &frame, &[0; 4]]),
            };
            (nonce.to_vec(), seal_gcm(&self.key, nonce, &associated_data, &mut text))
        } else {
            let counters = [segment_index.to_le_bytes(), frame_index.to_le_bytes()].concat();
            let nonce = filled::<24>(&[&self.run_salt, &counters]);
            (nonce.to_vec(), seal_xchacha(&self.key, nonce, &associated_data, &mut text))
        };
        let bytes = [header.as_slice(), &text, &tag].concat();
        Frame { nonce, associated_data, plain: frame.plain.clone(), bytes }
    }
}

fn filled<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    match parts.concat().try_into() {
        Ok(nonce) => nonce,
        Err(_) => unreachable!("the parts of a nonce have fixed lengths"),
    }
}
