//! Runs the vectors against an implementation.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::adapter::{Adapter, Caps};
use super::one_shot;
use super::report::{Outcome, Report};
use super::suite::Suite;
use crate::judge::{Judgement, Verdict};
use crate::operations::Vector;
use crate::operations::operation::{Operation, Step};
use crate::protocol::{Answer, Peer};

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The adapter with its arguments.
    pub command: Vec<String>,
    /// One process for each input (conformance/PROTOCOL.md).
    pub one_shot: bool,
    /// Whether to run recipes, which are nine requests of ten.
    pub recipes: bool,
    /// The number of processes at a time.
    pub jobs: usize,
    /// The limits of an adapter.
    pub caps: Caps,
    /// Parts of ids, requirements or operations. A vector runs if one of them matches, or if there
    /// are none.
    pub filter: Vec<String>,
    /// Vectors that are expected not to pass, with reasons.
    pub expected: BTreeMap<String, String>,
    /// The number of vectors with a failure of the adapter after which the run ends.
    pub give_up: usize,
    /// Whether to end at the first failure, and to run recipes last.
    pub fail_fast: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            one_shot: false,
            recipes: true,
            jobs: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            caps: Caps::default(),
            filter: Vec::new(),
            expected: BTreeMap::new(),
            give_up: 50,
            fail_fast: false,
        }
    }
}

impl Options {
    /// Returns whether a vector will be run.
    #[must_use]
    pub fn wants(&self, vector: &Vector) -> bool {
        let about = vector.about();
        let fits = |filter: &String| {
            about.id.contains(filter.as_str())
                || about.operation == *filter
                || about.requirements.iter().any(|requirement| requirement.contains(filter.as_str()))
        };
        self.filter.is_empty() || self.filter.iter().any(fits)
    }
}

/// Runs every vector that `options` want, and calls `told` for each that is done. An error is one
/// line for people.
///
/// # Errors
///
/// - if the adapter does not complete the handshake.
/// - if a vector cannot be read.
pub fn run(suite: &Suite, options: &Options, told: &(dyn Fn(&Outcome) + Sync)) -> Result<Report, String> {
    let peer = if options.one_shot {
        one_shot::peer(&options.command)
    } else {
        let first = Adapter::start(&options.command, options.caps, &suite.manifest.version)?;
        let peer = first.peer.clone();
        first.bye();
        peer
    };
    let mut wanted: Vec<&Vector> = suite.vectors.iter().filter(|vector| options.wants(vector)).collect();
    // Recipes come first, so that no process waits for a long one at the end. If one failure is
    // enough, they come last.
    wanted.sort_by_key(|vector| vector.operation().is_recipe() == options.fail_fast);
    let crew = Crew {
        suite,
        options,
        peer: &peer,
        wanted: &wanted,
        next: AtomicUsize::new(0),
        grief: AtomicUsize::new(0),
        given_up: AtomicBool::new(false),
        outcomes: Mutex::new(Vec::new()),
        told,
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(|| crew.work())).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err("a thread of the runner panicked".to_owned()))
        })
    })?;
    let mut outcomes = crew.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Report { suite: suite.manifest.version.clone(), given_up: crew.given_up.into_inner(), peer, outcomes })
}

/// The shared state of the workers.
struct Crew<'a> {
    suite: &'a Suite,
    options: &'a Options,
    peer: &'a Peer,
    wanted: &'a [&'a Vector],
    next: AtomicUsize,
    grief: AtomicUsize,
    given_up: AtomicBool,
    outcomes: Mutex<Vec<Outcome>>,
    told: &'a (dyn Fn(&Outcome) + Sync),
}

impl Crew<'_> {
    fn work(&self) -> Result<(), String> {
        let mut adapter = None;
        while let Some(vector) = self.wanted.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.grief.load(Ordering::Relaxed) >= self.options.give_up {
                self.given_up.store(true, Ordering::Relaxed);
            }
            if self.given_up.load(Ordering::Relaxed) {
                break;
            }
            let outcome = self.outcome(&mut adapter, vector)?;
            if matches!(
                outcome.verdict,
                Verdict::Crash | Verdict::Timeout | Verdict::OverMemory | Verdict::Garbage
            ) {
                self.grief.fetch_add(1, Ordering::Relaxed);
            }
            if self.options.fail_fast && outcome.verdict.is_failure() {
                self.given_up.store(true, Ordering::Relaxed);
            }
            (self.told)(&outcome);
            self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        }
        if let Some(adapter) = adapter {
            adapter.bye();
        }
        Ok(())
    }

    fn outcome(&self, adapter: &mut Option<Adapter>, vector: &Vector) -> Result<Outcome, String> {
        let about = vector.about();
        let begun = Instant::now();
        let mut asked = 0;
        let Judgement { mut verdict, mut detail, breaks } =
            self.judgement(adapter, vector.operation(), &mut asked)?;
        if let Some(reason) = self.options.expected.get(&about.id) {
            (verdict, detail) = match verdict {
                Verdict::Pass => (Verdict::StaleSkip, format!("passes, and is expected not to: {reason}")),
                found => (Verdict::Skip, format!("expected ({reason}): {}: {detail}", found.name())),
            };
        }
        Ok(Outcome {
            id: about.id.clone(),
            operation: about.operation.clone(),
            level: about.level.clone(),
            requirements: about.requirements.clone(),
            verdict,
            detail,
            breaks: breaks.map(str::to_owned),
            asked,
            milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Returns the first judgement that is not a pass, or a pass.
    fn judgement(
        &self,
        adapter: &mut Option<Adapter>,
        vector: &dyn Operation,
        asked: &mut usize,
    ) -> Result<Judgement, String> {
        let about = vector.about();
        if !self.peer.operations.contains(&about.operation) {
            return Ok(Judgement::new(Verdict::Skip, format!("no operation {}", about.operation)));
        }
        let lacks = self.peer.lacks(&about.features).filter(|feature| !vector.has_answer_without(feature));
        if let Some(feature) = lacks {
            return Ok(Judgement::new(Verdict::Skip, format!("no feature {feature}")));
        }
        if vector.is_recipe() && !self.options.recipes {
            return Ok(Judgement::new(Verdict::Skip, "a recipe; --recipes yes runs it"));
        }
        let mut ended = Ok(Judgement::pass());
        let mut take = |step: Step<'_>| {
            *asked += 1;
            match self.take(adapter, &step) {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(judgement)) => {
                    let breaks = judgement.breaks.or(step.breaks);
                    let judgement = Judgement { breaks, ..judgement };
                    ended = Ok(if step.which.is_empty() { judgement } else { judgement.at(&step.which) });
                }
                Err(error) => ended = Err(error),
            }
            None
        };
        vector.steps(&self.suite.folder, self.peer, &mut take).map_err(|error| error.to_string())?;
        ended
    }

    /// Returns the right answer to a step, or the judgement on a wrong answer or a failed adapter.
    fn take(&self, slot: &mut Option<Adapter>, step: &Step<'_>) -> Result<Result<Answer, Judgement>, String> {
        let Options { command, caps, .. } = &self.options;
        let answer = if self.options.one_shot {
            one_shot::ask(command, *caps, step)
        } else {
            let adapter = match slot.take() {
                Some(adapter) => adapter,
                None => Adapter::start(command, *caps, &self.suite.manifest.version)?,
            };
            slot.insert(adapter).ask(step)
        };
        if answer.is_err() {
            *slot = None;
        }
        Ok(answer.and_then(|answer| match step.judge(self.peer, &answer) {
            Judgement { verdict: Verdict::Pass, .. } => Ok(answer),
            judgement => Err(judgement),
        }))
    }
}
