//! With UNIFORM, genuine segments of other branches replace those of the sealed history, and links
//! name no run of it.

use super::arithmetic::S;
use super::{RangeCase, case, full};
use crate::cases::read::case::Place;
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::Segment;

const LINKS: &[&str] = &["SV2-RNG-005", "SV2-RNG-004"];
const ORDER: &str = "order.run";

pub(super) fn cases() -> Vec<RangeCase> {
    [branches(), firsts(), ends(), links(), trailers()].concat()
}

/// Returns another branch. `runs` gives the first segments and the numbers of its runs.
fn branch(runs: &[(usize, u8)]) -> Vec<Segment> {
    let runs: Vec<_> = runs.iter().map(|(first, run)| (*first, run_salt(*run))).collect();
    full(&[]).runs(&runs).write().segments
}

fn flags(segment: usize) -> Place {
    Place::Segment(segment, at::FLAGS)
}

/// Returns a case in which a sealed history with these runs has segments of another branch in some
/// places.
fn forked(id: &str, comment: &str, runs: &[usize], other: &[(usize, u8)], places: &[usize]) -> RangeCase {
    let other = branch(other);
    case(id, LINKS, comment, &full(runs))
        .stored(|stream| {
            stream.arrange(|all| places.iter().for_each(|place| all[*place] = other[*place].clone()))
        })
        .made("range-four-runs", "segments replaced by those of another branch")
}

/// Returns a few bytes of the last segment, of an earlier one, and of the last one again.
fn last(at: u64) -> [(u64, u64); 3] {
    [(3 * S + 10, 10), (at, 10), (3 * S + 10, 10)]
}

/// Attacks by storage that kept an abandoned run.
fn branches() -> Vec<RangeCase> {
    vec![
        forked(
            "range-fork-segment",
            "Segment 1 of a run that began there and was abandoned.",
            &[2],
            &[(0, 0), (1, 5)],
            &[1],
        )
        .reads(&[(2 * S, 10), (S - 10, 20), (S, 10)])
        .fails(1, ORDER, flags(1), 10),
        forked(
            "range-fork-inside",
            "Segment 2 of a run that began with segment 1 and was abandoned: it begins no run itself.",
            &[1],
            &[(0, 0), (1, 5)],
            &[2],
        )
        .reads(&[(S, 3 * S)])
        .fails(0, ORDER, flags(2), 4096),
        forked(
            "range-fork-beginning",
            "Segments 0 and 1 of a stream that was begun twice.",
            &[2],
            &[(0, 5)],
            &[0, 1],
        )
        .reads(&last(10))
        .fails(1, ORDER, flags(0), 0),
    ]
}

/// A first segment of another branch is at the index of the right one.
fn firsts() -> Vec<RangeCase> {
    vec![
        forked(
            "range-fork-first",
            "Four runs: segment 2 begins a run of the other branch, and so does segment 1.",
            &[1, 2, 3],
            &[(0, 0), (1, 5), (2, 6)],
            &[1, 2],
        )
        .reads(&last(S))
        .fails(1, ORDER, flags(2), 0),
        forked(
            "range-fork-first-alone",
            "Four runs: segment 2 begins a run of the other branch that continues the same segment 1.",
            &[1, 2, 3],
            &[(0, 0), (1, 1), (2, 6)],
            &[2],
        )
        .reads(&last(S))
        .fails(1, ORDER, flags(2), 0),
        forked(
            "range-fork-first-wanted",
            "Four runs: segment 2 of the other branch is wanted.",
            &[1, 2, 3],
            &[(0, 0), (1, 1), (2, 6)],
            &[2],
        )
        .reads(&last(2 * S))
        .fails(1, ORDER, flags(2), 0),
    ]
}

/// The end of another branch, and segments that no range reaches.
fn ends() -> Vec<RangeCase> {
    vec![
        forked(
            "range-fork-last",
            "Segment 3 of another branch.",
            &[1, 2, 3],
            &[(0, 0), (1, 1), (2, 2), (3, 6)],
            &[3],
        )
        .reads(&[(3 * S, 10), (10, 10)])
        .fails(0, ORDER, flags(3), 0),
        forked(
            "range-fork-final",
            "The final segment of another branch, which names its own last run.",
            &[2],
            &[(0, 0), (2, 6)],
            &[4],
        )
        .reads(&[(3 * S, 10)])
        .fails(0, ORDER, flags(3), 0),
        forked(
            "range-fork-final-earlier",
            "The final segment of another branch: the segments before it are older, and were given up in it.",
            &[3],
            &[(0, 0), (2, 6)],
            &[4],
        )
        .reads(&[(2 * S, 10), (10, 10)])
        .fails(0, ORDER, flags(2), 0),
        forked(
            "range-fork-unread",
            "Segment 1 of another branch, which no range reaches.",
            &[2],
            &[(0, 0), (1, 5)],
            &[1],
        )
        .reads(&[(10, 10), (2 * S, S)]),
    ]
}

/// Returns a change of bytes of the link in the terminator of a segment.
fn link(at: usize, value: u8) -> impl Fn(&mut Builder) {
    move |builder| builder.terminator.plain[32 + at] = value
}

/// Links that a holder of the key forged.
fn links() -> Vec<RangeCase> {
    let made = |id: &str, comment: &str, plan: &Plan, spans: &[(u64, u64)], segment| {
        case(id, LINKS, comment, plan)
            .made("range-three-runs", "link altered before sealing; all else made for that")
            .reads(spans)
            .fails(1, ORDER, flags(segment), 0)
    };
    let three = || full(&[1, 3]);
    vec![
        made(
            "range-link-salt",
            "The link names a run_salt that no run has.",
            &three().builder(3, link(0, 0xEE)),
            &[(3 * S, 10), (2 * S, 10)],
            2,
        ),
        made(
            "range-link-salt-last",
            "The last byte of run_salt in the link is another one.",
            &three().builder(3, link(15, 0xEE)),
            &[(3 * S, 10), (S, 10)],
            1,
        ),
        made(
            "range-link-first-less",
            "The link says that the run before begins earlier: segment 0 has another run_salt.",
            &three().builder(3, link(16, 0)),
            &[(3 * S, 10), (10, 10)],
            0,
        ),
        made(
            "range-link-first-more",
            "The link says that the run before begins later: segment 2 does not begin it.",
            &three().builder(3, link(16, 2)),
            &[(3 * S, 10), (S, 10)],
            2,
        ),
        made(
            "range-link-first-more-wanted",
            "The same, and segment 2 is wanted, not read for its link.",
            &three().builder(3, link(16, 2)),
            &[(3 * S, 10), (2 * S, 10)],
            2,
        ),
    ]
}

fn trailers() -> Vec<RangeCase> {
    let made = |id: &str, comment: &str, at: usize, value: u8, spans: &[(u64, u64)], segment| {
        let plan = full(&[1, 2]).builder(4, link(at + 24, value));
        case(id, LINKS, comment, &plan)
            .made("range-three-runs", "link of the trailer altered before sealing; all else made for that")
            .reads(spans)
            .fails(0, ORDER, flags(segment), 0)
    };
    vec![
        made(
            "range-trailer-salt",
            "The trailer names a run_salt that no run has.",
            0,
            0xEE,
            &[(3 * S, 10)],
            3,
        ),
        made(
            "range-trailer-salt-link",
            "The same, and the first segment of that run is read for its link.",
            15,
            0xEE,
            &[(10, 10)],
            2,
        ),
        made(
            "range-trailer-first-less",
            "The trailer says that the last run begins earlier.",
            16,
            1,
            &[(S, 10)],
            1,
        ),
        made(
            "range-trailer-first-more",
            "The trailer says that the last run begins later.",
            16,
            3,
            &[(S, 10)],
            3,
        ),
    ]
}
