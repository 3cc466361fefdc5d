//! §11 and SV2-IDX-006, SV2-IDX-007: streams with index segments, whose links are not read.

use super::{RangeCase, case, flushed};
use crate::cases::read::case::Place;
use crate::generator::plan::{Plan, run_salt, with_index};
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::{Segment, Stream};

/// n of §11 for S = 4096.
const ENTRIES_MAX: usize = 169;
const NAMES: &[&str] = &["SV2-IDX-006", "SV2-IDX-007", "SV2-RNG-004"];
const BASE: &str = "range-index";
const TWO: &str = "range-index-two";
/// A few bytes of each segment, those of the last one first.
const DOWN: [(u64, u64); 4] = [(210, 10), (175, 10), (110, 10), (10, 10)];

pub(super) fn cases() -> Vec<RangeCase> {
    [accepted(), forks(), entries(), two(), distances(), damaged()].concat()
}

/// Returns four data segments, their index segment, which is segment 4, and the final one.
fn indexed(runs: &[usize]) -> Plan {
    let plan = flushed(runs);
    let items = with_index(&plan.items, ENTRIES_MAX);
    plan.items(&items)
}

fn accepted() -> Vec<RangeCase> {
    let down = |id: &str, comment: &str, plan: &Plan| case(id, NAMES, comment, plan).reads(&DOWN);
    let places = |id: &str, comment: &str, spans: &[(u64, u64)]| {
        case(id, &["SV2-RNG-001", "SV2-RNG-011"], comment, &indexed(&[])).reads(spans)
    };
    vec![
        down(BASE, "One index segment, and one run.", &indexed(&[])),
        down("range-index-runs", "A run in every segment.", &indexed(&[1, 2, 3, 4, 5])),
        down("range-index-epochs", "An epoch for each segment, and two runs.", &indexed(&[2]).epochs(1)),
        down("range-index-digest-2", "digest_alg 0x0002.", &indexed(&[]).digest_alg(2)),
        down("range-index-limit", "No link is read, so no limit of links is reached.", &indexed(&[1, 2, 3]))
            .runs_max(0),
        case(TWO, NAMES, "Two index segments: 169 entries in the first one, three in the second.", &pair())
            .reads(&[(171, 1), (169, 1), (168, 1), (0, 1), (100, 80)]),
        case("range-index-none", &["SV2-RNG-001"], "A writer of index segments with nothing to write.", &{
            Plan::flushed(&[])
        })
        .reads(&[(0, 1)]),
        places("range-index-whole", "All of it.", &[(0, 250)]),
        places("range-index-across", "Across segments.", &[(99, 2), (169, 32), (10, 200)]),
        places("range-index-beyond", "Nothing, and beyond the end.", &[(100, 0), (240, 11), (250, 1)]),
    ]
}

/// Returns 172 data segments of one byte, with index segments 169 and 173.
fn pair() -> Plan {
    let plan = Plan::flushed(&[1; ENTRIES_MAX + 3]);
    let items = with_index(&plan.items, ENTRIES_MAX);
    plan.items(&items)
}

/// Returns the segments of the same plaintext with other runs.
fn other(runs: &[(usize, u8)]) -> Vec<Segment> {
    let runs: Vec<_> = runs.iter().map(|(first, run)| (*first, run_salt(*run))).collect();
    indexed(&[]).runs(&runs).write().segments
}

/// Attacks by storage that kept an abandoned run.
fn forks() -> Vec<RangeCase> {
    let forked = |id: &str, comment: &str, other: Vec<Segment>, place: usize, spans: &[(u64, u64)]| {
        case(id, NAMES, comment, &indexed(&[2]))
            .stored(|stream| stream.arrange(|all| all[place] = other[place].clone()))
            .made("range-index-runs", "a segment replaced by that of another branch")
            .reads(spans)
    };
    let tag = |segment| Place::Segment(segment, at::SEGMENT_TAG);
    vec![
        forked(
            "range-index-fork",
            "Segment 2 of another branch: the index segment names another one.",
            other(&[(0, 0), (2, 5)]),
            2,
            &[(210, 10), (100, 100), (210, 10)],
        )
        .fails(1, "auth.index", tag(2), 70),
        forked(
            "range-index-fork-inside",
            "Segment 3 of another branch, which begins no run.",
            other(&[(0, 0), (2, 5)]),
            3,
            &[(0, 100), (180, 70)],
        )
        .fails(1, "auth.index", tag(3), 20),
        forked(
            "range-index-fork-index",
            "The index segment of another branch: T in the trailer does not follow from it.",
            other(&[(0, 0), (2, 5)]),
            4,
            &[(0, 1)],
        )
        .fails(0, "auth.index", tag(4), 0),
        forked(
            "range-index-fork-final",
            "The final segment of another branch: its T does not follow from the index segment.",
            other(&[(0, 0), (2, 5)]),
            5,
            &[(0, 1)],
        )
        .fails(0, "auth.index", tag(4), 0),
        forked(
            "range-index-fork-unread",
            "Segment 2 of another branch, which no range reaches.",
            other(&[(0, 0), (2, 5)]),
            2,
            &[(0, 170), (200, 50)],
        ),
    ]
}

/// Index segments that describe other segments than the stream holds.
fn entries() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, spans: &[(u64, u64)], alter: fn(&mut Vec<u8>)| {
        case(id, &["SV2-IDX-006", "SV2-RNG-001"], comment, &indexed(&[]).payload(4, alter))
            .made(BASE, "payload of the index segment altered before sealing; all else made for that")
            .reads(spans)
    };
    let payload = Place::Ciphertext(4);
    let early: &[(u64, u64)] = &[(0, 1)];
    vec![
        wrong("range-index-tag", "An entry names another segment.", &[(210, 10), (90, 20)], |payload| {
            payload[24 + 24 + 8] ^= 1
        })
        .fails(1, "auth.index", Place::Segment(1, at::SEGMENT_TAG), 10),
        wrong("range-index-tag-last", "The last byte of a name is another one.", &[(240, 10)], |payload| {
            payload[24 + 95] ^= 1
        })
        .fails(0, "auth.index", Place::Segment(3, at::SEGMENT_TAG), 0),
        wrong(
            "range-index-total",
            "All entries together are a byte more than the total.",
            early,
            |payload| payload[24] += 1,
        )
        .fails(0, "malformed.index", payload, 0),
        wrong(
            "range-index-total-less",
            "All entries together do not reach back to byte 0 of the plaintext.",
            early,
            |payload| payload[24] -= 1,
        )
        .fails(0, "malformed.index", payload, 0),
        wrong(
            "range-index-wire-less",
            "All entries together do not reach back to segment 0.",
            early,
            |payload| payload[28] -= 1,
        )
        .fails(0, "malformed.index", payload, 0),
        wrong("range-index-wire-len", "An entry is a byte longer than its segment.", early, |payload| {
            payload[24 + 4] += 1
        })
        .fails(0, "malformed.index", payload, 0),
        wrong("range-index-missing", "The first entry is missing.", early, |payload| {
            drop(payload.drain(24..48))
        })
        .fails(0, "malformed.index", payload, 0),
        wrong(
            "range-index-plaintext-0",
            "An entry has no plaintext, and the next one has all of it.",
            early,
            |payload| {
                payload[24] = 0;
                payload[48] = 170;
            },
        )
        .fails(0, "malformed.index", payload, 0),
        wrong(
            "range-index-shifted",
            "A byte of plaintext is counted to the next entry.",
            &[(210, 10), (100, 5)],
            |payload| {
                payload[24] -= 1;
                payload[48] += 1;
            },
        )
        .fails(1, "malformed.index", payload, 0),
        wrong("range-index-first-distance", "The first index segment has a distance.", early, |payload| {
            payload[0] = 96
        })
        .fails(0, "malformed.index", payload, 0),
    ]
}

/// Faults that a second index segment can have.
fn two() -> Vec<RangeCase> {
    let (first, second) = (ENTRIES_MAX, ENTRIES_MAX + 4);
    let named = case(
        "range-index-previous",
        &["SV2-IDX-006"],
        "The second index segment names another one before it.",
        &pair().payload(second, |payload| payload[8] ^= 1),
    )
    .made(TWO, "payload of the second index segment altered before sealing; all else made for that")
    .reads(&[(170, 1), (5, 1), (170, 1)])
    .fails(1, "auth.index", Place::Segment(first, at::SEGMENT_TAG), 0);
    let forked = case(
        "range-index-previous-fork",
        &["SV2-IDX-006"],
        "The first index segment is that of another branch.",
        &pair().runs_at(&[100]),
    )
    .stored(|stream| {
        let other = pair().runs(&[(0, run_salt(0)), (100, run_salt(5))]).write();
        stream.arrange(|all| all[first] = other.segments[first].clone())
    })
    .made(TWO, "runs at 0 and 100; the first index segment replaced by that of another branch")
    .reads(&[(170, 1), (5, 1), (170, 1)])
    .fails(1, "auth.index", Place::Segment(first, at::SEGMENT_TAG), 0);
    vec![named, forked]
}

/// Wrong distances to the last index segment in the trailer.
fn distances() -> Vec<RangeCase> {
    let lens: Vec<usize> = indexed(&[]).write().segments.iter().map(|segment| segment.bytes.len()).collect();
    let to_data = (lens[3] + lens[4]) as u64;
    let plan = indexed(&[])
        .builder(5, move |builder| builder.terminator.plain[16..24].copy_from_slice(&to_data.to_le_bytes()));
    let wrong = case(
        "range-index-at-data",
        &["SV2-RNG-001"],
        "The trailer says that segment 3 is the last index segment.",
        &plan,
    )
    .made(BASE, "distance in the trailer altered before sealing; all else made for that")
    .reads(&[(0, 1)]);
    let offset = wrong.stream.offset(3) + 4;
    vec![wrong.fails_at(0, "order.segment_index", Some(offset), Some(4))]
}

fn damaged() -> Vec<RangeCase> {
    let wrong = |id: &str, requirement: &'static str, comment: &str, alter: fn(Stream) -> Stream| {
        case(id, &[requirement, "SV2-RNG-001"], comment, &indexed(&[]))
            .stored(alter)
            .made(BASE, "segment altered")
    };
    let own = indexed(&[4]).builder(4, |builder| builder.terminator.plain[48] = 4);
    vec![
        wrong("range-index-header", "SV2-SEG-003", "The header of the index segment is damaged.", |stream| {
            stream.raw(4, |bytes| bytes[30] ^= 1)
        })
        .reads(&[(0, 1)])
        .fails(0, "malformed.header_crc", Place::Segment(4, at::HEADER_CRC), 0),
        wrong("range-index-wire", "SV2-SEG-025", "The wire of the index segment is damaged.", |stream| {
            stream.raw(4, |bytes| bytes[130] ^= 1)
        })
        .reads(&[(0, 1)])
        .fails(0, "malformed.wire_crc", Place::Segment(4, at::WIRE_CRC), 0),
        wrong("range-index-data", "SV2-SEG-025", "The wire of segment 1 is damaged.", |stream| {
            stream.raw(1, |bytes| bytes[130] ^= 1)
        })
        .reads(&[(200, 50), (0, 100), (50, 60)])
        .fails(2, "malformed.wire_crc", Place::Segment(1, at::WIRE_CRC), 50),
        wrong(
            "range-index-elsewhere",
            "SV2-IDX-006",
            "Segments 0 and 2 are destroyed, and no range reaches them.",
            |stream| stream.raw(0, |bytes| bytes.fill(0)).raw(2, |bytes| bytes.fill(0)),
        )
        .reads(&[(100, 70), (200, 50)]),
        case(
            "range-index-link-first-own",
            &["SV2-DIG-007"],
            "The run before the index segment begins with it.",
            &own,
        )
        .made(BASE, "link altered before sealing; all else made for that")
        .reads(&[(0, 1)])
        .fails(0, "malformed.terminator", Place::Frame(4, 2), 0),
    ]
}
