//! The pipeline's threads as a model: who waits for whom, and what becomes of a fault, in every interleaving.
//!
//! The names are those of `engine/threads.rs` and of `spec/concurrency.md`: *workers*, which take turns at reading, and a *writer*, which may be a worker too;
//! *permits* and *results* between them; the *turn*, which is the right to read; the *window*, which is how many permits there are; *reorder*, where
//! results wait for their turn; *stop*, which the writer raises when a result is a failure; *shutdown*, which the caller raises. What a segment holds is
//! left out. One step of the model is one operation on permits, results, a lock or a flag, or one call of what callers provide: source, sink and log.

mod pipeline;
mod properties;
mod state;
mod steps;

use stateright::{Model, Property};

pub use pipeline::{Pipeline, Planted};
pub use state::{Ending, Fault, Lane, Outcome, State, Writer};
pub use steps::Step;

impl Model for Pipeline {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self.window, self.threads, self.prefetched)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.possible(state, steps);
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        Some(self.after(state, step))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
