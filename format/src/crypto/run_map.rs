//! §8.3, §15.5 Runs: which segments each of them holds, by headers in order or by links from the end.

use alloc::collections::VecDeque;

use super::frame_opener::terminator_at;
use super::mac::equal;
use super::{AuthenticHeader, Committed, SegmentPlace};
use crate::wire::{HISTORY_LEN, RunLink, SegmentHeader, SegmentKind};
use crate::{Detail, Error, Offset, SegmentIndex};

/// Offsets of fields, in bytes from the beginning of a segment.
mod at {
    pub(super) const SEGMENT_INDEX: u64 = 4;
    pub(super) const FLAGS: u64 = 12;
}

/// Follows segment_index and runs from header to header: what a range reader that walks checks of every header (SV2-RNG-007).
#[derive(Clone, Debug)]
pub struct RunOrder {
    segments: u64,
    link: RunLink,
}

impl RunOrder {
    /// Begins before segment 0.
    pub const BEGIN: Self = Self { segments: 0, link: RunLink::NONE };

    /// Goes on after the committed segments of a stream.
    #[must_use]
    pub const fn after(committed: &Committed) -> Self {
        Self { segments: committed.segments, link: committed.run }
    }

    /// How many segments have been admitted.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.segments
    }

    /// R of the last data or index segment that was admitted: what the terminator of the next segment must say.
    #[must_use]
    pub const fn link(&self) -> &RunLink {
        &self.link
    }

    /// Admits the next segment, whose header was read at `offset`.
    ///
    /// # Errors
    /// `order.segment_index`, `order.run`.
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
        //# A sequential reader MUST reject with `order.segment_index` a segment whose segment_index is not
        //# one more than that of the segment before it, or not 0 in the first.
        if u64::from(header.index.0) != self.segments {
            let error = error(Detail::OrderSegmentIndex, at::SEGMENT_INDEX);
            return Err(error.exactly(header.index.0.into(), self.segments));
        }
        let same_run = self.link.run_salt == header.run_salt;
        //= spec/stream-v2.md#sv2-ord-002
        //# A sequential reader MUST reject with `order.run` a segment without RUN_START whose run_salt
        //# differs from that of the segment before it.
        //= spec/stream-v2.md#sv2-ord-003
        //# A sequential reader MUST reject with `order.run` a segment after the first that has RUN_START and
        //# the run_salt of the segment before it.
        if self.segments > 0 && same_run == header.flags.run_start() {
            return Err(error(Detail::OrderRun, at::FLAGS));
        }
        Ok(())
    }
}

/// The runs that hold some segments of a stream, found by links from its end backwards, or by headers from its beginning forwards. 20 bytes for
/// each.
///
/// They are those of one final segment, or of one last committed segment, and stand for nothing else (SV2-RNG-008).
///
/// ```
/// use stream_v2_format::SegmentIndex;
/// use stream_v2_format::crypto::Runs;
/// use stream_v2_format::wire::RunLink;
///
/// // The trailer of final segment 9 says that one run holds segments 6 to 8.
/// let mut runs = Runs::ending_before(SegmentIndex(9), RunLink { run_salt: [2; 16], first: SegmentIndex(6) });
/// assert_eq!(runs.unknown_before(), Some(SegmentIndex(6)));
/// // The link in segment 6 says that the run before it began at segment 0.
/// runs.add(RunLink { run_salt: [1; 16], first: SegmentIndex(0) });
/// assert_eq!(runs.unknown_before(), None);
/// assert_eq!(runs.holding(SegmentIndex(5)).unwrap().run_salt, [1; 16]);
/// assert_eq!(runs.holding(SegmentIndex(9)), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// How many segments are before the end of the last of them.
    end: u64,
    /// In ascending order, without a gap.
    runs: VecDeque<RunLink>,
}

impl Runs {
    /// No run.
    pub const NONE: Self = Self { end: 0, runs: VecDeque::new() };

    /// The run that ends before segment `end`, by the link of that segment. Nothing is before segment 0.
    #[must_use]
    pub fn ending_before(end: SegmentIndex, link: RunLink) -> Self {
        let runs = if link.first < end { VecDeque::from([link]) } else { VecDeque::new() };
        Self { end: end.0.into(), runs }
    }

    /// The runs of what is committed, as far as its last segment says.
    #[must_use]
    pub fn of_committed(committed: &Committed) -> Self {
        let runs = if committed.segments > 0 { VecDeque::from([committed.run]) } else { VecDeque::new() };
        Self { end: committed.segments, runs }
    }

    /// The first segment of the lowest run that is known, where there are segments before it: the link in that segment says which run holds them.
    #[must_use]
    pub fn unknown_before(&self) -> Option<SegmentIndex> {
        self.runs.front().map(|run| run.first).filter(|&first| first > SegmentIndex::FIRST)
    }

    /// Adds the run before the lowest one that is known, by the link that [`open_link`](super::SegmentOpener::open_link) gives of the first segment of
    /// that one. A link that cannot stand there is not added.
    pub fn add(&mut self, link: RunLink) {
        if self.unknown_before().is_some_and(|first| link.first < first) {
            self.runs.push_front(link);
        }
    }

    /// Takes in the run of the segment that `order` has admitted last.
    pub fn follow(&mut self, order: &RunOrder) {
        if order.segments() > self.end {
            self.end = order.segments();
            if self.runs.back() != Some(order.link()) {
                self.runs.push_back(*order.link());
            }
        }
    }

    /// How many runs are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.runs.len()
    }

    /// The run that holds segment `index`, if it is known.
    #[must_use]
    pub fn holding(&self, index: SegmentIndex) -> Option<&RunLink> {
        let after = self.runs.partition_point(|run| run.first <= index);
        self.runs.get(after.checked_sub(1)?).filter(|_| u64::from(index.0) < self.end)
    }

    /// Checks that a segment is of the run that holds its segment_index, and begins it where it is the first.
    ///
    /// # Errors
    /// `order.run`, also where that run is not known.
    pub fn check(&self, header: &AuthenticHeader) -> Result<(), Error> {
        let found = header.header();
        //= spec/stream-v2.md#sv2-rng-005
        //# A range reader MUST reject with `order.run` a segment without the run_salt of the run that holds
        //# its segment_index, and the first one of a run without RUN_START.
        let holds = self.holding(found.index).is_some_and(|run| {
            equal(&run.run_salt, &found.run_salt) && (run.first != found.index || found.flags.run_start())
        });
        if holds { Ok(()) } else { Err(header.error(Detail::OrderRun, at::FLAGS)) }
    }
}

impl AuthenticHeader {
    /// Checks that the link of an index segment, or of a data segment with RUN_START, is R of the segment before it: SV2-DIG-005 for a reader that
    /// knows no T (SV2-RNG-007).
    ///
    /// # Errors
    /// `order.transcript`.
    pub fn continues(&self, before: &RunLink, link: &RunLink) -> Result<(), Error> {
        if equal(&before.to_bytes(), &link.to_bytes()) {
            Ok(())
        } else {
            Err(self.error(Detail::OrderTranscript, terminator_at(self, HISTORY_LEN as usize)))
        }
    }
}

impl SegmentPlace {
    /// `limit.policy`: the chain of links that would go on at the segment here is longer than `allowed` (SV2-RNG-009).
    #[must_use]
    pub fn over_links(&self, allowed: u32) -> Error {
        let error = Error::new(Detail::LimitPolicy, self.offset).in_segment(self.before);
        error.between(u64::from(allowed) + 1, 0, allowed.into())
    }
}
