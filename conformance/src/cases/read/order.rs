//! §15.2 and §8.3: authentic segments in the wrong place.

use super::{three, two_runs};
use crate::cases::read::case::{Case, Place};
use crate::generator::plaintext::counting;
use crate::generator::plan::{Item, Plan, run_salt};
use crate::generator::wire::segment_header::{RUN_START, at};
use crate::generator::wire::stream::{Segment, Stream};

const BASE: &str = "accept-three-segments";

pub(crate) fn cases() -> Vec<Case> {
    [moved(), other_streams(), other_runs(), histories(), run_flags(), uniform()].concat()
}

fn moved() -> Vec<Case> {
    let case = |id: &str, comment: &str, mutation: &str, place, alter: fn(&mut Vec<Segment>)| {
        Case::new(id, &["SV2-ORD-001", "SV2-STR-002", "SV2-REL-002"], comment, three().write().arrange(alter))
            .made(BASE, mutation)
            .rejects("order.segment_index", Place::Segment(place, at::SEGMENT_INDEX))
    };
    vec![
        case(
            "order-swapped",
            "Segments 1 and 2 have changed places.",
            "segments 1 and 2 swapped",
            1,
            |all| all.swap(1, 2),
        ),
        case(
            "order-swapped-first",
            "Segments 0 and 1 have changed places.",
            "segments 0 and 1 swapped",
            0,
            |all| all.swap(0, 1),
        ),
        case("order-duplicated", "Segment 1 stands twice.", "segment 1 inserted again", 2, |all| {
            all.insert(1, all[1].clone())
        }),
        case("order-duplicated-first", "Segment 0 stands twice.", "segment 0 inserted again", 1, |all| {
            all.insert(0, all[0].clone())
        }),
        case("order-dropped", "Segment 1 is missing.", "segment 1 removed", 1, |all| drop(all.remove(1))),
        case("order-dropped-first", "Segment 0 is missing.", "segment 0 removed", 0, |all| {
            drop(all.remove(0))
        }),
        case("order-dropped-last", "The last data segment is missing.", "segment 2 removed", 2, |all| {
            drop(all.remove(2))
        }),
        case("order-only-final", "All data segments are missing.", "segments 0 to 2 removed", 0, |all| {
            drop(all.drain(..3))
        }),
        case("order-reversed", "All segments stand in reverse order.", "segments reversed", 0, |all| {
            all.reverse()
        }),
    ]
}

fn other_streams() -> Vec<Case> {
    let case = |id: &str, comment: &str, mutation: &str, place: usize, other: Plan| {
        let other = other.write();
        let stream = three().write().arrange(|all| all[place] = other.segments[place].clone());
        Case::new(id, &["SV2-SEG-023", "SV2-KEY-002"], comment, stream)
            .made(BASE, mutation)
            .rejects("auth.segment_tag", Place::Segment(place, at::SEGMENT_TAG))
    };
    let salted = || three().header(|header| header.stream_salt = counting(0xA0));
    let named = three().header(|header| header.key_id = counting(1));
    vec![
        case(
            "order-other-stream-0",
            "Segment 0 of a stream with another stream_salt.",
            "segment 0 replaced",
            0,
            salted(),
        ),
        case(
            "order-other-stream-1",
            "Segment 1 of a stream with another stream_salt.",
            "segment 1 replaced",
            1,
            salted(),
        ),
        case(
            "order-other-stream-final",
            "The final segment of a stream with another stream_salt.",
            "the final segment replaced",
            3,
            salted(),
        ),
        case(
            "order-other-context",
            "Segment 1 of a stream with another context.",
            "segment 1 replaced",
            1,
            three().context(b"other"),
        ),
        case(
            "order-other-key-id",
            "Segment 1 of a stream with another key_id.",
            "segment 1 replaced",
            1,
            named,
        ),
    ]
}

/// Returns the same stream, sealed once more from the beginning by another run.
fn again() -> Stream {
    three().runs(&[(0, run_salt(1))]).write()
}

fn other_runs() -> Vec<Case> {
    let case = |id: &str, comment: &str, mutation: &str, place, alter: fn(&mut Vec<Segment>, &[Segment])| {
        let other = again();
        let stream = three().write().arrange(|all| alter(all, &other.segments));
        Case::new(id, &["SV2-ORD-002"], comment, stream)
            .made(BASE, mutation)
            .rejects("order.run", Place::Segment(place, at::FLAGS))
    };
    vec![
        case(
            "order-other-run-0",
            "Segment 0 of another run: segment 1 does not continue it.",
            "segment 0 replaced by that of another run",
            1,
            |all, other| all[0] = other[0].clone(),
        ),
        case(
            "order-other-run-1",
            "Segment 1 of another run.",
            "segment 1 replaced by that of another run",
            1,
            |all, other| all[1] = other[1].clone(),
        ),
        case(
            "order-other-run-2",
            "Segment 2 of another run.",
            "segment 2 replaced by that of another run",
            2,
            |all, other| all[2] = other[2].clone(),
        ),
        case(
            "order-other-run-final",
            "The final segment of another run.",
            "the final segment replaced by that of another run",
            3,
            |all, other| all[3] = other[3].clone(),
        ),
        case(
            "order-other-run-tail",
            "Another run from segment 1 on, which does not say that it begins there.",
            "segments 1 to 3 replaced by those of another run",
            1,
            |all, other| {
                all[1..].clone_from_slice(&other[1..]);
            },
        ),
    ]
}

fn histories() -> Vec<Case> {
    let case = |id: &str, requirement: &'static str, comment: &str, base, mutation: &str, stream: Stream| {
        Case::new(id, &[requirement], comment, stream).made(base, mutation)
    };
    let unrelated = three().runs(&[(0, run_salt(4))]).write();
    let first = two_runs().write().arrange(|all| all[0] = unrelated.segments[0].clone());
    let third = three().runs(&[(0, run_salt(0)), (2, run_salt(2))]).write();
    let middle = three().runs(&[(0, run_salt(0)), (1, run_salt(1)), (2, run_salt(2))]).write();
    let middle = third.arrange(|all| all[1] = middle.segments[1].clone());
    let last = three().runs_at(&[3]).write();
    let ended = last.arrange(|all| all[..3].clone_from_slice(&unrelated.segments[..3]));
    let taken_over = three().runs(&[(0, run_salt(0)), (2, run_salt(2)), (3, run_salt(5))]).write();
    let replaced = taken_over.arrange(|all| {
        let abandoned = three().runs(&[(0, run_salt(0)), (2, run_salt(3))]).write();
        all[2] = abandoned.segments[2].clone();
    });
    vec![
        case(
            "order-history-first",
            "SV2-DIG-005",
            "The run that begins at segment 1 continues another segment 0.",
            "accept-two-runs",
            "segment 0 replaced by that of another run",
            first,
        )
        .rejects("order.transcript", Place::Frame(1, 2)),
        case(
            "order-history-middle",
            "SV2-DIG-005",
            "The run that begins at segment 2 continues another segment 1.",
            "accept-three-segments",
            "runs at 0 and 2; segment 1 replaced by that of a run which began there",
            middle,
        )
        .rejects("order.transcript", Place::Frame(2, 2)),
        case(
            "order-history-final",
            "SV2-FIN-001",
            "The final segment is a run of its own and ends another history.",
            "accept-run-begins-with-final",
            "segments 0 to 2 replaced by those of another run",
            ended,
        )
        .rejects("auth.trailer", Place::Frame(3, 1)),
        case(
            "order-history-abandoned",
            "SV2-FIN-001",
            "Segment 2 comes from a run that was abandoned; the final segment is a run of its own.",
            "accept-run-begins-with-final",
            "runs at 0, 2 and 3; segment 2 replaced by that of another run which began there",
            replaced,
        )
        .rejects("auth.trailer", Place::Frame(3, 1)),
    ]
}

fn run_flags() -> Vec<Case> {
    let case = |id: &str, requirement: &'static str, comment: &str, mutation: &str, plan: Plan, place| {
        Case::new(id, &[requirement, "SV2-SEG-027"], comment, plan.write())
            .made(BASE, mutation)
            .rejects("order.run", Place::Segment(place, at::FLAGS))
    };
    let salt = three().builder(1, |builder| builder.header.run_salt[15] ^= 1);
    let final_salt = three().builder(3, |builder| builder.header.run_salt = run_salt(1));
    let same = three().runs(&[(0, run_salt(0)), (1, run_salt(0))]);
    let final_flag = three().builder(3, |builder| builder.header.flags |= RUN_START);
    let empty = super::empty().builder(0, |builder| builder.header.flags = 0);
    vec![
        case(
            "order-run-salt-changes",
            "SV2-ORD-002",
            "run_salt changes in one bit and no run begins.",
            "run_salt of segment 1 altered; all else made for that",
            salt,
            1,
        ),
        case(
            "order-run-salt-changes-final",
            "SV2-ORD-002",
            "The final segment has another run_salt and begins no run.",
            "run_salt of the final segment altered; all else made for that",
            final_salt,
            3,
        ),
        case(
            "order-run-start-same-salt",
            "SV2-ORD-003",
            "A run begins with the run_salt of the one before.",
            "a second run at segment 1 with the same run_salt",
            same,
            1,
        ),
        case(
            "order-run-start-same-salt-final",
            "SV2-ORD-003",
            "The final segment begins a run with the run_salt of the one before.",
            "RUN_START in the final segment; all else made for that",
            final_flag,
            3,
        ),
        Case::new(
            "order-run-start-missing-empty",
            &["SV2-SEG-015"],
            "The only segment of an empty stream does not begin a run.",
            empty.write(),
        )
        .made("accept-empty", "RUN_START cleared; all else made for that")
        .rejects("malformed.flags", Place::Segment(0, at::FLAGS)),
    ]
}

fn uniform() -> Vec<Case> {
    let full = Item::Data(4096);
    let case = |id: &str, comment: &str, items: &[Item], place| {
        let len = items.iter().map(|item| if let Item::Data(len) = item { *len } else { 0 }).sum();
        let plan = Plan::filled(4096, len).uniform().items(items);
        Case::new(id, &["SV2-ORD-004"], comment, plan.write())
            .made("accept-uniform", "a flush in the middle of a segment")
            .rejects("order.uniform", Place::Segment(place, at::PLAINTEXT_LEN))
    };
    let resumed = Plan::flushed(&[100, 100]).uniform().runs_at(&[1]);
    vec![
        case(
            "order-uniform-short-first",
            "UNIFORM: a short data segment, then another.",
            &[Item::Data(100), Item::Data(100), Item::Final],
            1,
        ),
        case(
            "order-uniform-one-byte-short",
            "UNIFORM: a data segment is one byte short, and a full one follows.",
            &[Item::Data(4095), full, Item::Final],
            1,
        ),
        Case::new(
            "order-uniform-resumed",
            &["SV2-ORD-004"],
            "UNIFORM: a run goes on with data after a short data segment.",
            resumed.write(),
        )
        .made("accept-uniform", "a flush in the middle of a segment, a second run after it")
        .rejects("order.uniform", Place::Segment(1, at::PLAINTEXT_LEN)),
    ]
}
