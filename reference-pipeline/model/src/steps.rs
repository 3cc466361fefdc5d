//! What can happen next. A thread that waits has no step.

use crate::pipeline::{Pipeline, Planted};
use crate::state::{Ending, Fault, Lane, Outcome, State, Writer};

/// One step of one thread, or of the world around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A worker's thread goes on.
    Thread(usize),
    /// The thread of the caller goes on: as the writer, or as a worker.
    Writer,
    /// The source has ended, before it had to.
    SourceEnds,
    /// The source fails or panics.
    SourceFails,
    /// The segment of a thread fails, or the worker panics.
    ThreadFails(usize),
    /// The segment of the caller fails, or sink or log fail, or panic.
    WriterFails,
    /// The caller asks the run to end.
    Shutdown,
    /// Somebody takes an event of telemetry.
    Watches,
}

impl Pipeline {
    /// Every step that can be taken.
    pub(crate) fn possible(&self, state: &State, steps: &mut Vec<Step>) {
        for (number, lane) in state.threads.iter().enumerate() {
            if self.thread_can_go_on(state, *lane) {
                steps.push(Step::Thread(number));
            }
            if matches!(lane, Lane::Working(_)) {
                steps.push(Step::ThreadFails(number));
            }
        }
        if self.writer_can_go_on(state) {
            steps.push(Step::Writer);
        }
        if matches!(state.writer, Writer::Writing | Writer::Logging | Writer::Own(Lane::Working(_))) {
            steps.push(Step::WriterFails);
        }
        if state.lanes().any(|lane| lane == Lane::Reading) && !state.shutdown {
            steps.push(Step::SourceFails);
            if state.place < self.segments {
                steps.push(Step::SourceEnds);
            }
        }
        if !state.shutdown && !state.all_ended() {
            steps.push(Step::Shutdown);
        }
        if state.events > 0 {
            steps.push(Step::Watches);
        }
    }

    /// The state after a step.
    pub(crate) fn after(&self, state: &State, step: Step) -> State {
        let mut next = state.clone();
        match step {
            Step::Thread(number) => {
                let lane = next.threads[number];
                next.threads[number] = self.thread(&mut next, lane);
            }
            Step::Writer => self.writer(&mut next),
            Step::SourceEnds => last_message(&mut next, Outcome::End),
            Step::SourceFails => {
                next.fault(state.place, Fault::Source);
                last_message(&mut next, Outcome::Failed);
            }
            Step::ThreadFails(number) => next.threads[number] = fails(&mut next, state.threads[number]),
            Step::WriterFails => match state.writer {
                Writer::Own(lane) => next.writer = Writer::Own(fails(&mut next, lane)),
                Writer::Writing => ends_with(&mut next, Fault::Sink, state.written),
                _ => ends_with(&mut next, Fault::Log, state.written - 1),
            },
            Step::Shutdown => next.shutdown = true,
            Step::Watches => next.events -= 1,
        }
        next
    }
}

/// Whoever reads gets the last message of the source instead.
fn last_message(state: &mut State, arrival: Outcome) {
    state.is_over = true;
    let last = Lane::Sending(state.place, arrival);
    match state.threads.iter_mut().find(|lane| **lane == Lane::Reading) {
        Some(lane) => *lane = last,
        None => state.writer = Writer::Own(last),
    }
}

fn fails(state: &mut State, lane: Lane) -> Lane {
    let Lane::Working(place) = lane else { return lane };
    state.fault(place, Fault::Worker);
    Lane::Sending(place, Outcome::Failed)
}

fn ends_with(state: &mut State, fault: Fault, place: u8) {
    state.fault(place, fault);
    state.return_with(Ending::Failed(place));
}

impl Pipeline {
    /// `send` into a bounded channel waits while it is full, and fails once its receiver is gone.
    fn thread_can_go_on(&self, state: &State, lane: Lane) -> bool {
        match lane {
            // With the bug, the turn comes first.
            Lane::Permit if self.is(Planted::PermitWithinTheTurn) => self.turn_is_free(state),
            Lane::Permit => state.permits > 0 || !state.writer_lives(),
            Lane::Turn if self.is(Planted::PermitWithinTheTurn) => state.permits > 0 || !state.writer_lives(),
            Lane::Turn => self.turn_is_free(state),
            Lane::Sending(..) => state.results.len() < self.result_places() || !state.writer_lives(),
            Lane::Telling => self.can_tell(state),
            Lane::Start | Lane::Reading | Lane::Beginning(_) | Lane::Working(_) => true,
            Lane::Ended => false,
        }
    }

    fn thread(&self, state: &mut State, lane: Lane) -> Lane {
        match lane {
            Lane::Start if state.prefetched => prefetched(state),
            Lane::Start => Lane::Permit,
            Lane::Permit if self.is(Planted::PermitWithinTheTurn) => Lane::Turn,
            Lane::Permit | Lane::Turn if !state.writer_lives() => Lane::Ended,
            Lane::Turn if self.is(Planted::PermitWithinTheTurn) => {
                state.permits -= 1;
                reads_or(state, Lane::Ended)
            }
            Lane::Permit => {
                state.permits -= 1;
                Lane::Turn
            }
            Lane::Turn => reads_or(state, Lane::Ended),
            Lane::Sending(..) if !state.writer_lives() => Lane::Ended,
            Lane::Sending(place, arrival) => {
                state.results.push_back((place, arrival));
                if arrival == Outcome::Done { Lane::Permit } else { Lane::Ended }
            }
            lane => self.works(state, lane),
        }
    }

    /// From reading to a result, on whatever thread.
    fn works(&self, state: &mut State, lane: Lane) -> Lane {
        match lane {
            Lane::Reading if state.shutdown => {
                state.fault(state.place, Fault::Shutdown);
                state.is_over = true;
                Lane::Sending(state.place, Outcome::Failed)
            }
            Lane::Reading if state.place == self.segments => {
                state.is_over = true;
                Lane::Sending(state.place, Outcome::End)
            }
            Lane::Reading => Lane::Telling,
            Lane::Telling => {
                self.tell(state);
                state.place += 1;
                Lane::Beginning(state.place - 1)
            }
            // What was not begun before the shutdown is not begun any more.
            Lane::Beginning(place) if state.shutdown => {
                state.fault(place, Fault::Shutdown);
                Lane::Sending(place, Outcome::Failed)
            }
            Lane::Beginning(place) => Lane::Working(place),
            Lane::Working(place) => Lane::Sending(place, Outcome::Done),
            lane => lane,
        }
    }

    fn writer_can_go_on(&self, state: &State) -> bool {
        let may_receive = !state.results.is_empty() || !state.threads_live();
        match state.writer {
            Writer::Result => self.caller_works || may_receive,
            Writer::Waiting | Writer::Draining => may_receive,
            Writer::Own(Lane::Turn) => self.turn_is_free(state),
            Writer::Own(Lane::Telling) | Writer::Telling => self.can_tell(state),
            Writer::Own(_) | Writer::Ordering | Writer::Writing | Writer::Logging => true,
            Writer::Joining => !state.threads_live(),
            Writer::Ended => false,
        }
    }

    fn writer(&self, state: &mut State) {
        match state.writer {
            Writer::Result if self.caller_works && state.results.is_empty() => {
                state.writer = Writer::Own(Lane::Start);
            }
            Writer::Result | Writer::Waiting => match state.results.pop_front() {
                None => state.return_with(Ending::Abandoned),
                Some((place, arrival)) => self.takes(state, place, arrival),
            },
            Writer::Own(lane) => self.own(state, lane),
            Writer::Ordering => match state.early.remove(&state.written) {
                None => state.writer = Writer::Result,
                Some(Outcome::Done) => state.writer = Writer::Writing,
                Some(Outcome::End) => state.return_with(Ending::Complete),
                Some(Outcome::Failed) if self.is(Planted::PermitsKeptOnError) => {
                    state.outcome = Some(Ending::Failed(state.written));
                    state.writer = Writer::Draining;
                }
                Some(Outcome::Failed) => state.return_with(Ending::Failed(state.written)),
            },
            Writer::Writing => {
                state.written += 1;
                state.writer = Writer::Telling;
            }
            Writer::Telling => {
                self.tell(state);
                state.writer = Writer::Logging;
            }
            Writer::Logging => {
                if !self.is(Planted::UnboundedReorder) {
                    state.permits += 1;
                }
                state.writer = Writer::Ordering;
            }
            Writer::Draining => {
                if state.results.pop_front().is_none() {
                    state.writer = Writer::Joining;
                }
            }
            Writer::Joining => state.writer = Writer::Ended,
            Writer::Ended => {}
        }
    }

    /// The caller as a worker: it waits for the turn, and for no permit.
    fn own(&self, state: &mut State, lane: Lane) {
        state.writer = match lane {
            Lane::Start if state.prefetched => Writer::Own(prefetched(state)),
            Lane::Start => Writer::Own(Lane::Permit),
            Lane::Permit if state.permits == 0 => Writer::Waiting,
            Lane::Permit => {
                state.permits -= 1;
                Writer::Own(Lane::Turn)
            }
            Lane::Turn => match reads_or(state, Lane::Ended) {
                Lane::Ended => Writer::Waiting,
                lane => Writer::Own(lane),
            },
            Lane::Sending(place, arrival) => return self.takes(state, place, arrival),
            lane => Writer::Own(self.works(state, lane)),
        };
    }

    /// One worker at a time reads.
    fn turn_is_free(&self, state: &State) -> bool {
        let waits_within = self.is(Planted::PermitWithinTheTurn) && state.threads.contains(&Lane::Turn);
        !waits_within && !state.lanes().any(Lane::reads)
    }

    /// The writer takes what has arrived.
    fn takes(&self, state: &mut State, place: u8, arrival: Outcome) {
        state.stop |= arrival == Outcome::Failed;
        state.early.insert(place, arrival);
        if self.is(Planted::UnboundedReorder) && arrival == Outcome::Done {
            state.permits += 1;
        }
        state.writer = Writer::Ordering;
    }

    /// An event that does not fit is lost: nobody waits for who watches.
    fn can_tell(&self, state: &State) -> bool {
        !self.is(Planted::TelemetryWaits) || state.events < self.event_places
    }

    fn tell(&self, state: &mut State) {
        state.events = (state.events + 1).min(self.event_places);
    }
}

fn prefetched(state: &mut State) -> Lane {
    state.prefetched = false;
    Lane::Beginning(0)
}

/// Whoever has the turn reads, unless there is nothing more to be read.
fn reads_or(state: &State, otherwise: Lane) -> Lane {
    if state.is_over || state.stop { otherwise } else { Lane::Reading }
}
