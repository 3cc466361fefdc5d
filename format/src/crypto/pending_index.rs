//! §11 The contents of the next index segment, computed from the headers of the segments before it.

use alloc::vec::Vec;

use crate::Misuse;
use crate::wire::{
    HeaderV1, IndexEntry, IndexView, SegmentHeader, SegmentKind, entries_in, entries_max, tag_prefix,
    write_index,
};

/// The data segments that no index segment covers yet, and the place of the last index segment.
///
/// It takes 24 bytes for each segment. Before the first index segment it keeps at most n + 1, as
/// none can follow after more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingIndex {
    /// Bytes of the body so far.
    position: u64,
    entries: Vec<IndexEntry>,
    last: Option<LastIndex>,
}

/// The last index segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LastIndex {
    /// Bytes of the body before it.
    position: u64,
    tag_prefix: [u8; 16],
    /// Whether it holds n entries, so that data segments may follow.
    full: bool,
}

impl PendingIndex {
    /// The state before segment 0.
    pub const EMPTY: Self = Self { position: 0, entries: Vec::new(), last: None };

    /// Adds the next segment, whose header is authentic.
    pub fn follow(&mut self, stream: &HeaderV1, header: &SegmentHeader) {
        match header.kind {
            // A stream with UNIFORM has no index segments.
            SegmentKind::Data if stream.uniform() || self.entries.len() > entries_max(stream) as usize => {}
            SegmentKind::Data => self.entries.push(IndexEntry::of(header)),
            SegmentKind::Index => {
                self.entries.clear();
                let full = entries_in(stream, header.payload_len) == Some(entries_max(stream));
                self.last = Some(LastIndex { position: self.position, tag_prefix: tag_prefix(header), full });
            }
            SegmentKind::Final => {}
        }
        self.position += header.segment_len();
    }

    /// Returns true if there is an index segment.
    pub(super) const fn has_index(&self) -> bool {
        self.last.is_some()
    }

    /// Returns true if only the final segment may follow the last index segment.
    pub(super) const fn ends(&self) -> bool {
        matches!(self.last, Some(LastIndex { full: false, .. }))
    }

    /// Returns the number of uncovered data segments.
    ///
    /// Before the first index segment it is at most n + 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if they are more than one index segment holds.
    ///
    /// Only a stream without index segments has so many.
    pub(super) fn is_more_than_full(&self, stream: &HeaderV1) -> bool {
        self.entries.len() > entries_max(stream) as usize
    }

    /// Returns true if the uncovered data segments fill an index segment.
    #[must_use]
    pub fn is_full(&self, stream: &HeaderV1) -> bool {
        self.entries.len() >= entries_max(stream) as usize
    }

    /// Returns true if no data segment is uncovered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns true if a segment of this kind may come next (SV2-IDX-005).
    ///
    /// Before the first index segment every kind may.
    pub(super) fn allows(&self, stream: &HeaderV1, kind: SegmentKind) -> bool {
        let Some(last) = &self.last else { return true };
        match kind {
            SegmentKind::Data => last.full && !self.is_full(stream),
            SegmentKind::Index => true,
            SegmentKind::Final => self.is_empty(),
        }
    }

    /// Returns the rule that a writer breaks if it writes a segment of this kind next.
    pub(super) fn refusal(&self, stream: &HeaderV1, kind: SegmentKind) -> Option<Misuse> {
        let rule = match kind {
            SegmentKind::Data if self.ends() => Misuse::IndexEndsStream,
            _ => Misuse::IndexMissing,
        };
        (!self.allows(stream, kind)).then_some(rule)
    }

    /// Returns the bytes from the last index segment to the next segment; 0 if there is none.
    pub(super) fn distance(&self) -> u64 {
        self.last.map_or(0, |last| self.position - last.position)
    }

    /// Returns true if an index segment that comes next may have this payload (SV2-IDX-004).
    pub(super) fn is_described_by(&self, payload: &IndexView<'_>) -> bool {
        payload.distance() == self.distance()
            && *payload.previous() == self.previous()
            && payload.entries().eq(self.entries.iter().copied())
    }

    /// Returns the payload of the index segment that covers them.
    pub(super) fn payload(&self) -> Vec<u8> {
        write_index(self.distance(), self.previous(), &self.entries)
    }

    fn previous(&self) -> [u8; 16] {
        self.last.map_or([0; 16], |last| last.tag_prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::SegmentIndex;
    use crate::crypto::{ContentKey, Run, RunSalt, SegmentSealer, StreamSealer};
    use crate::wire::{StreamFlags, StreamParams};

    /// Returns how many of the first 400 data segments are kept, if an index segment holds 169.
    fn kept(flags: StreamFlags) -> usize {
        let params =
            StreamParams { flags, segment_size: 4096, frame_size_log2: 12, ..StreamParams::new([7; 32]) };
        let stream = StreamSealer::new(params, &ContentKey::new([1; 32]), b"").unwrap();
        assert_eq!(entries_max(stream.header()), 169);
        let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
        let mut uncovered = PendingIndex::EMPTY;
        for index in (0..400).map(SegmentIndex) {
            let mut wire = vec![0; sealer.wire_len(index, 1)];
            let sealed = sealer.seal_data(index, &[0], &mut wire).unwrap();
            uncovered.follow(stream.header(), &sealed.header);
        }
        uncovered.count()
    }

    #[test]
    fn uncovered_segments_are_kept_in_bounded_number() {
        assert_eq!(kept(StreamFlags::NONE), 170);
        assert_eq!(kept(StreamFlags::UNIFORM), 0);
    }
}
