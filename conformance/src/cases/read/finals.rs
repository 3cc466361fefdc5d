//! §9: the trailer, bytes after a final segment, and a missing final segment.

use super::{empty, three};
use crate::cases::read::case::{Case, Place};
use crate::generator::wire::stream::Stream;

const BASE: &str = "accept-three-segments";

pub(crate) fn cases() -> Vec<Case> {
    [trailers(), empties(), trailing(), missing()].concat()
}

fn trailers() -> Vec<Case> {
    let case = |id: &str, comment: &str, alter: fn(&mut [u8])| {
        let plan = three().builder(3, move |builder| alter(&mut builder.terminator.plain));
        Case::new(id, &["SV2-FIN-001", "SV2-REL-004"], comment, plan.write())
            .made(BASE, "trailer altered before sealing; all else made for that")
            .rejects("auth.trailer", Place::Frame(3, 1))
    };
    vec![
        case("final-plaintext-less", "The trailer counts one plaintext byte too few.", |trailer| {
            trailer[0] -= 1
        }),
        case("final-plaintext-more", "The trailer counts one plaintext byte too many.", |trailer| {
            trailer[0] += 1
        }),
        case("final-plaintext-high", "The trailer counts 2^56 plaintext bytes too many.", |trailer| {
            trailer[7] = 1
        }),
        case("final-position-less", "The position in the trailer is one too small.", |trailer| {
            trailer[8] -= 1
        }),
        case("final-position-offset", "The trailer holds the offset instead of the position.", |trailer| {
            trailer[8..16].copy_from_slice(&972_u64.to_le_bytes())
        }),
        case("final-distance", "The trailer speaks of an index segment and there is none.", |trailer| {
            trailer[16] = 96
        }),
        case("final-distance-high", "The highest byte of the distance is not zero.", |trailer| {
            trailer[23] = 1
        }),
        case("final-transcript-first-byte", "The first byte of T in the trailer is wrong.", |trailer| {
            trailer[24] ^= 1
        }),
        case("final-transcript-last-byte", "The last byte of T in the trailer is wrong.", |trailer| {
            trailer[55] ^= 1
        }),
        case("final-transcript-zero", "T in the trailer is zero.", |trailer| trailer[24..56].fill(0)),
    ]
}

fn empties() -> Vec<Case> {
    let case = |id: &str, comment: &str, byte: usize| {
        let plan = empty().builder(0, move |builder| builder.terminator.plain[byte] = 1);
        Case::new(id, &["SV2-FIN-001"], comment, plan.write())
            .made("accept-empty", "trailer altered before sealing; all else made for that")
            .rejects("auth.trailer", Place::Frame(0, 1))
    };
    vec![
        case("final-empty-plaintext", "An empty stream that claims one plaintext byte.", 0),
        case("final-empty-position", "An empty stream whose final segment claims position 1.", 8),
        case("final-empty-transcript", "An empty stream with a transcript.", 24),
    ]
}

fn trailing() -> Vec<Case> {
    let case = |id: &str, comment: &str, mutation: &str, stream: Stream| {
        Case::new(id, &["SV2-FIN-003", "SV2-STR-001"], comment, stream)
            .made(BASE, mutation)
            .rejects("trailing", Place::After(4))
    };
    let stream = three().write();
    let whole = stream.bytes();
    let data = stream.segments[1].bytes.clone();
    let last = stream.segments[3].bytes.clone();
    let bad = three().builder(3, |builder| builder.terminator.plain[0] ^= 1).write().followed_by(&[0]);
    vec![
        case(
            "final-trailing-zero",
            "A zero byte follows the final segment.",
            "a byte 00 appended",
            stream.clone().followed_by(&[0]),
        ),
        case(
            "final-trailing-line-feed",
            "A line feed follows the final segment.",
            "a byte 0a appended",
            stream.clone().followed_by(b"\n"),
        ),
        case(
            "final-trailing-stream",
            "Another stream follows the final segment.",
            "the stream appended to itself",
            stream.clone().followed_by(&whole),
        ),
        case(
            "final-trailing-data",
            "A data segment follows the final segment.",
            "segment 1 appended",
            stream.clone().followed_by(&data),
        ),
        case(
            "final-twice",
            "The final segment stands twice.",
            "the final segment appended",
            stream.followed_by(&last),
        ),
        Case::new(
            "final-trailer-before-trailing",
            &["SV2-FIN-001", "SV2-RDR-001"],
            "The trailer is wrong and a byte follows: the trailer comes first.",
            bad,
        )
        .made(BASE, "trailer altered before sealing, a byte 00 appended")
        .rejects("auth.trailer", Place::Frame(3, 1)),
    ]
}

fn missing() -> Vec<Case> {
    let case = |id: &str, comment: &str, segments: usize| {
        let stream = three().write();
        let offset = stream.offset(segments);
        Case::new(id, &["SV2-FIN-004", "SV2-REL-004", "SV2-SAL-001"], comment, stream.cut_at(offset))
            .made(BASE, &format!("cut after {segments} segments"))
            .rejects("truncated", Place::End(segments))
    };
    vec![
        case("final-missing-after-header", "A stream header with nothing after it.", 0),
        case("final-missing-after-1", "The stream ends after segment 0.", 1),
        case("final-missing-after-3", "Only the final segment is missing.", 3),
    ]
}
