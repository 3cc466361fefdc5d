//! Newtypes for numbers that must not be mixed up.

use core::fmt;

use crate::limits::{KEY_EPOCH_MAX, SEGMENT_INDEX_MAX};

/// A number of bytes from the start of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub u64);

impl Offset {
    /// Adds `len` bytes.
    ///
    /// Streams are far below 2^64 bytes (§14), so this saturates only on misuse.
    #[must_use]
    pub const fn plus(self, len: u64) -> Self {
        Self(self.0.saturating_add(len))
    }
}

/// The 0-based index of a segment in its stream (§6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentIndex(pub u32);

impl SegmentIndex {
    /// The index of the first segment of every stream.
    pub const FIRST: Self = Self(0);

    /// Returns the next index, or `None` after 2^32 - 1.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }

    /// Returns the last index of a data or index segment with this `epoch_segments` (§14).
    #[must_use]
    pub const fn last_allowed(epoch_segments: u32) -> Self {
        let by_epoch = (KEY_EPOCH_MAX as u64 + 1) * epoch_segments as u64;
        if epoch_segments == 0 || by_epoch > SEGMENT_INDEX_MAX as u64 + 2 {
            Self(SEGMENT_INDEX_MAX)
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "by_epoch is at most 2^32 here, less 2")]
            Self((by_epoch - 2) as u32)
        }
    }

    /// Returns the key epoch of this segment (§13).
    #[must_use]
    pub const fn key_epoch(self, epoch_segments: u32) -> KeyEpoch {
        match self.0.checked_div(epoch_segments) {
            Some(epoch) => KeyEpoch(epoch),
            None => KeyEpoch(0),
        }
    }

    /// Returns true for the first segment of each key epoch but the first (§13).
    #[must_use]
    pub const fn begins_epoch(self, epoch_segments: u32) -> bool {
        self.0 != 0 && matches!(self.0.checked_rem(epoch_segments), Some(0))
    }
}

impl fmt::Display for SegmentIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of consecutive segments that share AEAD and digest keys (§13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyEpoch(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_change_every_n_segments() {
        assert_eq!(SegmentIndex(7).key_epoch(0), KeyEpoch(0));
        assert_eq!(SegmentIndex(7).key_epoch(4), KeyEpoch(1));
        assert!(!SegmentIndex(0).begins_epoch(4));
        assert!(SegmentIndex(4).begins_epoch(4));
        assert!(!SegmentIndex(5).begins_epoch(4));
        assert!(!SegmentIndex(5).begins_epoch(0));
    }

    #[test]
    fn final_segment_fits_after_last_allowed() {
        for epoch_segments in [0, 1, 2, 3, 1 << 15, 65_535, 65_536, 65_537, u32::MAX] {
            let last = SegmentIndex::last_allowed(epoch_segments);
            let closing = last.next().unwrap();
            assert!(closing.key_epoch(epoch_segments).0 <= KEY_EPOCH_MAX, "{epoch_segments}");
        }
        assert_eq!(SegmentIndex::last_allowed(0), SegmentIndex(u32::MAX - 1));
        assert_eq!(SegmentIndex::last_allowed(1), SegmentIndex(65_534));
        assert_eq!(SegmentIndex::last_allowed(65_536), SegmentIndex(u32::MAX - 1));
    }
}
