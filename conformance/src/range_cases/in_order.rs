//! A range reader that opens all segments in order, from the first on, is a sequential reader.

use super::{RangeCase, case, flushed, full};
use crate::case::Place;
use crate::plan::Plan;
use crate::wire::draft::Draft;

pub(super) fn cases() -> Vec<RangeCase> {
    [transcripts(), trailers()].concat()
}

/// T of a terminator or of the trailer.
fn transcript(at: usize) -> impl Fn(&mut Draft) {
    move |draft| draft.terminator.plain[at] ^= 1
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
        in_order(id, "SV2-DIG-005", comment, base, &plan.clone().draft(2, transcript(31))).fails(
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
            &flushed(&[2]).draft(2, transcript(31)),
        )
        .reads(&[(0, 170), (170, 80)])
        .fails(1, "order.transcript", Place::Frame(2, 2), 0),
        in_order(
            "range-out-of-order",
            "SV2-DIG-005",
            "The same, and the first segment is read last: nobody has T.",
            "range-headers-two-runs",
            &flushed(&[2]).draft(2, transcript(31)),
        )
        .reads(&[(100, 150), (0, 100)]),
    ]
}

/// SV2-FIN-001, before the last segment is released.
fn trailers() -> Vec<RangeCase> {
    let wrong =
        |id: &str, comment: &str, base, plan: &Plan, spans: &[(u64, u64)], span, released| {
            in_order(id, "SV2-FIN-001", comment, base, &plan.clone().draft(4, transcript(24)))
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
