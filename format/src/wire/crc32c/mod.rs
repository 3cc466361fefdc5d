//! §1.2 CRC-32C: detects torn and decayed writes without a key. It never proves authenticity.

#[cfg(feature = "accelerated")]
mod accelerated;
#[cfg(any(test, not(feature = "accelerated")))]
mod portable;

#[cfg(feature = "accelerated")]
use self::accelerated as backend;
#[cfg(not(feature = "accelerated"))]
use self::portable as backend;

/// The name of the checksum implementation in this build.
pub const CRC_BACKEND: &str = backend::NAME;

/// Computes the CRC-32C of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    backend::checksum(bytes)
}

/// Computes a CRC-32C over bytes that arrive in pieces.
#[derive(Default)]
pub struct Crc32c(backend::Pieces);

impl Crc32c {
    /// Creates a checksum over no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the CRC-32C of all bytes so far.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finish()
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
        assert_eq!(Crc32c::new().finish(), 0);
    }

    #[cfg(feature = "accelerated")]
    proptest::proptest! {
        #[test]
        fn is_what_the_reference_computes(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..5000),
            cut: proptest::sample::Index,
        ) {
            let expected = portable::checksum(&bytes);
            proptest::prop_assert_eq!(crc32c(&bytes), expected);
            let (before, after) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut pieces = Crc32c::new();
            pieces.update(before);
            pieces.update(after);
            proptest::prop_assert_eq!(pieces.finish(), expected);
            let mut pieces = portable::Pieces::default();
            pieces.update(before);
            pieces.update(after);
            proptest::prop_assert_eq!(pieces.finish(), expected);
        }
    }
}
