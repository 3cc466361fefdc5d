//! The pipeline's threads as a model: who waits for whom, and what becomes of a fault, in every interleaving.
//!
//! The names are those of `engine.rs` and of `spec/concurrency.md`: a *reader*, *workers* and a *writer*; *permits*, *jobs* and *results* between
//! them; the *window*, which is how many permits there are; *reorder*, where results wait for their turn; *stop*, which the writer raises when a
//! result is a failure; *shutdown*, which the caller raises. What a segment holds is left out. One step of the model is one operation on a
//! channel, a lock or a flag, or one call of what callers provide: source, sink and log.

mod properties;
mod state;
mod steps;

pub use state::{Arrival, Fault, Outcome, Reader, State, Worker, Writer};
pub use steps::Step;

/// A pipeline, small enough that all that it can do is looked at.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Segments that the source holds; it may end before, too.
    pub segments: u8,
    /// Worker threads.
    pub workers: usize,
    /// Permits.
    pub window: usize,
    /// Places of the channel of jobs: `window` in the engine. With fewer the reader waits there as well.
    pub job_places: usize,
    /// Events that fit into the channel of telemetry, whose receiver may take them at any time, or never.
    pub event_places: usize,
    /// A bug.
    pub planted: Option<Planted>,
}

/// Bugs that pipelines have had, and that the properties have to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// After a failure the writer drains the results, and keeps the permits that come with them.
    PermitsKeptOnError,
    /// The caller holds a receiver of jobs, so that the reader does not notice that all workers are gone.
    JobReceiverOwnedByTheCaller,
    /// A permit goes back when its result arrives, and not when that was written: what waits for its turn is not counted.
    UnboundedReorder,
    /// Telemetry waits for its receiver.
    TelemetryWaits,
}

impl Pipeline {
    /// As the engine is built.
    #[must_use]
    pub const fn new(segments: u8, workers: usize, window: usize) -> Self {
        Self { segments, workers, window, job_places: window, event_places: 0, planted: None }
    }

    /// Places of the channel of results: every result holds a permit but one, the reader's last message.
    const fn result_places(&self) -> usize {
        self.window + 1
    }

    fn is(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }
}
