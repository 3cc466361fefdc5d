//! Sequential readers, resumed ones included (§15.1, §19.4).

use crate::findings::{Claim, Count, Findings};
use crate::reached::{Reached, Walk};
use crate::rules::{Rule, Rules};
use crate::world::{Final, Run, Segment, Transcript, World};

/// Reads in every way, from the beginning and from every commit of a reader, and checks every end.
pub(crate) fn read(world: &World, finals: &[Final], rules: Rules, count: &mut Count, found: &mut Findings) {
    let walk = Walk::sequential(rules);
    let mut reader = Sequential { world, finals, walk, count, found, whole: 0 };
    reader.go_on(Reached::START);
    // Every honest end was reached.
    if reader.whole.count_ones() as usize != finals.len() {
        reader.found.note(Claim::Refused, world);
    }
    for commit in world.segments() {
        reader.resume(rules, commit);
    }
}

struct Sequential<'a> {
    world: &'a World,
    finals: &'a [Final],
    walk: Walk,
    count: &'a mut Count,
    found: &'a mut Findings,
    /// The final segments that were accepted.
    whole: u64,
}

impl Sequential<'_> {
    fn go_on(&mut self, here: Reached) {
        self.count.states += 1;
        // Some history must begin with everything released so far.
        if let Some(name) = here.transcript.last()
            && self.world.segment(name).transcript() != here.transcript
        {
            self.found.note(Claim::Unsealed, self.world);
        }
        for (place, last) in self.finals.iter().enumerate().filter(|(_, last)| last.index == here.index) {
            self.count.answers += 1;
            if here.ends_with(self.walk, last) {
                if last.transcript == here.transcript {
                    self.whole |= 1 << place;
                } else {
                    self.found.note(Claim::Released, self.world);
                }
            }
        }
        for segment in self.world.at(here.index) {
            self.count.answers += 1;
            if let Some(after) = here.step(self.world.layout, self.walk, segment) {
                self.go_on(after);
            }
        }
    }

    /// Resumes a reader at a commit (§19.4).
    ///
    /// A segment with the tag of the commit opens, and the output ends with its plaintext. The
    /// record's T represents the output before it.
    fn resume(&mut self, rules: Rules, commit: &Segment) {
        for record in self.world.at(commit.index) {
            self.count.answers += 1;
            if rules.keep(Rule::FirstOfCommit) && record.name != commit.name {
                continue;
            }
            let known = covered(self.world, commit.transcript());
            let run = Run { salt: commit.salt, first: record.run_first };
            self.go_on(Reached { run, ..known });
        }
    }
}

/// Returns the state of a reader of index segments before a commit.
///
/// It compares the headers before the commit with index segments. So other headers can only make it
/// refuse more.
fn covered(world: &World, history: Transcript) -> Reached {
    history.names().fold(Reached::START, |here, name| here.after(world.layout, world.segment(name)))
}
