//! Every interleaving of small pipelines, and of pipelines with a known bug.

use stateright::{Checker, Model};
use stream_v2_model::{Pipeline, Planted};

/// Looks at everything that a pipeline can do. Returns how many states that are.
fn check(pipeline: Pipeline) -> usize {
    let checker = pipeline.checker().threads(2).spawn_dfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

/// Segments, workers, window.
const SIZES: [(u8, usize, usize); 8] =
    [(4, 1, 1), (5, 1, 3), (4, 2, 1), (5, 2, 2), (6, 2, 3), (6, 2, 4), (4, 3, 3), (5, 3, 4)];

#[test]
fn pipelines_as_they_are_built() {
    for (segments, workers, window) in SIZES {
        let states = check(Pipeline::new(segments, workers, window));
        println!("{segments} segments, {workers} workers, window {window}: {states} states");
    }
}

#[test]
fn pipelines_whose_caller_is_a_worker() {
    for (segments, workers, window) in SIZES {
        let states = check(Pipeline::with_caller(segments, workers, window));
        println!("{segments} segments, {workers} workers with the caller, window {window}: {states} states");
    }
}

#[test]
fn threads_that_begin_with_nothing_read() {
    for pipeline in [Pipeline::new(4, 2, 3), Pipeline::with_caller(4, 3, 3)] {
        let states = check(Pipeline { prefetched: false, ..pipeline });
        println!("nothing read before: {states} states");
    }
}

#[test]
fn telemetry_whether_or_not_anybody_watches() {
    let states = check(Pipeline { event_places: 1, ..Pipeline::new(3, 2, 2) });
    println!("telemetry: {states} states");
}

/// The first property that a pipeline with a bug breaks, and how.
fn found(pipeline: Pipeline, property: &'static str) {
    let checker = pipeline.checker().spawn_bfs().join();
    let path = checker.discovery(property);
    assert!(path.is_some(), "{property} holds, and it must not");
}

#[test]
fn permits_that_are_kept_after_an_error_are_found() {
    let planted = Some(Planted::PermitsKeptOnError);
    found(Pipeline { planted, ..Pipeline::new(3, 2, 1) }, "no deadlock");
}

#[test]
fn a_permit_that_is_waited_for_within_the_turn_is_found() {
    let planted = Some(Planted::PermitWithinTheTurn);
    found(Pipeline { planted, ..Pipeline::with_caller(4, 2, 2) }, "no deadlock");
}

#[test]
fn a_reorder_without_bound_is_found() {
    let planted = Some(Planted::UnboundedReorder);
    found(Pipeline { planted, ..Pipeline::new(4, 2, 2) }, "window");
}

#[test]
fn telemetry_that_waits_is_found() {
    let planted = Some(Planted::TelemetryWaits);
    found(Pipeline { planted, event_places: 1, ..Pipeline::new(3, 1, 1) }, "no deadlock");
}
