//! What holds at every moment, and what holds at the end.

use stateright::Property;

use crate::pipeline::Pipeline;
use crate::state::{Ending, Fault, State};
use crate::steps::Step;

type Holds = fn(&Pipeline, &State) -> bool;

/// The properties, by the names that `spec/concurrency.md` lists them under.
pub(crate) fn properties() -> Vec<Property<Pipeline>> {
    let always: [(&'static str, Holds); 6] = [
        ("no deadlock", no_deadlock),
        ("window", |pipeline, state| state.in_memory() <= pipeline.window),
        ("order", |pipeline, state| state.written <= state.place && state.early.len() <= pipeline.window + 1),
        ("an error surfaces", an_error_surfaces),
        ("the first error is reported", the_first_error_is_reported),
        ("nothing is lost", nothing_is_lost),
    ];
    let mut properties: Vec<_> =
        always.into_iter().map(|(name, holds)| Property::always(name, holds)).collect();
    properties.push(Property::eventually("all threads end", |_, state: &State| state.all_ended()));
    // The model reaches what it is about.
    properties.push(Property::sometimes("a run is complete", |pipeline: &Pipeline, state: &State| {
        state.all_ended() && state.outcome == Some(Ending::Complete) && state.written == pipeline.segments
    }));
    properties
}

/// Where nothing can happen, everything has ended.
fn no_deadlock(pipeline: &Pipeline, state: &State) -> bool {
    let mut steps = Vec::new();
    pipeline.possible(state, &mut steps);
    let threads = steps.iter().any(|step| !matches!(step, Step::Shutdown | Step::Watches));
    threads || state.all_ended()
}

/// A run in which somebody failed ends with an error.
fn an_error_surfaces(_: &Pipeline, state: &State) -> bool {
    let complete = state.outcome == Some(Ending::Complete);
    !state.all_ended() || complete == state.faults.is_empty()
}

/// It is the error of the first place at which somebody failed, whoever was faster.
fn the_first_error_is_reported(_: &Pipeline, state: &State) -> bool {
    match state.outcome {
        Some(Ending::Failed(place)) => state.faults.keys().next() == Some(&place),
        Some(Ending::Abandoned) => false,
        Some(Ending::Complete) | None => true,
    }
}

/// A complete run has written everything that was read, and a failed one everything before the fault.
fn nothing_is_lost(_: &Pipeline, state: &State) -> bool {
    match state.outcome {
        Some(Ending::Complete) => state.written == state.place,
        Some(Ending::Failed(place)) => {
            // The log hears of a segment that the sink has taken.
            let taken = u8::from(state.faults.get(&place) == Some(&Fault::Log));
            state.written == place + taken
        }
        Some(Ending::Abandoned) | None => true,
    }
}
