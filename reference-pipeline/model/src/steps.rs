//! What can happen next. A thread that waits has no step.

use stateright::{Model, Property};

use crate::properties::properties;
use crate::{Arrival, Fault, Outcome, Pipeline, Planted, Reader, State, Worker, Writer};

/// One step of one thread, or of the world around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The reader goes on.
    Reader,
    /// The source has ended, before it had to.
    SourceEnds,
    /// The source fails or panics.
    SourceFails,
    /// A worker goes on.
    Worker(usize),
    /// A worker's segment fails, or the worker panics.
    WorkerFails(usize),
    /// The writer goes on.
    Writer,
    /// Sink or log fails or panics.
    WriterFails,
    /// The caller asks the run to end.
    Shutdown,
    /// Somebody takes an event of telemetry.
    Watches,
}

impl Model for Pipeline {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self.window, self.workers)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if self.reader_can_go_on(state) {
            steps.push(Step::Reader);
        }
        if state.reader == Reader::Reading && !state.shutdown {
            steps.push(Step::SourceFails);
            if state.place < self.segments {
                steps.push(Step::SourceEnds);
            }
        }
        for (number, worker) in state.workers.iter().enumerate() {
            if self.worker_can_go_on(state, *worker) {
                steps.push(Step::Worker(number));
            }
            if matches!(worker, Worker::Working(_)) {
                steps.push(Step::WorkerFails(number));
            }
        }
        if self.writer_can_go_on(state) {
            steps.push(Step::Writer);
        }
        if matches!(state.writer, Writer::Writing | Writer::Logging) {
            steps.push(Step::WriterFails);
        }
        if !state.shutdown && !state.all_ended() {
            steps.push(Step::Shutdown);
        }
        if state.events > 0 {
            steps.push(Step::Watches);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::Reader => self.reader(&mut next),
            Step::SourceEnds => next.reader = Reader::Last(Arrival::End),
            Step::SourceFails => {
                next.fault(state.place, Fault::Source);
                next.reader = Reader::Last(Arrival::Failed);
            }
            Step::Worker(number) => self.worker(&mut next, number),
            Step::WorkerFails(number) => {
                if let Worker::Working(place) = next.workers[number] {
                    next.fault(place, Fault::Worker);
                    next.workers[number] = Worker::Sending(place, Arrival::Failed);
                }
            }
            Step::Writer => self.writer(&mut next),
            Step::WriterFails => {
                let (fault, place) = match state.writer {
                    Writer::Writing => (Fault::Sink, state.written),
                    _ => (Fault::Log, state.written - 1),
                };
                next.fault(place, fault);
                next.return_with(Outcome::Failed(place));
            }
            Step::Shutdown => next.shutdown = true,
            Step::Watches => next.events -= 1,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties()
    }
}

impl Pipeline {
    /// `send` into a bounded channel waits while it is full, and fails once its receiver is gone.
    fn reader_can_go_on(&self, state: &State) -> bool {
        match state.reader {
            Reader::Permit => state.permits > 0 || !state.writer_lives(),
            Reader::Reading => true,
            Reader::Telling => self.can_tell(state),
            Reader::Sending => state.jobs.len() < self.job_places || !self.jobs_are_received(state),
            Reader::Last(_) => state.results.len() < self.result_places() || !state.writer_lives(),
            Reader::Ended => false,
        }
    }

    fn reader(&self, state: &mut State) {
        state.reader = match state.reader {
            Reader::Permit if state.permits == 0 => Reader::Ended,
            Reader::Permit => {
                state.permits -= 1;
                if state.stop { Reader::Ended } else { Reader::Reading }
            }
            Reader::Reading if state.shutdown => {
                state.fault(state.place, Fault::Shutdown);
                Reader::Last(Arrival::Failed)
            }
            Reader::Reading if state.place == self.segments => Reader::Last(Arrival::End),
            Reader::Reading => Reader::Telling,
            Reader::Telling => {
                self.tell(state);
                Reader::Sending
            }
            Reader::Sending if !self.jobs_are_received(state) => Reader::Ended,
            Reader::Sending => {
                state.jobs.push_back(state.place);
                state.place += 1;
                Reader::Permit
            }
            Reader::Last(arrival) => {
                if state.writer_lives() {
                    state.results.push_back((state.place, arrival));
                }
                Reader::Ended
            }
            Reader::Ended => Reader::Ended,
        };
    }

    fn jobs_are_received(&self, state: &State) -> bool {
        state.workers_live() || self.is(Planted::JobReceiverOwnedByTheCaller)
    }

    /// One worker at a time holds the lock and waits for a job: the others wait for the lock.
    fn worker_can_go_on(&self, state: &State, worker: Worker) -> bool {
        match worker {
            Worker::Lock => !state.workers.contains(&Worker::Job),
            Worker::Job => !state.jobs.is_empty() || !state.reader_lives(),
            Worker::Working(_) => true,
            Worker::Sending(..) => state.results.len() < self.result_places() || !state.writer_lives(),
            Worker::Ended => false,
        }
    }

    fn worker(&self, state: &mut State, number: usize) {
        state.workers[number] = match state.workers[number] {
            Worker::Lock => Worker::Job,
            Worker::Job => match state.jobs.pop_front() {
                None => Worker::Ended,
                // What was not begun before the shutdown is not begun any more.
                Some(place) if state.shutdown => {
                    state.fault(place, Fault::Shutdown);
                    Worker::Sending(place, Arrival::Failed)
                }
                Some(place) => Worker::Working(place),
            },
            Worker::Working(place) => Worker::Sending(place, Arrival::Done),
            Worker::Sending(..) if !state.writer_lives() => Worker::Ended,
            Worker::Sending(place, arrival) => {
                state.results.push_back((place, arrival));
                if arrival == Arrival::Failed { Worker::Ended } else { Worker::Lock }
            }
            Worker::Ended => Worker::Ended,
        };
    }

    fn writer_can_go_on(&self, state: &State) -> bool {
        let senders_live = state.reader_lives() || state.workers_live();
        match state.writer {
            Writer::Result | Writer::Draining => !state.results.is_empty() || !senders_live,
            Writer::Ordering | Writer::Writing | Writer::Logging => true,
            Writer::Telling => self.can_tell(state),
            Writer::Joining => !senders_live,
            Writer::Ended => false,
        }
    }

    fn writer(&self, state: &mut State) {
        match state.writer {
            Writer::Result => match state.results.pop_front() {
                None => state.return_with(Outcome::Abandoned),
                Some((place, arrival)) => {
                    state.stop |= arrival == Arrival::Failed;
                    state.early.insert(place, arrival);
                    if self.is(Planted::UnboundedReorder) && arrival == Arrival::Done {
                        state.permits += 1;
                    }
                    state.writer = Writer::Ordering;
                }
            },
            Writer::Ordering => match state.early.remove(&state.written) {
                None => state.writer = Writer::Result,
                Some(Arrival::Done) => state.writer = Writer::Writing,
                Some(Arrival::End) => state.return_with(Outcome::Complete),
                Some(Arrival::Failed) if self.is(Planted::PermitsKeptOnError) => {
                    state.outcome = Some(Outcome::Failed(state.written));
                    state.writer = Writer::Draining;
                }
                Some(Arrival::Failed) => state.return_with(Outcome::Failed(state.written)),
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
                if !self.is(Planted::UnboundedReorder) && state.reader_lives() {
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

    /// An event that does not fit is lost: nobody waits for who watches.
    fn can_tell(&self, state: &State) -> bool {
        !self.is(Planted::TelemetryWaits) || state.events < self.event_places
    }

    fn tell(&self, state: &mut State) {
        state.events = (state.events + 1).min(self.event_places);
    }
}
