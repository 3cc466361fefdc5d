//! §15.2 Order of runs: segment_index and RUN_START from header to header.

use super::Committed;
use crate::wire::{RunLink, SegmentHeader, SegmentKind, segment_at as at};
use crate::{Detail, Error, Offset};

/// Follows `segment_index` and runs from header to header.
///
/// A range reader that walks checks this for every header (SV2-RNG-007).
#[derive(Clone, Debug)]
pub struct RunOrder {
    segments: u64,
    link: RunLink,
}

impl RunOrder {
    /// The state before segment 0.
    pub const BEGIN: Self = Self { segments: 0, link: RunLink::NONE };

    /// Resumes after the committed segments of a stream.
    #[must_use]
    pub const fn after(committed: &Committed) -> Self {
        Self { segments: committed.segments, link: committed.run }
    }

    /// Returns the number of admitted segments.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.segments
    }

    /// Returns the run (R) of the last admitted data or index segment.
    ///
    /// The next terminator must state it.
    #[must_use]
    pub const fn link(&self) -> &RunLink {
        &self.link
    }

    /// Admits the next segment, whose header was read at `offset`.
    ///
    /// # Errors
    ///
    /// - `order.segment_index` if another segment belongs here.
    /// - `order.run` if the segment belongs to another run.
    pub fn admit(&mut self, header: &SegmentHeader, offset: Offset) -> Result<(), Error> {
        self.check(header, offset).map_err(|error| error.in_segment(self.segments))?;
        self.follow(header);
        Ok(())
    }

    pub(super) const fn follow(&mut self, header: &SegmentHeader) {
        self.segments += 1;
        if !matches!(header.kind, SegmentKind::Final) {
            self.link = self.link.then(header);
        }
    }

    pub(super) fn check(&self, header: &SegmentHeader, offset: Offset) -> Result<(), Error> {
        let error = |detail, at| Error::new(detail, offset.plus(at));
        //= spec/stream-v2.md#sv2-ord-001
        //# A sequential reader MUST reject with `order.segment_index` a segment whose segment_index
        //# is not one more than that of the segment before it, or not 0 in the first.
        if u64::from(header.index.0) != self.segments {
            let error = error(Detail::OrderSegmentIndex, at::SEGMENT_INDEX);
            return Err(error.exactly(header.index.0.into(), self.segments));
        }
        let same_run = self.link.run_salt == header.run_salt;
        //= spec/stream-v2.md#sv2-ord-002
        //# A sequential reader MUST reject with `order.run` a segment without RUN_START whose
        //# run_salt differs from that of the segment before it.
        //= spec/stream-v2.md#sv2-ord-003
        //# A sequential reader MUST reject with `order.run` a segment after the first that has
        //# RUN_START and the run_salt of the segment before it.
        if self.segments > 0 && same_run == header.flags.run_start() {
            return Err(error(Detail::OrderRun, at::FLAGS));
        }
        Ok(())
    }
}
