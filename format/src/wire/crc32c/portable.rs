//! §1.2 CRC-32C in Rust alone, the reference. Sixteen tables reach 3.9 GB/s, one table 0.46 GB/s.

use crc::{CRC_32_ISCSI, Crc, Digest, Table};

#[cfg(not(feature = "accelerated"))]
pub(super) const NAME: &str = "portable";

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

pub(super) fn checksum(bytes: &[u8]) -> u32 {
    CRC32C.checksum(bytes)
}

pub(super) struct Pieces(Digest<'static, u32, Table<16>>);

impl Default for Pieces {
    fn default() -> Self {
        Self(CRC32C.digest())
    }
}

impl Pieces {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> u32 {
        self.0.finalize()
    }
}
