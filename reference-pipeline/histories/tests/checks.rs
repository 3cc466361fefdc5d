//! Searches every world of some sizes, and of more in the nightly run.

use std::time::Instant;

use stream_v2_histories::{Count, Layout, Rules, Size, search};

/// Searches all worlds of a size, in which every claim must hold.
fn holds(layout: Layout, runs: u8, segments: u8) -> Count {
    let begin = Instant::now();
    let (count, found) = search(Size { runs, segments, layout }, Rules::all());
    let Count { worlds, answers, states } = count;
    let time = begin.elapsed();
    println!(
        "{runs} runs of up to {segments}, {layout:?}: {worlds} worlds, {answers} answers, \
         {states} accepted, {time:.1?}"
    );
    assert!(found.is_empty(), "{found:#?}");
    count
}

/// The expected number of worlds is given, so that none is lost silently.
#[test]
fn three_runs() {
    assert_eq!(holds(Layout::Uniform, 3, 4).worlds, 4_965);
    assert_eq!(holds(Layout::Free, 3, 3).worlds, 33_538);
    assert_eq!(holds(Layout::Indexed, 3, 3).worlds, 80_335);
}

#[test]
fn four_runs() {
    assert_eq!(holds(Layout::Uniform, 4, 3).worlds, 27_111);
    assert_eq!(holds(Layout::Free, 4, 2).worlds, 30_314);
    assert_eq!(holds(Layout::Indexed, 4, 2).worlds, 81_105);
}

#[test]
#[ignore = "takes minutes"]
fn three_runs_of_four_segments() {
    holds(Layout::Uniform, 3, 4);
    holds(Layout::Free, 3, 4);
    holds(Layout::Indexed, 3, 4);
}

#[test]
#[ignore = "takes minutes"]
fn four_runs_of_three_segments() {
    for segments in [2, 3] {
        holds(Layout::Uniform, 4, segments);
        holds(Layout::Free, 4, segments);
        holds(Layout::Indexed, 4, segments);
    }
}
