//! Walks over headers. From segment 0 on, they also show the runs (SV2-RNG-007).

use stream_v2_format as format;
use stream_v2_format::crypto::{AuthenticHeader, RunMap, RunOrder, SegmentPlace};
use stream_v2_format::wire::SegmentKind;

use super::end::fault;
use super::marks::Marks;
use super::segments::Segments;
use crate::error::Error;
use crate::source::ReadAt;

/// A walk, and the segments that it has passed.
pub(super) struct Walk {
    /// `None` if the walk did not begin at segment 0.
    order: Option<RunOrder>,
    /// The place of the next segment.
    place: SegmentPlace,
    /// The runs of the segments that were passed.
    runs: RunMap,
    /// Segments that were passed, from the first one on.
    passed: Marks<SegmentPlace>,
}

/// The next segment of a walk. Its header was checked, but it is not passed yet.
pub(super) struct Step {
    pub(super) header: AuthenticHeader,
    order: Option<RunOrder>,
}

impl Walk {
    /// Begins before segment 0, and follows runs.
    pub(super) fn from_first(place: SegmentPlace) -> Self {
        Self { order: Some(RunOrder::BEGIN), ..Self::at(place) }
    }

    /// Begins before any segment.
    pub(super) const fn at(place: SegmentPlace) -> Self {
        Self { order: None, place, runs: RunMap::NONE, passed: Marks::new() }
    }

    /// Sets its marks.
    #[cfg(test)]
    pub(super) fn marking(self, passed: Marks<SegmentPlace>) -> Self {
        Self { passed, ..self }
    }

    /// Returns the place of the next segment.
    pub(super) const fn place(&self) -> &SegmentPlace {
        &self.place
    }

    /// Checks that a passed segment still belongs to the same run.
    pub(super) fn check_again(&self, header: &AuthenticHeader) -> Result<(), format::Error> {
        self.runs.check(header)
    }

    /// Returns a passed segment from which to search for byte `target` of the plaintext.
    pub(super) fn nearest(&self, target: u64) -> Option<SegmentPlace> {
        self.passed.last(|place| place.plaintext_begin <= target).map(|(_, place)| *place)
    }

    /// Reads and checks the header of the next segment: steps 1 to 10 of §15.1. `check` is part of
    /// step 10.
    pub(super) fn look<S: ReadAt>(
        &self,
        segments: &Segments<S>,
        check: impl FnOnce(&AuthenticHeader) -> Result<(), format::Error>,
    ) -> Result<Step, Error> {
        let header = segments.header(&self.place)?;
        check(&header).map_err(fault)?;
        let mut order = self.order.clone();
        if let Some(order) = &mut order {
            //= spec/stream-v2.md#sv2-rng-007
            //# A range reader that walks MUST apply SV2-ORD-001 to SV2-ORD-003 to every header from
            //# segment 0 on,
            order.admit(header.header(), header.offset()).map_err(fault)?;
        }
        Ok(Step { header, order })
    }

    /// Compares the link of a segment in which a run begins with the run before it.
    pub(super) fn link<S: ReadAt>(&self, segments: &mut Segments<S>, step: &Step) -> Result<(), Error> {
        let header = step.header.header();
        let starts = header.flags.run_start() && header.kind != SegmentKind::Final && self.place.before > 0;
        if let Some(order) = self.order.as_ref().filter(|_| starts) {
            segments.may_follow(&self.place)?;
            let link = segments.link(&step.header)?;
            //= spec/stream-v2.md#sv2-rng-007
            //# and SV2-DIG-005 to the link, and not to T, of each segment with RUN_START.
            step.header.check_link(order.link(), &link).map_err(fault)?;
        }
        Ok(())
    }

    /// Passes the segment.
    pub(super) fn pass(&mut self, Step { header, order }: Step) {
        self.passed.pass(self.place.before, self.place);
        self.place = self.place.after(&header);
        if let Some(order) = &order {
            self.runs.follow(order);
        }
        self.order = order;
    }
}
