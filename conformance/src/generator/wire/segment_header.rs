//! §6: the segment header. Every field can have a value that no writer gives it.

use crate::generator::primitives::{crc32c, hmac};

/// Offsets of the fields.
pub(crate) mod at {
    pub(crate) const MAGIC: u64 = 0;
    pub(crate) const SEGMENT_INDEX: u64 = 4;
    pub(crate) const KIND: u64 = 8;
    pub(crate) const CODEC: u64 = 9;
    pub(crate) const DIGEST_ALG: u64 = 10;
    pub(crate) const FLAGS: u64 = 12;
    pub(crate) const RESERVED: u64 = 14;
    pub(crate) const KEY_EPOCH: u64 = 16;
    pub(crate) const DATA_FRAMES: u64 = 20;
    pub(crate) const FRAME_COUNT: u64 = 24;
    pub(crate) const PLAINTEXT_LEN: u64 = 28;
    pub(crate) const PAYLOAD_LEN: u64 = 32;
    pub(crate) const WIRE_LEN: u64 = 36;
    pub(crate) const WIRE_CRC: u64 = 56;
    pub(crate) const SEGMENT_TAG: u64 = 60;
    pub(crate) const HEADER_CRC: u64 = 92;
}

pub(crate) const SEGMENT_HEADER_LEN: usize = 96;
pub(crate) const REKEY: u16 = 1;
pub(crate) const RUN_START: u16 = 2;
pub(crate) const DATA: u8 = 0;
pub(crate) const INDEX: u8 = 1;
pub(crate) const FINAL: u8 = 2;

/// The fields of the bound prefix.
#[derive(Clone)]
pub(crate) struct SegmentHeader {
    pub(crate) segment_index: u32,
    pub(crate) kind: u8,
    pub(crate) codec: u8,
    pub(crate) digest_alg: u16,
    pub(crate) flags: u16,
    pub(crate) reserved: [u8; 2],
    pub(crate) key_epoch: u32,
    pub(crate) data_frames: u32,
    pub(crate) frame_count: u32,
    pub(crate) plaintext_len: u32,
    pub(crate) payload_len: u32,
    pub(crate) wire_len: u32,
    pub(crate) run_salt: [u8; 16],
}

impl SegmentHeader {
    /// Returns bytes 0..56.
    pub(crate) fn bound_prefix(&self) -> Vec<u8> {
        [
            &b"SV2S"[..],
            &self.segment_index.to_le_bytes(),
            &[self.kind, self.codec],
            &self.digest_alg.to_le_bytes(),
            &self.flags.to_le_bytes(),
            &self.reserved,
            &self.key_epoch.to_le_bytes(),
            &self.data_frames.to_le_bytes(),
            &self.frame_count.to_le_bytes(),
            &self.plaintext_len.to_le_bytes(),
            &self.payload_len.to_le_bytes(),
            &self.wire_len.to_le_bytes(),
            &self.run_salt,
        ]
        .concat()
    }

    /// Returns all 96 bytes for a wire, with CRCs and a tag that hold.
    pub(crate) fn seal(&self, wire: &[u8], k_segment: &[u8; 32]) -> Vec<u8> {
        let mut bytes = self.bound_prefix();
        bytes.extend(crc32c(wire).to_le_bytes());
        bytes.extend(hmac(k_segment, &[&bytes]));
        bytes.extend(crc32c(&bytes).to_le_bytes());
        bytes
    }
}

/// Writes the CRC of the first 92 bytes.
pub(crate) fn repair_header_crc(bytes: &mut [u8]) {
    let crc = crc32c(&bytes[..92]);
    bytes[92..96].copy_from_slice(&crc.to_le_bytes());
}
