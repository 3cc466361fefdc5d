//! §1.2 CRC-32C by carry-less multiplication, if the processor supports it (feature `accelerated`).

use crc_fast::{CrcAlgorithm, Digest, crc32_iscsi};

pub(super) const NAME: &str = "accelerated (crc-fast)";

pub(super) fn checksum(bytes: &[u8]) -> u32 {
    crc32_iscsi(bytes)
}

pub(super) struct Pieces(Digest);

impl Default for Pieces {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc32Iscsi))
    }
}

impl Pieces {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    #[expect(clippy::cast_possible_truncation, reason = "a checksum of 32 bits, as any width is given")]
    pub(super) fn finish(self) -> u32 {
        self.0.finalize() as u32
    }
}
