//! Where a resumed writer can come to, whatever the storage answers (§19.2, §19.3).

use crate::findings::Count;
use crate::reached::{Reached, Walk};
use crate::rules::{Rule, Rules};
use crate::world::{Layout, Run, Segment, World};

/// What every resume of a writer in this world can believe when it begins its run: with a commit,
/// any genuine record of which stands in its journal, and without one.
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
    /// Step 6 of §19.2: a segment with the tag of the commit is there. It gives the salt, and the
    /// record run_first (SV2-JRN-011).
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

    /// What the record says, and, with index segments, what the headers in front of it say; then
    /// step 7.
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

    /// Goes on, segment after segment, to the first that is not there: after any of them.
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
