//! §11: the content and the places of index segments.

use super::number;
use super::segment::{Header, entries_max};

/// The data segments and index segments that a reader has seen.
#[derive(Default)]
pub(super) struct Seen {
    /// The entries of the data segments since the last index segment.
    uncovered: Vec<[u8; 24]>,
    /// The offset of the last index segment, 16 bytes of its tag, and its number of entries.
    last: Option<(usize, [u8; 16], u64)>,
}

impl Seen {
    /// Returns whether SV2-IDX-005 holds.
    pub(super) fn may_follow(&self, header: &Header, segment_size: u64) -> bool {
        let (most, uncovered) = (entries_max(segment_size), self.uncovered.len() as u64);
        match self.last {
            Some((_, _, entries)) if header.is_data() => entries == most && uncovered < most,
            Some(_) if header.is_final() => uncovered == 0,
            _ => true,
        }
    }

    /// Returns whether SV2-IDX-004 holds for an index segment that begins at `offset`.
    pub(super) fn describes(&self, payload: &[u8], offset: usize) -> bool {
        let (distance, previous) = self.last.map_or((0, [0; 16]), |(at, tag, _)| (offset - at, tag));
        let distance = (distance as u64).to_le_bytes();
        payload == [&distance[..], &previous, &self.uncovered.concat()].concat()
    }

    /// Returns the number of bytes from the last index segment to `offset`.
    pub(super) fn distance(&self, offset: usize) -> u64 {
        self.last.map_or(0, |(at, ..)| (offset - at) as u64)
    }

    /// Adds a segment with these 96 bytes of header.
    pub(super) fn follow(&mut self, header: &Header, bytes: &[u8], offset: usize) {
        let mut tag = [0; 16];
        tag.copy_from_slice(&bytes[60..76]);
        if header.is_data() {
            let mut entry = [0; 24];
            entry[..4].copy_from_slice(&bytes[28..32]);
            entry[4..8].copy_from_slice(&bytes[36..40]);
            entry[8..].copy_from_slice(&tag);
            self.uncovered.push(entry);
        } else {
            self.uncovered.clear();
            self.last = Some((offset, tag, number(bytes, 32, 4).saturating_sub(24) / 24));
        }
    }
}
