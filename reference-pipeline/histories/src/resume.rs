//! The states that a resumed writer can reach, for every answer of the storage (§19.2, §19.3).

use crate::findings::Count;
use crate::reached::{Reached, Walk};
use crate::rules::{Rule, Rules};
use crate::world::{Layout, Run, Segment, World};

/// Returns every state that a resumed writer in this world can have when it begins its run.
///
/// A journal holds any genuine commit record, or none.
pub(crate) fn outcomes(world: &World, rules: Rules, count: &mut Count) -> Vec<Reached> {
    let mut resume = Resume { world, rules, count, found: Vec::new() };
    let checked = rules.keep(Rule::ResumeWalk);
    let walk = Walk { order: checked, links: checked, transcripts: checked };
    resume.follow(Reached::START, walk);
    for commit in world.segments() {
        resume.confirm(commit);
    }
    resume.found
}

struct Resume<'a> {
    world: &'a World,
    rules: Rules,
    count: &'a mut Count,
    found: Vec<Reached>,
}

impl Resume<'_> {
    /// Confirms a commit: a segment with its tag is there (§19.2, step 6).
    ///
    /// The segment gives the salt, and the record gives run_first (SV2-JRN-011).
    fn confirm(&mut self, commit: &Segment) {
        let world = self.world;
        for record in world.at(commit.index) {
            self.count.answers += 1;
            if self.rules.keep(Rule::FirstOfCommit) && record.name != commit.name {
                continue;
            }
            for header in world.at(commit.index) {
                self.count.answers += 1;
                if self.rules.keep(Rule::SaltOfCommit) && header.name != commit.name {
                    continue;
                }
                let run = Run { salt: header.salt, first: record.run_first };
                self.committed(commit, run);
            }
        }
    }

    /// Takes the state from the record and, with index segments, from the headers before it. Step 7
    /// follows.
    fn committed(&mut self, commit: &Segment, run: Run) {
        let layout = self.world.layout;
        let known = Reached { index: commit.index, transcript: commit.before, ..Reached::START }
            .after(layout, commit);
        let known = Reached { run, total: commit.total, ..known };
        let walk = Walk { order: true, links: true, transcripts: true };
        if layout == Layout::Indexed {
            self.headers(Reached::START, commit, known, walk);
        } else {
            self.follow(known, walk);
        }
    }

    /// Walks over the headers up to that of the last commit, for entries, previous and distance
    /// (SV2-IDX-011).
    fn headers(&mut self, here: Reached, commit: &Segment, known: Reached, walk: Walk) {
        let vouched = self.rules.keep(Rule::EntriesVouched);
        for segment in self.world.at(here.index) {
            self.count.answers += 1;
            if !here.in_order(segment) || !here.may_follow(Layout::Indexed, segment.kind) {
                continue;
            }
            let link = !segment.starts || segment.link == here.run;
            let its_run = segment.index < known.run.first
                || segment.salt == known.run.salt && segment.starts == (segment.index == known.run.first);
            if vouched && !(link && its_run) {
                continue;
            }
            let after = here.after(Layout::Indexed, segment);
            if segment.index < commit.index {
                self.headers(after, commit, known, walk);
            } else if segment.name == commit.name {
                let Reached { uncovered, previous, closed, .. } = after;
                self.follow(Reached { uncovered, previous, closed, ..known }, walk);
            }
        }
    }

    /// Continues segment by segment to the first missing one, which may come after any of them.
    fn follow(&mut self, here: Reached, walk: Walk) {
        if self.found.contains(&here) {
            return;
        }
        self.count.states += 1;
        self.found.push(here);
        for segment in self.world.at(here.index) {
            self.count.answers += 1;
            if let Some(after) = here.step(self.world.layout, walk, segment) {
                self.follow(after, walk);
            }
        }
    }
}
