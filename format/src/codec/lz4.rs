//! §10 Codec 2: the LZ4 block format.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

use super::Fault;

/// Decompresses a block into all of `plaintext`.
pub(super) fn decode(payload: &[u8], plaintext: &mut [u8]) -> Result<(), Fault> {
    let len = plaintext.len();
    let whole = decompress_into(payload, plaintext).is_ok_and(|produced| produced == len);
    if whole { Ok(()) } else { Err(Fault::Payload) }
}

/// Compresses plaintext to blocks.
pub(super) struct Lz4Encoder {
    table: CompressTable,
}

impl Lz4Encoder {
    pub(super) fn new() -> Self {
        Self { table: CompressTable::large() }
    }

    /// Returns the bytes of the block, which `payload` has space for.
    pub(super) fn encode(&mut self, plaintext: &[u8], payload: &mut [u8]) -> Option<usize> {
        compress_into_with_table(plaintext, payload, &mut self.table).ok()
    }
}

/// Returns the bytes that the encoder wants for a block of `len` bytes of plaintext.
pub(super) const fn space(len: usize) -> usize {
    get_maximum_output_size(len)
}
