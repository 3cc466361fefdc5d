//! SV2-RNG-010 and the final segment, which is verified before anything else is read.

use super::{RangeCase, case, flushed, full};
use crate::cases::read::case::Place;
use crate::generator::plan::Plan;
use crate::generator::wire::builder::Builder;
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::Stream;
use crate::generator::wire::stream_header::at as header_at;

const UNIFORM: &str = "range-one-run";
const PLAIN: &str = "range-headers-one-run";
const NOTHING: &str = "range-headers-nothing";

pub(super) fn cases() -> Vec<RangeCase> {
    [cuts(), trailing(), repeated(), damaged(), trailers(), empty_streams(), unseen(), impossible(), heads()]
        .concat()
}

/// Returns a case of a stream with UNIFORM, and one without.
fn both(id: &str, requirements: &[&'static str], comment: &str) -> [RangeCase; 2] {
    [("uniform", full(&[]), UNIFORM), ("plain", flushed(&[]), PLAIN)].map(|(name, plan, base)| {
        case(&format!("range-{id}-{name}"), requirements, comment, &plan).made(base, "what is stored")
    })
}

/// Streams that lack a part.
fn cuts() -> Vec<RangeCase> {
    let cut = |id: &str, comment: &str, segments: usize, more: usize| {
        both(id, &["SV2-RNG-010"], comment).map(|case| {
            let end = case.stream.offset(segments) + more;
            case.stored(|stream| stream.cut_at(end)).unopened("truncated", Place::End(segments))
        })
    };
    [
        cut("cut-final", "The final segment lacks its last byte.", 4, 255),
        cut("cut-final-header", "The stream ends inside the header of the final segment.", 4, 50),
        cut("no-final", "The stream ends before the final segment.", 4, 0),
        cut("cut-wire", "The stream ends inside the wire of segment 2.", 2, 120),
        cut("cut-between", "The stream ends between segments 1 and 2.", 2, 0),
        cut("cut-first", "The stream ends inside segment 0.", 0, 150),
        cut("cut-body", "There is nothing behind the stream header.", 0, 0),
    ]
    .concat()
}

fn trailing() -> Vec<RangeCase> {
    let after = |id: &str, comment: &str, len: usize| {
        both(id, &["SV2-RNG-010"], comment).map(|case| {
            case.stored(|stream| stream.followed_by(&vec![0; len])).unopened("trailing", Place::After(5))
        })
    };
    [
        after("trailing-byte", "A byte follows the final segment.", 1),
        after("trailing-zeros", "More zeros than a final segment has bytes follow it.", 300),
        after("trailing-many", "More zeros than any segment of the stream has bytes follow it.", 5000),
    ]
    .concat()
}

/// An authentic segment is at the end, but not in its place.
fn repeated() -> Vec<RangeCase> {
    let end = |case: &RangeCase, field: usize| Some(case.stream.bytes().len() - 256 + field);
    let final_twice = case(
        "range-final-twice",
        &["SV2-FIN-006"],
        "The final segment stands twice: the second one is not at its position.",
        &flushed(&[]),
    )
    .made(PLAIN, "the final segment appended")
    .stored(|stream| {
        let last = stream.segments[4].bytes.clone();
        stream.followed_by(&last)
    });
    let stream_twice = case(
        "range-stream-twice",
        &["SV2-RNG-001"],
        "UNIFORM: the stream is appended to itself. No final segment of that index can stand there.",
        &full(&[]),
    )
    .made(UNIFORM, "the stream appended to itself")
    .stored(|stream| {
        let whole = stream.bytes();
        stream.followed_by(&whole)
    });
    let (trailer, index) = (end(&final_twice, 156), end(&stream_twice, 4));
    vec![
        final_twice.unopened_at("auth.trailer", trailer, Some(4)),
        stream_twice.unopened_at("order.segment_index", index, Some(4)),
    ]
}

/// Damage that steps 1 to 15 find.
fn damaged() -> Vec<RangeCase> {
    let damage =
        |id: &str, requirement: &'static str, comment: &str, alter: fn(Stream) -> Stream, error, field| {
            both(id, &[requirement], comment)
                .map(|case| case.stored(alter).unopened(error, Place::Segment(4, field)))
        };
    let before = both(
        "final-damage-before",
        &["SV2-RNG-010"],
        "Segment 3 and the final segment are damaged: the walk finds segment 3 first.",
    )
    .map(|case| {
        case.stored(|stream| stream.raw(3, |bytes| bytes[30] ^= 1).raw(4, |bytes| bytes[0] ^= 1))
            .unopened("malformed.header_crc", Place::Segment(3, at::HEADER_CRC))
    });
    [
        damage(
            "final-magic",
            "SV2-RNG-010",
            "The magic of the final segment is damaged.",
            |stream| stream.raw(4, |bytes| bytes[0] ^= 1),
            "malformed.magic",
            at::MAGIC,
        ),
        damage(
            "final-header-crc",
            "SV2-RNG-010",
            "The header of the final segment is damaged.",
            |stream| stream.raw(4, |bytes| bytes[50] ^= 1),
            "malformed.header_crc",
            at::HEADER_CRC,
        ),
        damage(
            "final-tag",
            "SV2-RNG-010",
            "Somebody without the key has changed run_salt of the final segment.",
            |stream| stream.forge(4, |bytes| bytes[50] ^= 1),
            "auth.segment_tag",
            at::SEGMENT_TAG,
        ),
        damage(
            "final-wire-crc",
            "SV2-RNG-001",
            "The wire of the final segment is damaged.",
            |stream| stream.raw(4, |bytes| bytes[200] ^= 1),
            "malformed.wire_crc",
            at::WIRE_CRC,
        ),
        before,
    ]
    .concat()
}

/// Returns a builder that sets bytes of the trailer.
fn trailer(at: usize, value: Vec<u8>) -> impl Fn(&mut Builder) {
    move |builder| builder.terminator.plain[at..at + value.len()].copy_from_slice(&value)
}

fn refused(id: &str, requirement: &'static str, comment: &str, base: &'static str, plan: &Plan) -> RangeCase {
    let last = plan.items.len() - 1;
    case(id, &[requirement], comment, plan)
        .made(base, "trailer altered before sealing; all else made for that")
        .unopened("auth.trailer", Place::Frame(last, 1))
}

fn number(number: u64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

fn first(number: u32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

fn trailers() -> Vec<RangeCase> {
    let offset = number(flushed(&[]).write().offset(4) as u64);
    let declared = flushed(&[]).header(|header| header.plaintext_len = 250);
    let runs = |id: &str, requirement: &'static str, comment: &str, at, value| {
        let plan = flushed(&[1]).builder(4, trailer(at, value));
        refused(id, requirement, comment, "range-headers-two-runs", &plan)
    };
    vec![
        runs(
            "range-trailer-first-own",
            "SV2-FIN-005",
            "The run before the final segment begins with it.",
            72,
            first(4),
        ),
        runs(
            "range-trailer-first-high",
            "SV2-FIN-005",
            "The highest byte of first is not zero.",
            72,
            first(1 << 24),
        ),
        runs("range-trailer-position", "SV2-FIN-006", "The position in the trailer is 0.", 8, number(0)),
        runs(
            "range-trailer-position-offset",
            "SV2-FIN-006",
            "The trailer holds the offset instead of the position.",
            8,
            offset,
        ),
        refused(
            "range-trailer-declared",
            "SV2-FIN-002",
            "The total is not the plaintext_len of the stream header.",
            PLAIN,
            &declared.builder(4, trailer(0, number(249))),
        ),
        runs(
            "range-trailer-distance",
            "SV2-RNG-001",
            "The distance to the last index segment leads out of the body.",
            16,
            number(1 << 40),
        ),
    ]
}

/// The final segment is alone, and its trailer is zero.
fn empty_streams() -> Vec<RangeCase> {
    let empty = |id: &str, requirement: &'static str, comment: &str, at, value| {
        let plan = Plan::flushed(&[]).builder(0, trailer(at, value));
        refused(id, requirement, comment, NOTHING, &plan)
    };
    vec![
        empty(
            "range-trailer-empty-salt",
            "SV2-FIN-005",
            "The final segment of an empty stream names a run.",
            56,
            vec![1],
        ),
        empty(
            "range-trailer-empty-first",
            "SV2-FIN-005",
            "The final segment of an empty stream names a segment.",
            72,
            first(1),
        ),
        empty(
            "range-trailer-empty-total",
            "SV2-FIN-001",
            "An empty stream that claims a byte: all its segments were seen.",
            0,
            number(1),
        ),
        empty(
            "range-trailer-empty-distance",
            "SV2-FIN-001",
            "An empty stream with an index segment.",
            16,
            number(96),
        ),
        empty(
            "range-trailer-empty-transcript",
            "SV2-FIN-001",
            "An empty stream with a transcript.",
            24,
            vec![1],
        ),
    ]
}

/// Faults that a range reader cannot see, because it has not seen all segments.
fn unseen() -> Vec<RangeCase> {
    let wrong = || trailer(24, vec![1; 32]);
    vec![
        case(
            "range-trailer-transcript",
            &["SV2-RNG-001"],
            "T in the trailer is wrong: a range reader cannot see that.",
            &flushed(&[1]).builder(4, wrong()),
        )
        .reads(&[(10, 50), (180, 60)]),
        case(
            "range-trailer-transcript-uniform",
            &["SV2-RNG-001"],
            "UNIFORM: T in the trailer is wrong, and a range reader cannot see that.",
            &full(&[1]).builder(4, wrong()),
        )
        .reads(&[(10, 50), (8192, 60)]),
    ]
}

/// Values that no stream with UNIFORM can have.
fn impossible() -> Vec<RangeCase> {
    let total = |id: &str, comment: &str, len: usize, total: u64| {
        let plan = Plan::filled(4096, len).uniform();
        let last = plan.items.len() - 1;
        let plan = plan.builder(last, trailer(0, total.to_le_bytes().to_vec()));
        refused(id, "SV2-RNG-001", comment, UNIFORM, &plan)
    };
    let dropped = case(
        "range-final-index",
        &["SV2-RNG-001"],
        "UNIFORM: segment 1 is missing. No final segment of that index can stand there.",
        &full(&[]),
    )
    .stored(|stream| stream.arrange(|all| drop(all.remove(1))))
    .made(UNIFORM, "segment 1 removed");
    let offset = dropped.stream.offset(3) + 4;
    vec![
        dropped.unopened_at("order.segment_index", Some(offset), Some(4)),
        total("range-total-less", "UNIFORM: the trailer counts a byte too few.", 8292, 8291),
        total("range-total-more", "UNIFORM: the trailer counts a byte too many.", 8292, 8293),
        total("range-total-full", "UNIFORM: the trailer counts the last segment as full.", 8292, 12_288),
        total("range-total-segment", "UNIFORM: the trailer counts a segment too few.", 8192, 4096),
        total("range-total-huge", "UNIFORM: the trailer counts 2^63 bytes more.", 8292, (1 << 63) + 8292),
        total("range-total-zero", "UNIFORM: the trailer counts nothing.", 8292, 0),
    ]
}

/// Streams that are refused before any segment is read.
fn heads() -> Vec<RangeCase> {
    let head = |id: &str, requirement: &'static str, comment: &str| {
        case(id, &[requirement], comment, &full(&[])).made(UNIFORM, "the stream header, or how it is read")
    };
    vec![
        head("range-other-key", "SV2-HDR-014", "The content key is another one.")
            .read_with_key(Some([0x77; 32]))
            .unopened("key.header_tag", Place::Header(header_at::HEADER_TAG)),
        head("range-no-key", "SV2-ENV-008", "There is no content key, and no envelope.")
            .read_with_key(None)
            .unopened("misuse", Place::Nowhere),
        head("range-header-crc", "SV2-HDR-003", "The stream header is damaged.")
            .stored(|stream| stream.head(|head| head[40] ^= 1))
            .unopened("malformed.header_crc", Place::Header(header_at::HEADER_CRC)),
        head("range-header-version", "SV2-HDR-004", "The version is 2.")
            .stored(|stream| stream.forge_head(|head| head[8] = 2))
            .unopened("unsupported.version", Place::Header(header_at::VERSION)),
        head("range-header-cut", "SV2-HDR-001", "The stream ends inside the stream header.")
            .stored(|stream| stream.cut_at(100))
            .unopened("truncated", Place::EndInHeader),
    ]
}
