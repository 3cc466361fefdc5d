//! §11 and SV2-IDX-005: the places of index segments, and streams that need more than one.

use super::index::{BASE, ENTRIES_MAX, optional};
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::{Item, Plan, with_index};
use crate::generator::wire::segment_header::at;

const LONG: &str = "index-two";

pub(crate) fn cases() -> Vec<Case> {
    [short(), long(), second()].concat()
}

/// Returns data segments of one byte each.
fn bytes(count: usize) -> Vec<Item> {
    vec![Item::Data(1); count]
}

fn plan(items: &[Vec<Item>]) -> Plan {
    let items = items.concat();
    let data = items.iter().filter(|item| matches!(item, Item::Data(_))).count();
    Plan::flushed(&vec![1; data]).items(&items)
}

fn misplaced(id: &str, comment: &str, base: &'static str, plan: &Plan, first: usize, segment: usize) -> Case {
    optional(id, &["SV2-IDX-005"], comment, plan, first)
        .made(base, "index segments in other places")
        .rejects("order.index", Place::Segment(segment, at::SEGMENT_INDEX))
}

fn short() -> Vec<Case> {
    let early = plan(&[bytes(2), vec![Item::Index], bytes(1), vec![Item::Index, Item::Final]]);
    let uncovered = plan(&[bytes(2), vec![Item::Index], bytes(1), vec![Item::Final]]);
    vec![
        misplaced(
            "index-early",
            "A data segment follows an index segment of fewer than n entries.",
            BASE,
            &early,
            2,
            2 + 1,
        ),
        misplaced(
            "index-early-uncovered",
            "A data segment that no index segment covers follows one of fewer than n entries.",
            BASE,
            &uncovered,
            2,
            2 + 1,
        ),
    ]
}

fn long() -> Vec<Case> {
    let n = ENTRIES_MAX;
    let index = || vec![Item::Index];
    let last = || vec![Item::Final];
    let full = plan(&[bytes(n), index(), last()]);
    let late = plan(&[bytes(n + 1), index(), last()]);
    let uncovered = plan(&[bytes(n), index(), bytes(1), last()]);
    let second_late = plan(&[bytes(n), index(), bytes(n + 1), index(), last()]);
    let none = plan(&[bytes(n + 2), last()]);
    vec![
        optional(
            "index-full",
            &["SV2-IDX-003"],
            "An index segment of n entries, and no data after it.",
            &full,
            n,
        ),
        optional(
            LONG,
            &["SV2-IDX-004", "SV2-IDX-005"],
            "A full index segment, one more data segment, a second index segment.",
            &two(),
            n,
        ),
        Case::new(
            "index-none",
            &["SV2-IDX-005"],
            "More than n data segments and no index segment: a writer of none.",
            none.write(),
        ),
        optional(
            "index-late",
            &["SV2-SEG-012", "SV2-IDX-003"],
            "An index segment of n + 1 entries.",
            &late,
            n + 1,
        )
        .made(LONG, "index segments in other places")
        .rejects("limit.payload_len", Place::Segment(n + 1, at::PAYLOAD_LEN)),
        misplaced(
            "index-missing-at-end",
            "The final segment follows a data segment that no index segment covers.",
            LONG,
            &uncovered,
            n,
            n + 2,
        ),
        misplaced(
            "index-second-late",
            "More than n data segments follow an index segment.",
            LONG,
            &second_late,
            n,
            2 * n + 1,
        ),
    ]
}

fn two() -> Plan {
    let data = plan(&[bytes(ENTRIES_MAX + 1), vec![Item::Final]]);
    let items = with_index(&data.items, ENTRIES_MAX);
    data.items(&items)
}

/// Faults that only a second index segment can have.
fn second() -> Vec<Case> {
    let second = ENTRIES_MAX + 2;
    let case = |id: &str, comment: &str, alter: fn(&mut Vec<u8>)| {
        optional(id, &["SV2-IDX-004"], comment, &two().payload(second, alter), ENTRIES_MAX)
            .made(LONG, "payload of the second index segment altered before sealing; all else made for that")
            .rejects("malformed.index", Place::Ciphertext(second))
    };
    vec![
        case("index-second-distance", "The distance to the first index segment is wrong.", |payload| {
            payload[0] ^= 1
        }),
        case("index-second-distance-0", "The distance to the first index segment is missing.", |payload| {
            payload[..8].fill(0)
        }),
        case("index-second-previous", "previous does not name the first index segment.", |payload| {
            payload[23] ^= 1
        }),
    ]
}
