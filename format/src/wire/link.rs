//! §8.3 Links: 20 bytes that name the run of a segment.
//!
//! A run is named by its salt and the index of its first segment.
//!
//! ```text
//! 0 run_salt (16) | 16 first u32
//! ```

use super::SegmentHeader;
use crate::SegmentIndex;

/// Bytes of a link.
pub const LINK_LEN: usize = 20;

const SALT_LEN: usize = 16;

/// A link (R_i): the run that sealed segment i, in 20 bytes (§8.3).
///
/// The terminator of the next segment holds it as its *link*.
///
/// # Examples
///
/// ```
/// use stream_v2_format::SegmentIndex;
/// use stream_v2_format::wire::RunLink;
///
/// let link = RunLink { run_salt: [7; 16], first: SegmentIndex(5) };
/// assert_eq!(RunLink::from_bytes(&link.to_bytes()), link);
/// assert!(link.fits(SegmentIndex(6)));
/// assert!(!link.fits(SegmentIndex(5)));
/// assert!(RunLink::NONE.fits(SegmentIndex::FIRST));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLink {
    /// The `run_salt` of the run. It serves comparison only, never sealing (SV2-JRN-004).
    pub run_salt: [u8; SALT_LEN],
    /// The first segment of the run.
    pub first: SegmentIndex,
}

impl RunLink {
    /// The link of segment 0, which no run precedes (R_(-1)): 20 zero bytes.
    pub const NONE: Self = Self { run_salt: [0; SALT_LEN], first: SegmentIndex::FIRST };

    /// Parses the 20 bytes of a link.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; LINK_LEN]) -> Self {
        let (salt, first) = bytes.split_at(SALT_LEN);
        let (mut run_salt, mut first_bytes) = ([0; SALT_LEN], [0; LINK_LEN - SALT_LEN]);
        run_salt.copy_from_slice(salt);
        first_bytes.copy_from_slice(first);
        Self { run_salt, first: SegmentIndex(u32::from_le_bytes(first_bytes)) }
    }

    /// Returns the 20 bytes of the link.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LINK_LEN] {
        let mut bytes = [0; LINK_LEN];
        bytes[..SALT_LEN].copy_from_slice(&self.run_salt);
        bytes[SALT_LEN..].copy_from_slice(&self.first.0.to_le_bytes());
        bytes
    }

    /// Returns the run (R) of the data or index segment with this header, which follows this one.
    ///
    /// `self` must be the run of the segment before it.
    #[must_use]
    pub const fn then(&self, header: &SegmentHeader) -> Self {
        let first = if header.flags.run_start() { header.index } else { self.first };
        Self { run_salt: header.run_salt, first }
    }

    /// Returns true if this can be the link of segment `index`.
    ///
    /// The link of segment 0 is zero. The link of any other segment has a `first` below its index.
    #[must_use]
    pub fn fits(&self, index: SegmentIndex) -> bool {
        if index == SegmentIndex::FIRST { *self == Self::NONE } else { self.first < index }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SegmentFlags;
    use super::super::segment_header::tests::headers;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stands_as_the_specification_says() {
        let link = RunLink { run_salt: [0xA5; 16], first: SegmentIndex(0x0403_0201) };
        let mut expected = [0xA5; 20];
        expected[16..].copy_from_slice(&[1, 2, 3, 4]);
        assert_eq!(link.to_bytes(), expected);
        assert_eq!(RunLink::NONE.to_bytes(), [0; 20]);
    }

    #[test]
    fn link_names_earlier_run_or_is_zero() {
        let link = |salt, first| RunLink { run_salt: [salt; 16], first: SegmentIndex(first) };
        let last = SegmentIndex(u32::MAX);
        for (link, index, can) in [
            (link(0, 0), SegmentIndex(0), true),
            (link(1, 0), SegmentIndex(0), false),
            (link(0, 1), SegmentIndex(0), false),
            (link(0, 0), SegmentIndex(1), true),
            (link(1, 1), SegmentIndex(1), false),
            (link(1, 0), SegmentIndex(1), true),
            (link(1, u32::MAX - 1), last, true),
            (link(1, u32::MAX), last, false),
        ] {
            assert_eq!(link.fits(index), can, "{link:?} {index}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(run_salt: [u8; 16], first: u32) {
            let link = RunLink { run_salt, first: SegmentIndex(first) };
            prop_assert_eq!(RunLink::from_bytes(&link.to_bytes()), link);
        }

        #[test]
        fn a_run_goes_on_until_the_next_one_starts(header in headers(), first: u32) {
            let before = RunLink { run_salt: header.run_salt, first: SegmentIndex(first) };
            let start = SegmentFlags::RUN_START;
            let with = |on| SegmentHeader { flags: SegmentFlags::NONE.with(start, on), ..header };
            prop_assert_eq!(before.then(&with(false)), before);
            let begun = RunLink { first: header.index, ..before };
            prop_assert_eq!(RunLink::NONE.then(&with(true)), begun);
        }
    }
}
