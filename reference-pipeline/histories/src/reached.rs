//! The state of a sequential reader, or of a writer. Both take the same steps.

use crate::rules::{Rule, Rules};
use crate::world::{Entries, FULL, Final, Kind, Layout, Name, Run, SHORT, Segment, Transcript, World};

/// The state after the segments so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) transcript: Transcript,
    /// The next segment_index.
    pub(crate) index: u8,
    /// R.
    pub(crate) run: Run,
    /// Plaintext so far.
    pub(crate) total: u8,
    /// Data segments since the last index segment. Empty if the layout has none.
    pub(crate) uncovered: Entries,
    /// The last index segment.
    pub(crate) previous: Option<Name>,
    /// True if only a final segment may follow.
    pub(crate) closed: bool,
}

/// The rules that a walk keeps: those of a sequential reader, or fewer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// SV2-ORD-002 and SV2-ORD-003.
    pub(crate) order: bool,
    pub(crate) links: bool,
    pub(crate) transcripts: bool,
}

impl Walk {
    pub(crate) const fn sequential(rules: Rules) -> Self {
        Self {
            order: true,
            links: rules.keep(Rule::SequentialLinks),
            transcripts: rules.keep(Rule::SequentialTranscripts),
        }
    }
}

impl Reached {
    /// The state before the first segment.
    pub(crate) const START: Self = Self {
        transcript: Transcript::NONE,
        index: 0,
        run: Run::NONE,
        total: 0,
        uncovered: Entries::NONE,
        previous: None,
        closed: false,
    };

    /// Applies SV2-ORD-002 and SV2-ORD-003.
    pub(crate) fn in_order(&self, segment: &Segment) -> bool {
        if self.index == 0 { segment.starts } else { (segment.salt == self.run.salt) != segment.starts }
    }

    /// Applies SV2-ORD-004, and SV2-IDX-005 for data and index segments.
    pub(crate) fn may_follow(&self, layout: Layout, kind: Kind) -> bool {
        let covers = layout == Layout::Indexed && self.previous.is_some() && self.uncovered.are_all();
        !self.closed && (!kind.is_data() || !covers)
    }

    /// Returns the state after a segment, without checks.
    pub(crate) fn after(&self, layout: Layout, segment: &Segment) -> Self {
        let first = if segment.starts { segment.index } else { self.run.first };
        let mut after = Self {
            transcript: self.transcript.then(segment.name),
            index: self.index + 1,
            run: Run { salt: segment.salt, first },
            total: self.total + segment.kind.plaintext(),
            ..*self
        };
        match (segment.kind, layout) {
            (Kind::Data(len), Layout::Uniform) => after.closed = len < FULL,
            (Kind::Data(_), Layout::Free) => {}
            (Kind::Data(_), Layout::Indexed) => after.uncovered = self.uncovered.and(segment.name),
            (Kind::Index(..), _) => {
                after.closed = !self.uncovered.are_all();
                after.uncovered = Entries::NONE;
                after.previous = Some(segment.name);
            }
        }
        after
    }

    /// Returns the state of a sequential reader after a segment, if it accepts the segment (§15.1,
    /// §15.2).
    ///
    /// The segment must have the next index.
    pub(crate) fn step(&self, layout: Layout, walk: Walk, segment: &Segment) -> Option<Self> {
        if walk.order && !self.in_order(segment) || !self.may_follow(layout, segment.kind) {
            return None;
        }
        if segment.starts || !segment.kind.is_data() {
            let link = segment.link == self.run && first_is_before(segment.link, segment.index);
            let transcript = segment.before == self.transcript;
            if walk.links && !link || walk.transcripts && !transcript {
                return None;
            }
        }
        // SV2-IDX-004.
        match segment.kind {
            Kind::Index(previous, entries) if previous != self.previous || entries != self.uncovered => None,
            _ => Some(self.after(layout, segment)),
        }
    }

    /// Returns whether a sequential reader accepts a final segment here (SV2-FIN-001, SV2-FIN-005).
    pub(crate) fn ends_with(&self, walk: Walk, last: &Final) -> bool {
        let link = last.link == self.run && first_is_before(last.link, last.index);
        last.index == self.index
            && last.total == self.total
            && last.indexed == self.previous.is_some()
            && self.may_end()
            && (!walk.links || link)
            && (!walk.transcripts || last.transcript == self.transcript)
    }

    /// Applies SV2-IDX-005 for a final segment. A stream without index segments needs none before
    /// it.
    fn may_end(&self) -> bool {
        self.previous.is_none() || self.uncovered.is_empty()
    }

    /// Returns the segments that an honest run may seal next (SV2-IDX-001, SV2-IDX-010).
    pub(crate) fn choices(&self, layout: Layout) -> impl Iterator<Item = Kind> + use<> {
        let index = Kind::Index(self.previous, self.uncovered);
        let covers = !self.closed && !self.uncovered.is_empty() && !self.uncovered.are_too_many();
        let data = [Kind::Data(FULL), Kind::Data(SHORT)];
        let data = self.may_follow(layout, data[0]).then_some(data);
        data.into_iter().flatten().chain(covers.then_some(index))
    }

    /// Seals a segment of the run with this salt.
    pub(crate) fn seal(&self, world: &mut World, salt: u8, starts: bool, kind: Kind) -> Option<Self> {
        let mut segment = Segment {
            name: u8::try_from(world.len()).ok()?,
            salt,
            index: self.index,
            starts,
            kind,
            before: self.transcript,
            link: self.run,
            run_first: 0,
            total: 0,
        };
        let after = self.after(world.layout, &segment);
        (segment.run_first, segment.total) = (after.run.first, after.total);
        world.add(segment);
        Some(after)
    }

    /// Returns the final segment of a run that continues here, if it may seal one.
    pub(crate) fn end(&self) -> Option<Final> {
        let Self { transcript, index, run, total, .. } = *self;
        let last = Final { index, transcript, link: run, total, indexed: self.previous.is_some() };
        self.may_end().then_some(last)
    }
}

/// Applies SV2-DIG-007 and SV2-FIN-005.
pub(crate) fn first_is_before(link: Run, index: u8) -> bool {
    if index == 0 { link == Run::NONE } else { link.first < index }
}
