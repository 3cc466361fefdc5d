//! §12: stanzas, and the CRC that closes an envelope.

use crate::generator::primitives::{crc32c, le32};

pub(crate) const ARGON2ID: u16 = 0x0001;
pub(crate) const AGE: u16 = 0x0002;
pub(crate) const KEY: u16 = 0x0003;
pub(crate) const PADDING: u16 = 0xFFFF;

/// Returns one stanza.
pub(crate) fn stanza(stanza_type: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&stanza_type.to_le_bytes(), &len.to_le_bytes(), body].concat()
}

/// Returns a `padding` stanza of `len` zero bytes.
pub(crate) fn padding(len: usize) -> Vec<u8> {
    stanza(PADDING, &vec![0; len])
}

/// The parameters of an `argon2id` body.
#[derive(Clone, Copy)]
pub(crate) struct Argon2id {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
    pub(crate) reserved: u32,
}

impl Argon2id {
    /// Parameters that every reader must accept.
    pub(crate) const ORDINARY: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4, reserved: 0 };

    /// Returns the 48 bytes of a body before its commitment.
    pub(crate) fn prefix(&self, salt: &[u8; 32]) -> Vec<u8> {
        [
            &salt[..],
            &self.memory_kib.to_le_bytes(),
            &self.passes.to_le_bytes(),
            &self.lanes.to_le_bytes(),
            &self.reserved.to_le_bytes(),
        ]
        .concat()
    }

    /// Returns the 128 bytes of a body that wraps nothing. Its other bytes are a fixed pattern.
    pub(crate) fn body(&self) -> Vec<u8> {
        [&self.prefix(&[0xA5; 32])[..], &[0xC3; 80]].concat()
    }

    /// Returns the stanza of 132 bytes, a length that SV2-HDR-013 allows.
    pub(crate) fn stanza(&self) -> Vec<u8> {
        stanza(ARGON2ID, &self.body())
    }
}

/// Returns the stanzas and their CRC, or nothing if there are no stanzas.
pub(crate) fn close(stanzas: &[u8]) -> Vec<u8> {
    if stanzas.is_empty() {
        return Vec::new();
    }
    [stanzas, &crc32c(stanzas).to_le_bytes()].concat()
}

/// Returns the envelope_len that belongs to the stanzas.
pub(crate) fn envelope_len(stanzas: &[u8]) -> u32 {
    le32(stanzas.len())
}
