//! §4: the stream header. Every field can have a value that no writer gives it.

use crate::generator::keys::Keys;
use crate::generator::primitives::{crc32c, hmac};

/// Offsets of the fields.
pub(crate) mod at {
    pub(crate) const MAGIC: u64 = 0;
    pub(crate) const VERSION: u64 = 8;
    pub(crate) const SUITE: u64 = 10;
    pub(crate) const FLAGS: u64 = 12;
    pub(crate) const FRAME_SIZE_LOG2: u64 = 14;
    pub(crate) const SEGMENT_SIZE: u64 = 16;
    pub(crate) const EPOCH_SEGMENTS: u64 = 20;
    pub(crate) const HEADER_TAG: u64 = 80;
    pub(crate) const ENVELOPE_LEN: u64 = 112;
    pub(crate) const HEADER_CRC: u64 = 124;
}

pub(crate) const MAGIC: [u8; 8] = [0x89, b'S', b'V', b'2', 0x0D, 0x0A, 0x1A, 0x0A];
pub(crate) const UNIFORM: u16 = 1;
pub(crate) const PLAINTEXT_LEN_UNKNOWN: u64 = u64::MAX;

/// The fields of a stream header before its tag and its CRC.
#[derive(Clone)]
pub(crate) struct StreamHeader {
    pub(crate) version: u16,
    pub(crate) suite: u16,
    pub(crate) flags: u16,
    pub(crate) frame_size_log2: u8,
    pub(crate) reserved_15: u8,
    pub(crate) segment_size: u32,
    pub(crate) epoch_segments: u32,
    pub(crate) plaintext_len: u64,
    pub(crate) stream_salt: [u8; 32],
    pub(crate) key_id: [u8; 16],
    pub(crate) envelope_len: u32,
    pub(crate) reserved_116: [u8; 8],
}

impl StreamHeader {
    /// Returns bytes 0..80, from which the keys are derived.
    pub(crate) fn bound(&self) -> Vec<u8> {
        [
            &MAGIC[..],
            &self.version.to_le_bytes(),
            &self.suite.to_le_bytes(),
            &self.flags.to_le_bytes(),
            &[self.frame_size_log2, self.reserved_15],
            &self.segment_size.to_le_bytes(),
            &self.epoch_segments.to_le_bytes(),
            &self.plaintext_len.to_le_bytes(),
            &self.stream_salt,
            &self.key_id,
        ]
        .concat()
    }

    /// Returns all 128 bytes, with a tag and a CRC that hold.
    pub(crate) fn seal(&self, keys: &Keys) -> Vec<u8> {
        let mut bytes = self.bound();
        bytes.extend(hmac(&keys.header, &[&bytes]));
        bytes.extend(self.envelope_len.to_le_bytes());
        bytes.extend(self.reserved_116);
        bytes.extend(crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Returns F, or 0 if the exponent is absurd.
    pub(crate) fn frame_size(&self) -> usize {
        1_usize.checked_shl(u32::from(self.frame_size_log2)).unwrap_or(0)
    }

    /// Returns S in bytes.
    pub(crate) fn segment_size(&self) -> usize {
        self.segment_size as usize
    }

    /// Returns whether the flag UNIFORM is set.
    pub(crate) fn uniform(&self) -> bool {
        self.flags & UNIFORM != 0
    }
}
