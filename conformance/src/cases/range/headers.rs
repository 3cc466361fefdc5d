//! Streams without UNIFORM and without index segments, read by a walk over headers.

use super::{RangeCase, case, flushed};
use crate::cases::read::case::Place;
use crate::generator::plaintext::counting;
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::envelope::padding;
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::{Segment, Stream};

const WALK: &[&str] = &["SV2-RNG-007", "SV2-RNG-004"];
const FOUR: &str = "range-headers-four-runs";
/// A few bytes of each segment, those of the last one first.
const DOWN: [(u64, u64); 4] = [(210, 10), (175, 10), (110, 10), (10, 10)];

pub(super) fn cases() -> Vec<RangeCase> {
    [accepted(), limits(), order(), links(), forks(), named(), damaged()].concat()
}

fn accepted() -> Vec<RangeCase> {
    let walk = |id: &str, comment: &str, plan: &Plan| case(id, WALK, comment, plan).reads(&DOWN);
    let down = |id: &str, comment: &str, runs: &[usize]| walk(id, comment, &flushed(runs));
    let places = |id: &str, comment: &str, spans: &[(u64, u64)]| {
        case(id, &["SV2-RNG-001", "SV2-RNG-011"], comment, &flushed(&[2])).reads(spans)
    };
    let zero = [(0, run_salt(0)), (1, [0; 16]), (3, run_salt(3))];
    let returning = [(0, run_salt(0)), (1, run_salt(1)), (2, run_salt(0))];
    vec![
        down("range-headers-one-run", "One run.", &[]),
        down("range-headers-two-runs", "Two runs.", &[1]),
        down("range-headers-three-runs", "Three runs.", &[1, 3]),
        down("range-headers-four-runs", "A run in every data segment.", &[1, 2, 3]),
        down("range-headers-run-of-final", "The last run is the final segment alone.", &[2, 4]),
        down("range-headers-whole", "Four runs, all in one range.", &[1, 2, 3]).reads(&[(0, 250)]),
        down("range-headers-up", "Four runs, read from the first one on.", &[1, 2, 3]).reads(&[
            (10, 10),
            (110, 10),
            (175, 10),
            (210, 10),
        ]),
        walk("range-headers-zero-salt", "The second of three run_salts is zero.", &flushed(&[]).runs(&zero)),
        walk("range-headers-same-salt", "The third run has the run_salt of the first.", &{
            flushed(&[]).runs(&returning)
        }),
        walk("range-headers-epochs", "Three runs, and an epoch for each segment.", &{
            flushed(&[1, 3]).epochs(1)
        }),
        walk("range-headers-envelope", "An envelope, a context and a key_id.", &{
            let plan = flushed(&[1]).envelope(padding(8)).context(b"db");
            plan.header(|header| header.key_id = counting(0x90))
        }),
        walk("range-headers-suite-2", "AES-256-GCM, and two runs.", &{
            flushed(&[1]).epochs(1000).header(|header| header.suite = 2)
        }),
        walk("range-headers-digest-2", "digest_alg 0x0002.", &flushed(&[2]).digest_alg(2)),
        case("range-headers-nothing", &["SV2-RNG-001", "SV2-FIN-005"], "An empty plaintext.", &{
            Plan::flushed(&[])
        })
        .reads(&[(0, 0), (0, 100)]),
        case("range-headers-full", WALK, "Full segments of two frames, and a short one.", &{
            Plan::filled(8192, 18_000).runs_at(&[1])
        })
        .reads(&[(4090, 10), (8190, 4), (17_990, 10)]),
        places("range-headers-across", "Across segments.", &[(99, 2), (90, 100), (169, 32)]),
        places("range-headers-empty", "Nothing.", &[(0, 0), (100, 0), (250, 0)]),
        places("range-headers-beyond", "Beyond the end.", &[(240, 11), (250, 1), (1 << 52, 1 << 52)]),
    ]
}

/// A walk reads the terminator of each segment that begins a run, except segment 0.
fn limits() -> Vec<RangeCase> {
    let four = |id: &str, comment: &str, runs_max| {
        case(id, &["SV2-RNG-009"], comment, &flushed(&[1, 2, 3])).runs_max(runs_max)
    };
    vec![
        four("range-headers-limit-enough", "As many runs as the limit.", 3).reads(&[(0, 1), (240, 10)]),
        case("range-headers-limit-none", &["SV2-RNG-009"], "One run takes no link.", &flushed(&[]))
            .runs_max(0),
        four("range-headers-limit", "One run more than the limit.", 2).reads(&[(240, 10), (0, 1)]).fails(
            0,
            "limit.policy",
            Place::Segment(3, 0),
            0,
        ),
        four("range-headers-limit-first", "No link may be read, and one is needed.", 0)
            .reads(&[(0, 1)])
            .fails(0, "limit.policy", Place::Segment(1, 0), 0),
    ]
}

/// SV2-ORD-001 to SV2-ORD-003.
fn order() -> Vec<RangeCase> {
    let wrong =
        |id: &str, requirement: &'static str, comment: &str, plan: &Plan, alter: fn(&mut Vec<Segment>)| {
            case(id, &["SV2-RNG-007", requirement], comment, plan)
                .stored(|stream| stream.arrange(alter))
                .made("range-headers-one-run", "segments in another order, or of another run")
                .reads(&[(240, 10), (0, 1)])
        };
    let salted = flushed(&[3]).builder(1, |builder| builder.header.run_salt[3] ^= 1);
    let same = flushed(&[]).runs(&[(0, run_salt(0)), (1, run_salt(0)), (3, run_salt(3))]);
    let index = |place| Place::Segment(place, at::SEGMENT_INDEX);
    let flags = |place| Place::Segment(place, at::FLAGS);
    vec![
        wrong(
            "range-headers-swapped",
            "SV2-ORD-001",
            "Segments 1 and 2 have changed places.",
            &flushed(&[]),
            |all| all.swap(1, 2),
        )
        .fails(0, "order.segment_index", index(1), 0),
        wrong(
            "range-headers-repeated",
            "SV2-ORD-001",
            "Segment 1 stands in place of segment 2.",
            &{ Plan::flushed(&[100, 70, 70, 50]) },
            |all| all[2] = all[1].clone(),
        )
        .fails(0, "order.segment_index", index(2), 0),
        wrong(
            "range-headers-fork-inside",
            "SV2-ORD-002",
            "Segment 1 of another run, which does not begin there.",
            &{ flushed(&[3]) },
            |all| {
                let other = flushed(&[]).runs(&[(0, run_salt(5))]).write();
                all[1] = other.segments[1].clone();
            },
        )
        .fails(0, "order.run", flags(1), 0),
        wrong(
            "range-headers-fork-inside-wanted",
            "SV2-ORD-002",
            "The same, and that segment is wanted.",
            &{ flushed(&[3]) },
            |all| {
                let other = flushed(&[]).runs(&[(0, run_salt(5))]).write();
                all[1] = other.segments[1].clone();
            },
        )
        .reads(&[(90, 20)])
        .fails(0, "order.run", flags(1), 0),
        wrong(
            "range-headers-salt-changes",
            "SV2-ORD-002",
            "run_salt changes, and no run begins.",
            &salted,
            |_| (),
        )
        .fails(0, "order.run", flags(1), 0),
        wrong(
            "range-headers-same-salt-twice",
            "SV2-ORD-003",
            "A run begins with the run_salt of the one before.",
            &{ same },
            |_| (),
        )
        .fails(0, "order.run", flags(1), 0),
        final_inside(),
    ]
}

/// A final segment replaces a data segment of the same size. Only its kind shows that.
fn final_inside() -> RangeCase {
    let plan = Plan::flushed(&[100, 70, 52, 50]);
    case(
        "range-headers-final-inside",
        &["SV2-RNG-001"],
        "A final segment of another branch in front of data.",
        &plan,
    )
    .stored(|stream| {
        let other = Plan::flushed(&[100, 70]).runs_at(&[2]).write();
        stream.arrange(|all| all[2] = other.segments[2].clone())
    })
    .made("range-headers-one-run", "segment 2 replaced by a final segment of its size")
    .reads(&[(230, 10), (0, 1)])
    .fails(0, "order.segment_index", Place::Segment(2, at::SEGMENT_INDEX), 0)
}

/// SV2-DIG-005 of the link, and SV2-DIG-007.
fn links() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, error, alter: fn(&mut [u8])| {
        let plan =
            flushed(&[1, 3]).builder(3, move |builder: &mut Builder| alter(&mut builder.terminator.plain));
        case(id, WALK, comment, &plan)
            .made("range-headers-three-runs", "terminator altered before sealing; all else made for that")
            .reads(&[(0, 1), (240, 10)])
            .fails(0, error, Place::Frame(3, 2), 0)
    };
    let accepted = case(
        "range-headers-transcript",
        WALK,
        "T in a segment that begins a run is wrong: a range reader does not know T.",
        &flushed(&[1, 3]).builder(3, |builder| builder.terminator.plain[..32].fill(7)),
    )
    .reads(&DOWN);
    vec![
        accepted,
        wrong("range-headers-link-salt", "run_salt in a link is another one.", "order.transcript", |plain| {
            plain[32] ^= 1
        }),
        wrong("range-headers-link-first-less", "first in a link is less.", "order.transcript", |plain| {
            plain[48] -= 1
        }),
        wrong("range-headers-link-first-more", "first in a link is more.", "order.transcript", |plain| {
            plain[48] += 1
        }),
        wrong("range-headers-link-zero", "A link is zero.", "order.transcript", |plain| plain[32..].fill(0)),
        wrong(
            "range-headers-link-first-own",
            "The run before a segment begins with it.",
            "malformed.terminator",
            |plain| plain[48] = 3,
        )
        .also("SV2-DIG-007"),
    ]
}

/// Attacks by storage that kept an abandoned run.
fn forks() -> Vec<RangeCase> {
    let forked = |id: &str, comment: &str, plan: &Plan, other: &Plan, places: &[usize]| {
        let other = other.write();
        case(id, WALK, comment, plan)
            .stored(|stream| {
                stream.arrange(|all| {
                    places.iter().for_each(|place| all[*place] = other.segments[*place].clone())
                })
            })
            .made(FOUR, "segments replaced by those of another branch")
            .reads(&[(240, 10), (0, 1)])
    };
    let branch = |runs: &[(usize, u8)], lens: &[usize]| {
        let runs: Vec<_> = runs.iter().map(|(first, run)| (*first, run_salt(*run))).collect();
        Plan::flushed(lens).runs(&runs)
    };
    let lens = [100, 70, 30, 50];
    vec![
        forked(
            "range-headers-fork",
            "Segment 1 of a run that began there and was abandoned: the run after it names another one.",
            &flushed(&[1, 2]),
            &branch(&[(0, 0), (1, 5)], &lens),
            &[1],
        )
        .fails(0, "order.transcript", Place::Frame(2, 2), 0),
        forked(
            "range-headers-fork-before",
            "A longer segment of another branch, and then a shorter one: places shift before the range.",
            &flushed(&[1, 2]),
            &branch(&[(0, 5), (1, 6)], &[70, 100, 30, 50]),
            &[0, 1],
        )
        .fails(0, "order.transcript", Place::Frame(2, 2), 0),
        forked(
            "range-headers-fork-before-wanted",
            "The same, and a range reaches the place that shifted.",
            &flushed(&[1, 2]),
            &branch(&[(0, 5), (1, 6)], &[70, 100, 30, 50]),
            &[0, 1],
        )
        .reads(&[(60, 50)])
        .fails(0, "order.transcript", Place::Frame(2, 2), 0),
        forked(
            "range-headers-fork-first",
            "Four runs: segments 1 and 2 of another branch.",
            &flushed(&[1, 2, 3]),
            &branch(&[(0, 0), (1, 5), (2, 6)], &lens),
            &[1, 2],
        )
        .fails(0, "order.transcript", Place::Frame(3, 2), 0),
        forked(
            "range-headers-fork-last",
            "The segments of the last run are those of another branch.",
            &flushed(&[2]),
            &branch(&[(0, 0), (2, 6)], &lens),
            &[2, 3],
        )
        .fails(0, "order.run", Place::Segment(2, at::FLAGS), 0),
    ]
}

/// SV2-RNG-005, of the run that the trailer names.
fn named() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, alter: fn(&mut [u8]), segment| {
        let plan =
            flushed(&[1]).builder(4, move |builder: &mut Builder| alter(&mut builder.terminator.plain[56..]));
        case(id, &["SV2-RNG-005", "SV2-RNG-004"], comment, &plan)
            .made(
                "range-headers-two-runs",
                "link of the trailer altered before sealing; all else made for that",
            )
            .reads(&[(0, 1), (120, 1)])
            .fails(0, "order.run", Place::Segment(segment, at::FLAGS), 0)
    };
    vec![
        wrong(
            "range-headers-named-salt",
            "The trailer names a run_salt that no run has.",
            |link| link[2] ^= 1,
            1,
        ),
        wrong(
            "range-headers-named-later",
            "The run that the trailer names does not begin there.",
            |link| link[16] = 2,
            2,
        ),
        wrong("range-headers-named-earlier", "Another run begins there.", |link| link[16] = 0, 0),
    ]
}

fn damaged() -> Vec<RangeCase> {
    let wrong = |id: &str, requirement: &'static str, comment: &str, alter: fn(Stream) -> Stream| {
        case(id, &[requirement, "SV2-RNG-001"], comment, &flushed(&[2]))
            .stored(alter)
            .made("range-headers-two-runs", "segment altered")
    };
    vec![
        wrong("range-headers-header", "SV2-SEG-003", "The header of segment 1 is damaged.", |stream| {
            stream.raw(1, |bytes| bytes[30] ^= 1)
        })
        .reads(&[(240, 10), (0, 10)])
        .fails(0, "malformed.header_crc", Place::Segment(1, at::HEADER_CRC), 0),
        wrong("range-headers-tag", "SV2-SEG-023", "Somebody without the key has changed it.", |stream| {
            stream.forge(1, |bytes| bytes[44] ^= 1)
        })
        .reads(&[(240, 10), (0, 10)])
        .fails(0, "auth.segment_tag", Place::Segment(1, at::SEGMENT_TAG), 0),
        wrong("range-headers-wire", "SV2-SEG-025", "The wire of segment 1 is damaged.", |stream| {
            stream.raw(1, |bytes| bytes[110] ^= 1)
        })
        .reads(&[(200, 50), (0, 100), (90, 20), (200, 50)])
        .fails(2, "malformed.wire_crc", Place::Segment(1, at::WIRE_CRC), 10),
        wrong(
            "range-headers-terminator",
            "SV2-RNG-006",
            "The terminator of segment 2 is damaged.",
            |stream| {
                let at = stream.segments[2].frame_offset(2) + 20;
                stream.raw(2, |bytes| bytes[at] ^= 1)
            },
        )
        .reads(&[(0, 10), (200, 50)])
        .fails(0, "auth.frame", Place::Frame(2, 2), 0),
        wrong(
            "range-headers-data",
            "SV2-RNG-006",
            "A data frame of segment 2 is damaged: its link is not.",
            |stream| stream.raw(2, |bytes| bytes[110] ^= 1),
        )
        .reads(&[(0, 10), (200, 50), (170, 1)])
        .fails(2, "malformed.wire_crc", Place::Segment(2, at::WIRE_CRC), 0),
    ]
}
