//! Streams with UNIFORM, whose places are known: the links that are read, and the released bytes.

use super::{RangeCase, case, full};
use crate::cases::read::case::Place;
use crate::generator::plaintext::counting;
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::envelope::padding;

pub(super) const S: u64 = 4096;
const LINKS: &[&str] = &["SV2-RNG-004", "SV2-RNG-005", "SV2-RNG-006"];

pub(super) fn cases() -> Vec<RangeCase> {
    [places(), runs(), parameters(), lengths(), limits()].concat()
}

/// A few bytes of each segment, those of the last one first.
pub(super) const DOWN: [(u64, u64); 4] = [(3 * S + 10, 10), (2 * S + 10, 10), (S + 10, 10), (10, 10)];
/// The same, those of the first one first.
const UP: [(u64, u64); 4] = [(10, 10), (S + 10, 10), (2 * S + 10, 10), (3 * S + 10, 10)];

fn places() -> Vec<RangeCase> {
    let read = |id: &str, comment: &str, spans: &[(u64, u64)]| {
        case(id, &["SV2-RNG-001", "SV2-RNG-011"], comment, &full(&[])).reads(spans)
    };
    let end = 3 * S + 100;
    let beyond = [(end - 10, 11), (0, end + 1), (S, 1 << 52)];
    let behind = [(end, 1), (end + 1, 1), ((1 << 53) - 1, (1 << 53) - 1)];
    vec![
        read("range-whole", "All of it, in one range.", &[(0, end)]),
        read("range-first-byte", "The first byte.", &[(0, 1)]),
        read("range-last-byte", "The last byte.", &[(end - 1, 1)]),
        read("range-one-segment", "Exactly one segment.", &[(S, S)]),
        read("range-across", "The last byte of a segment and the first one of the next.", &[(S - 1, 2)]),
        read(
            "range-three-segments",
            "The end of one segment, all of another, the beginning of a third.",
            &[(S - 5, S + 10)],
        ),
        read(
            "range-empty",
            "Nothing, at the beginning, in the middle and at the end.",
            &[(0, 0), (S, 0), (end, 0)],
        ),
        read("range-beyond", "Ranges that end after the plaintext.", &beyond),
        read("range-behind", "Ranges that begin at the end of the plaintext or after it.", &behind),
        read("range-again", "The same range twice, and one in front of it.", &[(S, 5), (S, 5), (3, 5)]),
    ]
}

fn runs() -> Vec<RangeCase> {
    let links = |id: &str, comment: &str, plan: &Plan| case(id, LINKS, comment, plan).reads(&DOWN);
    let down = |id: &str, comment: &str, runs: &[usize]| links(id, comment, &full(runs));
    let zero = [(0, run_salt(0)), (1, [0; 16]), (3, run_salt(3))];
    let same = [(0, run_salt(0)), (1, run_salt(1)), (2, run_salt(0))];
    vec![
        down("range-one-run", "One run.", &[]),
        down("range-two-runs", "Two runs.", &[2]),
        down("range-three-runs", "Three runs.", &[1, 3]),
        down("range-four-runs", "Four runs, the last of which begins with a short segment.", &[1, 2, 3]),
        down("range-run-of-final", "The last of three runs is the final segment alone.", &[2, 4]),
        down("range-four-runs-up", "Four runs, read from the first one on.", &[1, 2, 3]).reads(&UP),
        down("range-four-runs-whole", "Four runs, all in one range.", &[1, 2, 3]).reads(&[(0, 3 * S + 100)]),
        links("range-zero-salt", "The run_salt of the second of three runs is zero.", &full(&[]).runs(&zero)),
        links(
            "range-same-salt",
            "The third of three runs has the run_salt of the first.",
            &full(&[]).runs(&same),
        ),
        links("range-epochs", "Four runs, and an epoch for each segment.", &full(&[1, 2, 3]).epochs(1)),
        links("range-epochs-up", "The same, read from epoch 0 on.", &full(&[1, 2, 3]).epochs(1)).reads(&UP),
    ]
}

fn parameters() -> Vec<RangeCase> {
    let down = |id: &str, comment: &str, plan: &Plan| case(id, LINKS, comment, plan).reads(&DOWN);
    let suite_2 = |plan: Plan| plan.epochs(1000).header(|header| header.suite = 2);
    vec![
        down("range-suite-2", "AES-256-GCM, and three runs.", &suite_2(full(&[1, 3]))),
        down("range-digest-2", "digest_alg 0x0002, and three runs.", &full(&[1, 3]).digest_alg(2)),
        down(
            "range-envelope",
            "An envelope: places count from its end.",
            &full(&[1, 3]).envelope(padding(8)),
        ),
        down(
            "range-context",
            "A context and a key_id.",
            &full(&[2]).context(b"db/2026").header(|header| header.key_id = counting(0x90)),
        ),
        down(
            "range-declared",
            "plaintext_len is declared.",
            &full(&[2]).header(|header| header.plaintext_len = 3 * S + 100),
        ),
        case(
            "range-frames",
            LINKS,
            "Three frames a segment, and two in the last one, which begins a run.",
            &Plan::filled(12_288, 12_288 + 5000).uniform().runs_at(&[1]),
        )
        .reads(&[(4090, 10), (12_280, 20), (12_288 + 4000, 5000)]),
    ]
}

/// The lengths that a final segment may declare with UNIFORM.
fn lengths() -> Vec<RangeCase> {
    let uniform = |id: &str, comment: &str, len| {
        case(id, &["SV2-RNG-001", "SV2-FIN-006"], comment, &Plan::filled(4096, len).uniform())
    };
    vec![
        uniform("range-nothing", "An empty plaintext.", 0).reads(&[(0, 0), (0, 1), (5, 5)]),
        uniform("range-one-byte", "A plaintext of one byte.", 1),
        uniform("range-full", "All segments are full.", 8192),
        uniform("range-one-short", "The last segment lacks a byte.", 8191),
        uniform("range-one-more", "The last segment is one byte.", 8193),
    ]
}

fn limits() -> Vec<RangeCase> {
    let four = |id: &str, comment: &str, runs_max, spans: &[(u64, u64)]| {
        case(id, &["SV2-RNG-009"], comment, &full(&[1, 2, 3])).runs_max(runs_max).reads(spans)
    };
    let first = |segment| Place::Segment(segment, 0);
    vec![
        four("range-limit-enough", "A chain as long as the limit.", 3, &[(0, 1), (3 * S, 1)]),
        four(
            "range-limit-known",
            "Runs that are known are not read again.",
            1,
            &[(2 * S, 1), (2 * S, 1), (3 * S, 1)],
        ),
        four("range-limit-none", "The last run takes no link.", 0, &[(3 * S, 100)]),
        four("range-limit-short", "A chain that is longer than the limit by one.", 2, &[(0, 1), (3 * S, 1)])
            .fails(0, "limit.policy", first(1), 0),
        four("range-limit-first", "No link may be read, and one is needed.", 0, &[(3 * S, 1), (2 * S, 1)])
            .fails(1, "limit.policy", first(3), 0),
        four(
            "range-limit-later",
            "A second range needs one link more than is left.",
            1,
            &[(2 * S, 5), (S, 5), (3 * S, 5)],
        )
        .fails(1, "limit.policy", first(2), 0),
    ]
}
