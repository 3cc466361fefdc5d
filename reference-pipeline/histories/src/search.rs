//! Searches all worlds of a size, and checks all claims in each.

use crate::findings::{Claim, Count, Findings};
use crate::range::Range;
use crate::reached::Reached;
use crate::rules::{Rule, Rules};
use crate::world::{Final, Kind, Layout, World};
use crate::{resume, sequential, walking};

/// The size of a search.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Runs that seal segments. Any number of further runs seal only a final segment.
    pub runs: u8,
    /// Data and index segments of a run.
    pub segments: u8,
    /// The layout of the streams.
    pub layout: Layout,
}

/// Searches all worlds of a size.
#[must_use]
pub fn search(size: Size, rules: Rules) -> (Count, Findings) {
    let mut search = Search {
        size,
        rules,
        world: World::new(size.layout),
        count: Count::default(),
        found: Findings::default(),
        starts: Vec::new(),
        shapes: Vec::new(),
    };
    search.worlds();
    (search.count, search.found)
}

struct Search {
    size: Size,
    rules: Rules,
    world: World,
    count: Count,
    found: Findings,
    /// The state with which each run began.
    starts: Vec<Reached>,
    /// The segments that each run sealed.
    shapes: Vec<Vec<Kind>>,
}

impl Search {
    /// Checks this world, and all that have more runs.
    fn worlds(&mut self) {
        let outcomes = self.check();
        if self.starts.len() == usize::from(self.size.runs) {
            return;
        }
        for outcome in outcomes {
            let last = self.starts.last().map(|start| start.transcript.last());
            // If no claim depends on the order of the runs, one order is enough: by the segment
            // after which they begin.
            if self.rules.writers_keep_all() && last > Some(outcome.transcript.last()) {
                continue;
            }
            self.starts.push(outcome);
            self.shapes.push(Vec::new());
            self.run(outcome);
            self.shapes.pop();
            self.starts.pop();
        }
    }

    /// Lets the last run seal one more segment in every way, and then stop or continue.
    fn run(&mut self, here: Reached) {
        let salt = self.starts.len() - 1;
        let sealed = self.shapes[salt].len();
        if sealed == usize::from(self.size.segments) || self.world.is_full() {
            return;
        }
        for kind in here.choices(self.size.layout) {
            let Ok(name) = u8::try_from(salt) else { return };
            let Some(after) = here.seal(&mut self.world, name, sealed == 0, kind) else { return };
            self.shapes[salt].push(kind);
            if !self.is_a_twin(salt) {
                self.worlds();
            }
            self.run(after);
            self.shapes[salt].pop();
            self.world.remove();
        }
    }

    /// Returns whether exchanging the last two runs gives a world that is searched too.
    fn is_a_twin(&self, salt: usize) -> bool {
        let key = |run: usize| self.shapes[run].iter().map(|kind| kind.plaintext());
        salt > 0
            && self.rules.writers_keep_all()
            && self.starts[salt].transcript == self.starts[salt - 1].transcript
            && key(salt).lt(key(salt - 1))
    }

    /// Checks all claims in this world. Returns the states with which a further run may begin.
    fn check(&mut self) -> Vec<Reached> {
        let Self { world, rules, count, found, .. } = self;
        let (world, rules) = (&*world, *rules);
        count.worlds += 1;
        let outcomes = resume::outcomes(world, rules, count);
        for outcome in &outcomes {
            let truth = outcome
                .transcript
                .names()
                .fold(Reached::START, |here, name| here.after(world.layout, world.segment(name)));
            let truth = Reached { transcript: outcome.transcript, ..truth };
            if (outcome.uncovered, outcome.previous) != (truth.uncovered, truth.previous)
                && !outcome.uncovered.is_empty()
            {
                found.note(Claim::Signed, world);
            }
            if *outcome != truth || !is_history(world, outcome) {
                found.note(Claim::Strayed, world);
            }
        }
        let finals = finals(world, rules, &outcomes);
        sequential::read(world, &finals, rules, count, found);
        walking::unsealed(world, rules, count, found);
        for last in &finals {
            Range::new(world, last, rules, count, found).by_walking();
            if world.layout == Layout::Uniform {
                Range::new(world, last, rules, count, found).by_arithmetic(&finals);
            }
            if last.indexed {
                Range::new(world, last, rules, count, found).by_index();
            }
        }
        outcomes
    }
}

/// Returns whether the history of a writer is one that a run has sealed.
fn is_history(world: &World, outcome: &Reached) -> bool {
    outcome.transcript.last().is_none_or(|name| world.segment(name).transcript() == outcome.transcript)
}

/// Returns every final segment of a run that begins with one of these states.
fn finals(world: &World, rules: Rules, outcomes: &[Reached]) -> Vec<Final> {
    let mut finals = Vec::new();
    for last in outcomes.iter().filter_map(Reached::end) {
        finals.push(last);
        if !rules.keep(Rule::EndingWithoutValues) && last.index > 0 {
            let endings = world.at(last.index - 1).map(|segment| segment.transcript());
            finals.extend(endings.map(|transcript| Final { transcript, ..last }));
        }
    }
    finals
}
