//! The sizes of parts: S3 takes 10,000 of them, of 5 MiB to 5 GiB, and only the last one may be
//! smaller.

use std::io::{self, ErrorKind};

/// Most parts of an upload.
pub(super) const PARTS_MAX: u16 = 10_000;
/// Least bytes of the first parts, except the last one.
const FIRST: u64 = 8 << 20;
/// Largest minimum of a part. A segment of the largest size still fits below the limit of S3.
const LARGEST: u64 = 4 << 30;
/// Parts of one size in a stream of unknown length. The next ones are twice as large.
const OF_ONE_SIZE: u16 = 1000;
/// Parts that suffice for a known length. The rest has room for bytes other than plaintext, and for
/// ends of segments.
const ENOUGH: u64 = 9000;
const MIB: u64 = 1 << 20;

/// Determines how parts are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cutting {
    /// Least bytes of the first parts.
    pub(super) first: u64,
    /// Expected bytes, if known.
    pub(super) expected: Option<u64>,
}

impl Default for Cutting {
    fn default() -> Self {
        Self { first: FIRST, expected: None }
    }
}

impl Cutting {
    /// Returns the least bytes of part `number`, if it is not the last one.
    ///
    /// # Errors
    ///
    /// - `FileTooLarge` if there are too many parts.
    pub(super) fn least(self, number: u16) -> io::Result<u64> {
        if number > PARTS_MAX {
            let what = format!("S3 takes no more than {PARTS_MAX} parts of an upload, and this is one more");
            return Err(io::Error::new(ErrorKind::FileTooLarge, what));
        }
        let grown = self.first << ((number.max(1) - 1) / OF_ONE_SIZE);
        // A stream that is longer than expected has growing parts as well.
        let planned = self.expected.map_or(grown, |len| {
            let even = (len / ENOUGH + 1).next_multiple_of(MIB).max(self.first);
            if u64::from(number) > ENOUGH { even.max(grown) } else { even }
        });
        Ok(planned.min(LARGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIB: u64 = 1 << 40;
    /// The longest segment.
    const SEGMENT: u64 = (64 << 20) + 65_536;

    fn sum(cutting: Cutting) -> u64 {
        (1..=PARTS_MAX).map(|number| cutting.least(number).unwrap()).sum()
    }

    #[test]
    fn ten_thousand_parts_are_enough() {
        assert!(sum(Cutting::default()) > 7 * TIB);
        for len in [0, 1, 64 << 20, 100 << 30, TIB, 5 * TIB, 30 * TIB] {
            let cutting = Cutting { expected: Some(len), ..Cutting::default() };
            // With room for headers and tags.
            assert!(sum(cutting) > len + len / 100, "{len}");
        }
        assert!(Cutting::default().least(PARTS_MAX + 1).is_err());
    }

    #[test]
    fn every_part_is_of_a_size_that_s3_takes() {
        for expected in [None, Some(0), Some(TIB), Some(u64::MAX)] {
            for number in [1, 1000, 1001, 5000, PARTS_MAX] {
                let least = Cutting { expected, ..Cutting::default() }.least(number).unwrap();
                assert!(least >= 5 << 20 && least + SEGMENT <= 5 << 30, "{expected:?} {number}: {least}");
            }
        }
    }

    #[test]
    fn small_streams_have_small_parts() {
        let known = Cutting { expected: Some(2 << 30), ..Cutting::default() };
        assert_eq!(known.least(1).unwrap(), FIRST);
        assert_eq!(Cutting::default().least(1000).unwrap(), FIRST);
        assert_eq!(Cutting::default().least(1001).unwrap(), 2 * FIRST);
    }
}
