//! With UNIFORM, segments that are requested, or read for their link, and have a fault of their
//! own.

use super::arithmetic::{DOWN, S};
use super::{RangeCase, case, full};
use crate::cases::read::case::Place;
use crate::generator::plan::{Item, Plan};
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::Stream;

const ONE: &str = "range-one-run";
const FOUR: &str = "range-four-runs";

pub(super) fn cases() -> Vec<RangeCase> {
    [wanted(), sealed(), moved(), terminators(), linked(), elsewhere()].concat()
}

/// Returns a case that reads all four segments in one range. The third one is wrong.
fn wrong(
    id: &str,
    requirement: &'static str,
    comment: &str,
    plan: &Plan,
    alter: fn(Stream) -> Stream,
) -> RangeCase {
    case(id, &[requirement, "SV2-RNG-001"], comment, plan)
        .stored(alter)
        .made(ONE, "segment 2 altered")
        .reads(&[(0, 3 * S), (S, 1)])
}

/// Requested segments that storage has altered.
fn wanted() -> Vec<RangeCase> {
    let header = |field| Place::Segment(2, field);
    let released = 8192;
    vec![
        wrong("range-magic", "SV2-SEG-002", "The magic of segment 2 is damaged.", &full(&[]), |stream| {
            stream.raw(2, |bytes| bytes[3] ^= 1)
        })
        .fails(0, "malformed.magic", header(at::MAGIC), released),
        wrong("range-header", "SV2-SEG-003", "The header of segment 2 is damaged.", &full(&[]), |stream| {
            stream.raw(2, |bytes| bytes[70] ^= 1)
        })
        .fails(0, "malformed.header_crc", header(at::HEADER_CRC), released),
        wrong(
            "range-tag",
            "SV2-SEG-023",
            "Somebody without the key has changed run_salt of segment 2.",
            &full(&[]),
            |stream| stream.forge(2, |bytes| bytes[44] ^= 1),
        )
        .fails(0, "auth.segment_tag", header(at::SEGMENT_TAG), released),
        wrong(
            "range-other-stream",
            "SV2-SEG-023",
            "Segment 2 of a stream with another stream_salt.",
            &full(&[]),
            |stream| {
                let other = full(&[]).header(|header| header.stream_salt = [0xA0; 32]).write();
                stream.arrange(|all| all[2] = other.segments[2].clone())
            },
        )
        .fails(0, "auth.segment_tag", header(at::SEGMENT_TAG), released),
        wrong("range-wire", "SV2-SEG-025", "The wire of segment 2 is damaged.", &full(&[]), |stream| {
            stream.raw(2, |bytes| bytes[2000] ^= 1)
        })
        .fails(0, "malformed.wire_crc", header(at::WIRE_CRC), released),
    ]
}

/// Requested segments that a holder of the key has altered.
fn sealed() -> Vec<RangeCase> {
    let same = |stream| stream;
    let released = 8192;
    vec![
        wrong(
            "range-frame",
            "SV2-FRM-006",
            "The tag of a frame is altered before segment_tag is made.",
            &full(&[]).wire(2, |wire| wire[8 + 4096] ^= 1),
            same,
        )
        .fails(0, "auth.frame", Place::Frame(2, 0), released),
        wrong(
            "range-frame-type",
            "SV2-FRM-002",
            "The first frame of segment 2 is of another type.",
            &full(&[]).builder(2, |builder| builder.data[0].frame_type = 2),
            same,
        )
        .fails(0, "malformed.frame_type", Place::Frame(2, 0), released),
        wrong(
            "range-digest",
            "SV2-DIG-002",
            "D of segment 2 is wrong.",
            &full(&[]).digest(2, |plain| plain[4] ^= 1),
            same,
        )
        .fails(0, "auth.digest", Place::Frame(2, 1), released),
        wrong(
            "range-reserved",
            "SV2-SEG-004",
            "A reserved byte of segment 2 is not zero.",
            &full(&[]).builder(2, |builder| builder.header.reserved[1] = 1),
            same,
        )
        .fails(0, "malformed.reserved", Place::Segment(2, at::RESERVED + 1), released),
    ]
}

/// Returns a segment of this run and index that is shorter than its place, followed by zeros.
fn short(runs: &[usize], segment: usize, len: usize) -> impl FnOnce(Stream) -> Stream {
    let mut lens = vec![4096; segment];
    lens.push(len);
    let items: Vec<Item> = lens.iter().copied().map(Item::Data).collect();
    let plan = Plan::filled(4096, lens.iter().sum()).uniform().items(&items).runs_at(runs);
    let mut short = plan.write().segments[segment].clone();
    move |stream| {
        short.bytes.resize(stream.segments[segment].bytes.len(), 0);
        stream.arrange(|all| all[segment] = short)
    }
}

/// Authentic segments of one run in the wrong place.
fn moved() -> Vec<RangeCase> {
    let shortened = |id: &str, comment: &str, runs: &[usize], segment, len| {
        case(id, &["SV2-RNG-001"], comment, &full(runs))
            .stored(short(runs, segment, len))
            .made(ONE, "a segment replaced by a short one of its run and index, and zeros")
    };
    let uniform = |segment| Place::Segment(segment, at::PLAINTEXT_LEN);
    vec![
        case("range-swapped", &["SV2-RNG-001"], "Segments 1 and 2 have changed places.", &full(&[]))
            .stored(|stream| stream.arrange(|all| all.swap(1, 2)))
            .made(ONE, "segments 1 and 2 swapped")
            .reads(&[(3 * S, 100), (10, 10), (S - 10, 20), (3 * S, 100)])
            .fails(2, "order.segment_index", Place::Segment(1, at::SEGMENT_INDEX), 10),
        shortened(
            "range-short-in-the-middle",
            "A short segment of the same run and index stands in the place of a full one, and zeros fill it.",
            &[],
            2,
            100,
        )
        .reads(&[(S + 10, 2 * S)])
        .fails(0, "order.uniform", uniform(2), 4086),
        shortened(
            "range-short-last",
            "The last segment is one byte shorter than the total leaves.",
            &[],
            3,
            99,
        )
        .reads(&[(10, 10), (3 * S, 10)])
        .fails(1, "order.uniform", uniform(3), 0),
        shortened(
            "range-link-short",
            "The segment that begins the last run but one is short; it is read for its link.",
            &[1, 2, 3],
            2,
            4000,
        )
        .reads(&[(3 * S, 10), (10, 10)])
        .fails(1, "order.uniform", uniform(2), 0),
    ]
}

/// Step 16 of requested segments.
fn terminators() -> Vec<RangeCase> {
    let wanted = |id: &str, requirement: &'static str, comment: &str, plan: &Plan, segment| {
        case(id, &[requirement, "SV2-RNG-001"], comment, plan)
            .made(ONE, "a terminator altered before sealing; all else made for that")
            .reads(&[(0, 3 * S + 100)])
            .fails(0, "malformed.terminator", Place::Frame(segment, 2), 4096 * segment)
    };
    vec![
        wanted(
            "range-terminator-not-zero",
            "SV2-DIG-006",
            "A segment that begins no run has a terminator.",
            &full(&[]).builder(1, |builder| builder.terminator.plain[51] = 1),
            1,
        ),
        wanted(
            "range-segment-0-salt",
            "SV2-DIG-007",
            "Segment 0 names a run before it.",
            &full(&[]).builder(0, |builder| builder.terminator.plain[32] = 1),
            0,
        ),
        wanted(
            "range-last-first-own",
            "SV2-DIG-007",
            "The run before the last segment begins with it, and the segment is wanted for its plaintext alone.",
            &full(&[3]).builder(3, |builder| builder.terminator.plain[48] = 3),
            3,
        )
        .reads(&[(3 * S, 100)])
        .fails(0, "malformed.terminator", Place::Frame(3, 2), 0),
    ]
}

/// Segment 2 is read for its link, and has faults that are checked.
fn linked() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, plan: &Plan, alter: fn(Stream) -> Stream| {
        case(id, &["SV2-RNG-006"], comment, plan)
            .stored(alter)
            .made(FOUR, "segment 2 altered, from which a link is read")
            .reads(&[(3 * S, 100), (10, 10), (3 * S, 100)])
    };
    let terminator = Place::Frame(2, 2);
    let four = || full(&[1, 2, 3]);
    let same = |stream| stream;
    let with = |id: &str, comment: &str, field: usize, error| {
        let case = wrong(id, comment, &four(), same);
        let at = case.stream.segments[2].frame_offset(2) + field;
        case.stored(|stream| stream.raw(2, |bytes| bytes[at] ^= 0x10)).fails(1, error, terminator, 0)
    };
    vec![
        with("range-link-frame", "The terminator frame is damaged; no CRC is asked.", 8 + 40, "auth.frame"),
        with("range-link-frame-tag", "The tag of the terminator frame is damaged.", 8 + 52, "auth.frame"),
        with("range-link-frame-type", "The terminator frame is of another type.", 0, "malformed.frame_type"),
        with(
            "range-link-frame-reserved",
            "A reserved byte of the terminator frame is not zero.",
            2,
            "malformed.frame_reserved",
        ),
        with(
            "range-link-frame-len",
            "The length of the terminator frame is another one.",
            4,
            "malformed.frame_len",
        ),
        wrong("range-link-magic", "The magic is damaged.", &four(), |stream| {
            stream.raw(2, |bytes| bytes[0] ^= 1)
        })
        .fails(1, "malformed.magic", Place::Segment(2, at::MAGIC), 0),
        wrong("range-link-header", "The header is damaged.", &four(), |stream| {
            stream.raw(2, |bytes| bytes[60] ^= 1)
        })
        .fails(1, "malformed.header_crc", Place::Segment(2, at::HEADER_CRC), 0),
        wrong("range-link-tag", "Somebody without the key has changed the header.", &four(), |stream| {
            stream.forge(2, |bytes| bytes[40] ^= 1)
        })
        .fails(1, "auth.segment_tag", Place::Segment(2, at::SEGMENT_TAG), 0),
        wrong("range-link-index", "Segment 1 stands there.", &four(), |stream| {
            stream.arrange(|all| all[2] = all[1].clone())
        })
        .fails(1, "order.segment_index", Place::Segment(2, at::SEGMENT_INDEX), 0),
        wrong(
            "range-link-first-own",
            "The run before it begins with the segment itself.",
            &four().builder(2, |builder| builder.terminator.plain[48] = 2),
            same,
        )
        .fails(1, "malformed.terminator", terminator, 0)
        .also("SV2-DIG-007"),
        wrong(
            "range-link-first-high",
            "The run before it begins with a segment far behind it.",
            &four().builder(2, |builder| builder.terminator.plain[51] = 0x80),
            same,
        )
        .fails(1, "malformed.terminator", terminator, 0)
        .also("SV2-DIG-007"),
    ]
}

/// Faults in places that are not read.
fn elsewhere() -> Vec<RangeCase> {
    let damaged =
        |id: &str, requirement: &'static str, comment: &str, plan: &Plan, alter: fn(Stream) -> Stream| {
            case(id, &[requirement], comment, plan).stored(alter).made(FOUR, "what is not read altered")
        };
    vec![
        damaged(
            "range-damage-elsewhere",
            "SV2-RNG-001",
            "Segments 0 and 2 are destroyed; no range reaches them, until one does.",
            &full(&[]),
            |stream| stream.raw(0, |bytes| bytes.fill(0)).raw(2, |bytes| bytes.fill(0)),
        )
        .reads(&[(S, S), (3 * S, 100), (S + 4000, 200), (S, S)])
        .fails(2, "malformed.magic", Place::Segment(2, at::MAGIC), 96),
        damaged(
            "range-link-data-damaged",
            "SV2-RNG-006",
            "A data frame of a segment that is read for its link is damaged: its plaintext is refused, its link is not.",
            &full(&[1, 2, 3]),
            |stream| stream.raw(2, |bytes| bytes[1000] ^= 1),
        )
        .reads(&[(10, 10), (3 * S, 10), (2 * S, 10)])
        .fails(2, "malformed.wire_crc", Place::Segment(2, at::WIRE_CRC), 0),
        damaged(
            "range-link-digest-damaged",
            "SV2-RNG-006",
            "The digest frame of a segment that is read for its link is damaged.",
            &full(&[1, 2, 3]),
            |stream| {
                let at = stream.segments[2].frame_offset(1) + 10;
                stream.raw(2, |bytes| bytes[at] ^= 1)
            },
        )
        .reads(&[(10, 10), (S, 10), (3 * S, 10)]),
        damaged(
            "range-link-transcript",
            "SV2-RNG-006",
            "T in a segment that is read for its link is wrong: a range reader does not know T.",
            &full(&[1, 2, 3]).builder(2, |builder| builder.terminator.plain[..32].fill(1)),
            |stream| stream,
        )
        .reads(&DOWN),
    ]
}
