//! §4 and §14: sizes in the stream header, on both sides of each limit.

use super::{empty, three};
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::envelope::padding;
use crate::generator::wire::segment_header::at as segment_at;
use crate::generator::wire::stream_header::{StreamHeader, at};

const MUTATION: &str = "fields of the stream header set; keys, tags and CRCs made for that";

pub(crate) fn cases() -> Vec<Case> {
    [
        frame_size(),
        segment_size_accepted(),
        segment_size_limit(),
        segment_size_malformed(),
        envelope_len(),
        plaintext_len(),
    ]
    .concat()
}

fn sealed(id: &str, requirement: &'static str, comment: &str, set: impl FnOnce(&mut StreamHeader)) -> Case {
    Case::new(id, &[requirement], comment, empty().header(set).write()).made("accept-empty", MUTATION)
}

/// Returns one data segment of 100 bytes in a stream of the given sizes.
fn accepted(id: &str, requirements: &[&'static str], comment: &str, log2: u8, segment_size: u32) -> Case {
    let plan = Plan::flushed(&[100])
        .header(|header| (header.frame_size_log2, header.segment_size) = (log2, segment_size));
    Case::new(id, requirements, comment, plan.write())
}

fn frame_size() -> Vec<Case> {
    let outside = |id: &str, log2: u8, segment_size: u32, comment: &str| {
        sealed(id, "SV2-HDR-008", comment, |header| {
            (header.frame_size_log2, header.segment_size) = (log2, segment_size)
        })
        .rejects("limit.frame_size", Place::Header(at::FRAME_SIZE_LOG2))
    };
    vec![
        accepted("header-frame-size-12", &["SV2-HDR-008"], "The smallest frame size.", 12, 4096),
        accepted("header-frame-size-24", &["SV2-HDR-008"], "The largest frame size.", 24, 1 << 24),
        outside("header-frame-size-11", 11, 4096, "A frame size below the smallest."),
        outside("header-frame-size-25", 25, 1 << 25, "A frame size above the largest."),
        outside("header-frame-size-0", 0, 4096, "A frame size of one byte."),
        outside("header-frame-size-32", 32, 4096, "An exponent that a shift of 32 bits wraps around."),
        outside("header-frame-size-76", 76, 4096, "An exponent that a shift of 64 bits wraps around to 12."),
        outside("header-frame-size-255", 255, 4096, "The largest exponent that the field holds."),
    ]
}

fn segment_size_accepted() -> Vec<Case> {
    let requirements = &["SV2-HDR-009", "SV2-HDR-010"];
    vec![
        accepted("header-segment-size-frame", requirements, "A segment size of one frame.", 13, 8192),
        accepted(
            "header-segment-size-odd",
            requirements,
            "A segment size that is no power of two.",
            12,
            3 * 4096,
        ),
        accepted(
            "header-segment-size-max",
            &["SV2-HDR-009", "SV2-LIM-001"],
            "The largest segment size.",
            12,
            1 << 26,
        ),
        accepted(
            "header-segment-size-max-frame-24",
            requirements,
            "The largest frames and segments.",
            24,
            1 << 26,
        ),
    ]
}

fn segment_size_limit() -> Vec<Case> {
    let outside = |id: &str, segment_size: u32, comment: &str| {
        sealed(id, "SV2-HDR-009", comment, |header| header.segment_size = segment_size)
            .rejects("limit.segment_size", Place::Header(at::SEGMENT_SIZE))
    };
    vec![
        outside("header-segment-size-0", 0, "A segment size of 0."),
        outside(
            "header-segment-size-below-frame",
            4095,
            "A segment size one byte below a frame: the limit comes before the multiple.",
        ),
        outside("header-segment-size-above", (1 << 26) + 4096, "A segment size one frame above the largest."),
        outside("header-segment-size-above-odd", (1 << 26) + 1, "A segment size one byte above the largest."),
        outside("header-segment-size-2-32", u32::MAX, "The largest segment size that the field holds."),
        sealed(
            "header-segment-size-half-frame",
            "SV2-HDR-009",
            "A segment size of half a frame.",
            |header| (header.frame_size_log2, header.segment_size) = (13, 4096),
        )
        .rejects("limit.segment_size", Place::Header(at::SEGMENT_SIZE)),
    ]
}

fn segment_size_malformed() -> Vec<Case> {
    let uneven = |id: &str, segment_size: u32, comment: &str| {
        sealed(id, "SV2-HDR-010", comment, |header| header.segment_size = segment_size)
            .rejects("malformed.segment_size", Place::Header(at::SEGMENT_SIZE))
    };
    vec![
        uneven("header-segment-size-plus-1", 4097, "A segment size one byte above a frame."),
        uneven("header-segment-size-one-and-a-half", 6144, "A segment size of one and a half frames."),
        uneven(
            "header-segment-size-max-minus-1",
            (1 << 26) - 1,
            "A segment size one byte below the largest.",
        ),
        sealed(
            "header-limits-before-multiples",
            "SV2-RDR-001",
            "segment_size and envelope_len are wrong: limits come first.",
            |header| (header.segment_size, header.envelope_len) = (4097, 65_540),
        )
        .rejects("limit.envelope_len", Place::Header(at::ENVELOPE_LEN)),
    ]
}

fn envelope_len() -> Vec<Case> {
    let wrong = |id: &str, requirement, error, len: u32, comment: &str| {
        sealed(id, requirement, comment, |header| header.envelope_len = len)
            .rejects(error, Place::Header(at::ENVELOPE_LEN))
    };
    let limit = |id: &str, len, comment: &str| wrong(id, "SV2-HDR-012", "limit.envelope_len", len, comment);
    let uneven =
        |id: &str, len, comment: &str| wrong(id, "SV2-HDR-013", "malformed.envelope_len", len, comment);
    let longest = empty().envelope(padding(65_528)).write();
    vec![
        limit(
            "header-envelope-len-65533",
            65_533,
            "An envelope one byte above the longest: the limit comes before the remainder.",
        ),
        limit(
            "header-envelope-len-65540",
            65_540,
            "An envelope above the longest, with the right remainder.",
        ),
        limit("header-envelope-len-2-32", u32::MAX, "The longest envelope that the field holds."),
        uneven("header-envelope-len-1", 1, "An envelope of one byte."),
        uneven("header-envelope-len-8", 8, "An envelope_len that is a multiple of 8."),
        uneven("header-envelope-len-11", 11, "An envelope_len that leaves 3."),
        uneven("header-envelope-len-13", 13, "An envelope_len that leaves 5."),
        Case::new("header-envelope-len-65532", &["SV2-HDR-012"], "The longest envelope.", longest),
    ]
}

fn plaintext_len() -> Vec<Case> {
    let known = |len: u64| three().header(move |header| header.plaintext_len = len).write();
    let case = |id: &str, requirements: &[&'static str], comment: &str, stream| {
        Case::new(id, requirements, comment, stream).made("accept-three-segments", MUTATION)
    };
    let over = &["SV2-HDR-018"];
    let beyond = |segment| Place::Segment(segment, segment_at::PLAINTEXT_LEN);
    let inside_wire = known(169);
    let cut = inside_wire.offset(1) + 96 + 10;
    vec![
        case("header-plaintext-len-0", over, "plaintext_len is 0 and a data segment follows.", known(0))
            .rejects("limit.stream_plaintext_len", beyond(0)),
        case("header-plaintext-len-in-segment-1", over, "Segment 1 goes one byte beyond plaintext_len.", known(169))
            .rejects("limit.stream_plaintext_len", beyond(1)),
        case("header-plaintext-len-in-segment-2", over, "The last data segment goes one byte beyond plaintext_len.", known(199))
            .rejects("limit.stream_plaintext_len", beyond(2)),
        case(
            "header-plaintext-len-before-wire",
            &["SV2-HDR-018", "SV2-RDR-001"],
            "Segment 1 goes beyond plaintext_len and its wire is cut: the order of segments comes before the wire.",
            inside_wire.cut_at(cut),
        )
        .rejects("limit.stream_plaintext_len", beyond(1)),
        case("header-plaintext-len-not-reached", &["SV2-FIN-002"], "The stream has one byte less than plaintext_len.", known(201))
            .rejects("auth.trailer", Place::Frame(3, 1)),
        case(
            "header-plaintext-len-huge",
            &["SV2-FIN-002", "SV2-HDR-019"],
            "plaintext_len is 2^64 - 2: nothing may be allocated for it.",
            known(u64::MAX - 1),
        )
        .rejects("auth.trailer", Place::Frame(3, 1)),
    ]
}
