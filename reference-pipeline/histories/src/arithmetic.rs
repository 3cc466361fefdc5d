//! A range reader that finds segments by arithmetic, in a stream with UNIFORM (§15.5, step 3).

use crate::range::Range;
use crate::reached::first_is_before;
use crate::rules::Rule;
use crate::world::{FULL, Kind, Run, Segment};

impl Range<'_> {
    /// Follows links from the trailer down, and reads every segment as soon as its run is known.
    ///
    /// A reader that wants a later segment only stops earlier.
    pub(crate) fn by_arithmetic(mut self, finals: &[crate::world::Final]) {
        let index = self.last.index;
        // The total, position and segment_index of a stream with UNIFORM (SV2-RNG-001).
        if index == 0 || !first_is_before(self.last.link, index) || self.len_of_last().is_none() {
            return self.finish();
        }
        if self.rules.keep(Rule::RunsOfOwnFinal) {
            self.run_of(self.last.link, index);
        } else {
            for other in finals.iter().filter(|other| other.index == index) {
                self.run_of(other.link, index);
            }
        }
        self.finish();
    }

    /// Returns the plaintext of the last data segment, according to the total.
    fn len_of_last(&self) -> Option<u8> {
        let len = self.last.total.checked_sub((self.last.index - 1) * FULL)?;
        (1..=FULL).contains(&len).then_some(len)
    }

    /// Reads a run that holds the segments up to but not including `above`.
    fn run_of(&mut self, run: Run, above: u8) {
        for index in run.first..above {
            self.wanted(index, run);
        }
        if run.first == 0 {
            return;
        }
        let world = self.world;
        for segment in world.at(run.first) {
            self.count.answers += 1;
            if self.rules.keep(Rule::FirstCompared) && segment.salt != run.salt
                || self.rules.keep(Rule::StartDemanded) && !segment.starts
            {
                continue;
            }
            // The terminator of a segment that does not begin a run is zero (SV2-DIG-006).
            let link = if segment.starts { segment.link } else { Run::NONE };
            if first_is_before(link, segment.index) {
                self.count.states += 1;
                self.run_of(link, run.first);
            }
        }
    }

    fn wanted(&mut self, index: u8, run: Run) {
        let is_last = index + 1 == self.last.index;
        let len = if is_last { self.len_of_last() } else { Some(FULL) };
        let world = self.world;
        for segment in world.at(index) {
            self.count.answers += 1;
            if Some(segment.kind) == len.map(Kind::Data) && self.is_of(segment, run) {
                self.release(segment.name, index * FULL);
            }
        }
    }

    /// Applies SV2-RNG-005.
    fn is_of(&self, segment: &Segment, run: Run) -> bool {
        let starts = segment.starts || segment.index != run.first || !self.rules.keep(Rule::StartDemanded);
        !self.rules.keep(Rule::ArithmeticRuns) || segment.salt == run.salt && starts
    }
}
