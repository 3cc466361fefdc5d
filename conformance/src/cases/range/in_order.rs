//! A range reader that opens all segments in order, from the first on, is a sequential reader.

use super::{RangeCase, case, flushed, full};
use crate::cases::read::case::Place;
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::segment_header::at;

pub(super) fn cases() -> Vec<RangeCase> {
    [transcripts(), trailers(), turns(), runs()].concat()
}

/// Returns a change of T of a terminator or of the trailer.
fn transcript(at: usize) -> impl Fn(&mut Builder) {
    move |builder| builder.terminator.plain[at] ^= 1
}

fn in_order(
    id: &str,
    requirement: &'static str,
    comment: &str,
    base: &'static str,
    plan: &Plan,
) -> RangeCase {
    case(id, &[requirement, "SV2-RNG-001"], comment, plan)
        .made(base, "terminator altered before sealing; all else made for that")
}

/// SV2-DIG-005.
fn transcripts() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, base, plan: &Plan, released| {
        in_order(id, "SV2-DIG-005", comment, base, &plan.clone().builder(2, transcript(31))).fails(
            0,
            "order.transcript",
            Place::Frame(2, 2),
            released,
        )
    };
    let uniform = "UNIFORM: T in segment 2, which begins a run, is wrong.";
    vec![
        wrong("range-in-order-transcript-uniform", uniform, "range-two-runs", &full(&[2]), 8192),
        wrong(
            "range-in-order-transcript",
            "T in segment 2, which begins a run, is wrong.",
            "range-headers-two-runs",
            &flushed(&[2]),
            170,
        ),
        in_order(
            "range-in-order-later",
            "SV2-DIG-005",
            "The same, in two ranges, the second of which goes on where the first one ends.",
            "range-headers-two-runs",
            &flushed(&[2]).builder(2, transcript(31)),
        )
        .reads(&[(0, 170), (170, 80)])
        .fails(1, "order.transcript", Place::Frame(2, 2), 0),
        in_order(
            "range-out-of-order",
            "SV2-DIG-005",
            "The same, and the first segment is read last: nobody has T.",
            "range-headers-two-runs",
            &flushed(&[2]).builder(2, transcript(31)),
        )
        .reads(&[(100, 150), (0, 100)]),
    ]
}

/// SV2-FIN-001, before the last segment is released.
fn trailers() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, base, plan: &Plan, spans: &[(u64, u64)], span, released| {
        in_order(id, "SV2-FIN-001", comment, base, &plan.clone().builder(4, transcript(24)))
            .reads(spans)
            .fails(span, "auth.trailer", Place::Frame(4, 1), released)
    };
    vec![
        wrong(
            "range-in-order-trailer-uniform",
            "UNIFORM: T in the trailer is wrong, and all is read in one range.",
            "range-two-runs",
            &full(&[2]),
            &[(0, 20_000)],
            0,
            12_288,
        ),
        wrong(
            "range-in-order-trailer",
            "T in the trailer is wrong, and all is read in one range.",
            "range-headers-two-runs",
            &flushed(&[2]),
            &[(0, 250)],
            0,
            200,
        ),
        wrong(
            "range-in-order-trailer-later",
            "The same, segment after segment, and some of it twice.",
            "range-headers-two-runs",
            &flushed(&[2]),
            &[(0, 100), (50, 100), (10, 10), (160, 40), (200, 1), (0, 1)],
            4,
            0,
        ),
    ]
}

/// A segment that is opened before its turn, or again, does not change the order.
fn turns() -> Vec<RangeCase> {
    let trailer = |id: &str, comment: &str, spans: &[(u64, u64)]| {
        let plan = flushed(&[2]).builder(4, transcript(24));
        in_order(id, "SV2-FIN-001", comment, "range-headers-two-runs", &plan).reads(spans)
    };
    vec![
        trailer(
            "range-in-order-last-before",
            "T in the trailer is wrong: the last segment is opened before its turn, and then in its turn.",
            &[(200, 50), (0, 200), (240, 10)],
        )
        .fails(2, "auth.trailer", Place::Frame(4, 1), 0),
        trailer(
            "range-in-order-middle-before",
            "The same, and a segment in the middle is opened before its turn.",
            &[(170, 10), (0, 170), (175, 1), (201, 1)],
        )
        .fails(3, "auth.trailer", Place::Frame(4, 1), 0),
        trailer(
            "range-in-order-not-last",
            "The last segment is opened before its turn alone: nobody has seen all segments in order.",
            &[(200, 50), (0, 200)],
        ),
        trailer(
            "range-in-order-not-middle",
            "A segment in the middle is opened before its turn, and not again.",
            &[(170, 30), (0, 170), (200, 50)],
        ),
        in_order(
            "range-in-order-transcript-before",
            "SV2-DIG-005",
            "T in segment 2 is wrong: it is opened before its turn, and then in its turn.",
            "range-headers-two-runs",
            &flushed(&[2]).builder(2, transcript(31)),
        )
        .reads(&[(170, 30), (0, 170), (180, 10)])
        .fails(2, "order.transcript", Place::Frame(2, 2), 0),
    ]
}

/// SV2-ORD-002 and SV2-ORD-003 of the final segment, before the last segment is released.
fn runs() -> Vec<RangeCase> {
    let wrong = |id: &str, order: &'static str, comment: &str, base, plan: &Plan, released| {
        in_order(id, order, comment, base, plan)
            .made(base, "the run of the final segment; all else made for that")
            .fails(0, "order.run", Place::Segment(4, at::FLAGS), released)
    };
    let same = |plan: Plan| plan.runs(&[(0, run_salt(0)), (4, run_salt(0))]);
    let changed = |plan: Plan| plan.builder(4, |builder| builder.header.run_salt[3] ^= 1);
    let repeats = "The final segment begins a run with the run_salt of the one before.";
    let changes = "The final segment has another run_salt, and begins no run.";
    vec![
        wrong("range-in-order-same-salt", "SV2-ORD-003", repeats, "range-headers-one-run", &same(flushed(&[])), 200),
        wrong(
            "range-in-order-same-salt-uniform",
            "SV2-ORD-003",
            "UNIFORM: the same.",
            "range-one-run",
            &same(full(&[])),
            3 * 4096,
        ),
        wrong("range-in-order-salt-changes", "SV2-ORD-002", changes, "range-headers-one-run", &changed(flushed(&[])), 200),
        wrong(
            "range-in-order-salt-changes-uniform",
            "SV2-ORD-002",
            "UNIFORM: the same.",
            "range-one-run",
            &changed(full(&[])),
            3 * 4096,
        ),
        in_order(
            "range-out-of-order-same-salt",
            "SV2-ORD-003",
            "UNIFORM: the final segment begins a run with the run_salt of the one before, and no range shows it.",
            "range-one-run",
            &same(full(&[])),
        )
        .reads(&[(3 * 4096, 100), (0, 10)]),
    ]
}
