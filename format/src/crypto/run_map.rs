//! §8.3, §15.5 The runs of segments, found by headers in order or by links from the end.

use alloc::collections::VecDeque;

use super::mac::equal;
use super::{AuthenticHeader, RunOrder};
use crate::wire::{RunLink, segment_at as at};
use crate::{Detail, Error, SegmentIndex};

/// The runs that hold some segments of a stream, 20 bytes for each run.
///
/// They are found by links from the end backwards, or by headers from the beginning forwards. They
/// are valid for one final segment or one last committed segment only (SV2-RNG-008).
///
/// # Examples
///
/// ```
/// use stream_v2_format::SegmentIndex;
/// use stream_v2_format::crypto::RunMap;
/// use stream_v2_format::wire::RunLink;
///
/// // The trailer of final segment 9 says that one run holds segments 6 to 8.
/// let link = RunLink { run_salt: [2; 16], first: SegmentIndex(6) };
/// let mut runs = RunMap::ending_before(SegmentIndex(9), link);
/// assert_eq!(runs.unknown_before(), Some(SegmentIndex(6)));
/// // The link in segment 6 says that the run before it began at segment 0.
/// runs.add(RunLink { run_salt: [1; 16], first: SegmentIndex(0) });
/// assert_eq!(runs.unknown_before(), None);
/// assert_eq!(runs.holding(SegmentIndex(5)).unwrap().run_salt, [1; 16]);
/// assert_eq!(runs.holding(SegmentIndex(9)), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMap {
    /// The number of segments up to the end of the last run.
    end: u64,
    /// In ascending order, without a gap.
    runs: VecDeque<RunLink>,
}

impl RunMap {
    /// No runs.
    pub const NONE: Self = Self { end: 0, runs: VecDeque::new() };

    /// Creates a map with the run that ends before segment `end`, from the link of that segment.
    ///
    /// Before segment 0 there is no run.
    #[must_use]
    pub fn ending_before(end: SegmentIndex, link: RunLink) -> Self {
        let runs = if link.first < end { VecDeque::from([link]) } else { VecDeque::new() };
        Self { end: end.0.into(), runs }
    }

    /// Returns the first segment of the lowest known run, unless that is segment 0.
    ///
    /// The link in that segment names the run before it.
    #[must_use]
    pub fn unknown_before(&self) -> Option<SegmentIndex> {
        self.runs.front().map(|run| run.first).filter(|&first| first > SegmentIndex::FIRST)
    }

    /// Adds the run before the lowest known one.
    ///
    /// `link` is the result of [`open_link`](super::SegmentOpener::open_link) for the first segment
    /// of the lowest known run. An impossible link is not added.
    pub fn add(&mut self, link: RunLink) {
        if self.unknown_before().is_some_and(|first| link.first < first) {
            self.runs.push_front(link);
        }
    }

    /// Adds the run of the segment that `order` has admitted last.
    pub fn follow(&mut self, order: &RunOrder) {
        if order.segments() > self.end {
            self.end = order.segments();
            if self.runs.back() != Some(order.link()) {
                self.runs.push_back(*order.link());
            }
        }
    }

    /// Returns the run that holds segment `index`, if it is known.
    #[must_use]
    pub fn holding(&self, index: SegmentIndex) -> Option<&RunLink> {
        let after = self.runs.partition_point(|run| run.first <= index);
        self.runs.get(after.checked_sub(1)?).filter(|_| u64::from(index.0) < self.end)
    }

    /// Checks that a segment belongs to the run that holds its `segment_index`.
    ///
    /// If it is the first segment of that run, it must begin the run.
    ///
    /// # Errors
    ///
    /// - `order.run` if it does not, or if that run is not known.
    pub fn check(&self, header: &AuthenticHeader) -> Result<(), Error> {
        let found = header.header();
        //= spec/stream-v2.md#sv2-rng-005
        //# A range reader MUST reject with `order.run` a segment without the run_salt of the run
        //# that holds its segment_index, and the first one of a run without RUN_START.
        let holds = self.holding(found.index).is_some_and(|run| {
            equal(&run.run_salt, &found.run_salt) && (run.first != found.index || found.flags.run_start())
        });
        if holds { Ok(()) } else { Err(header.error(Detail::OrderRun, at::FLAGS)) }
    }
}
