//! §6, steps 9 to 12: segment_tag, and the wire's length and CRC after it.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::Stream;

const BASE: &str = "accept-three-segments";

pub(crate) fn cases() -> Vec<Case> {
    [tags(), forged(), before(), wire()].concat()
}

fn tag_fault(id: &str, requirements: &[&'static str], comment: &str, mutation: &str, stream: Stream) -> Case {
    Case::new(id, requirements, comment, stream)
        .made(BASE, mutation)
        .rejects("auth.segment_tag", Place::Segment(1, at::SEGMENT_TAG))
}

fn tags() -> Vec<Case> {
    let flipped = |id: &str, byte: usize, comment: &str| {
        let stream = three().tagged(1, move |header| header[byte] ^= 1).write();
        tag_fault(
            id,
            &["SV2-SEG-023"],
            comment,
            "one bit of segment_tag of segment 1 flipped, header CRC repaired",
            stream,
        )
    };
    let zero = three().tagged(1, |header| header[60..92].fill(0)).write();
    vec![
        flipped("segment-tag-first-byte", 60, "The first byte of segment_tag is wrong."),
        flipped("segment-tag-middle", 76, "A byte in the middle of segment_tag is wrong."),
        flipped("segment-tag-last-byte", 91, "The last byte of segment_tag is wrong."),
        tag_fault(
            "segment-tag-zero",
            &["SV2-SEG-023"],
            "segment_tag is zero.",
            "segment_tag of segment 1 zeroed, header CRC repaired",
            zero,
        ),
    ]
}

/// Forgeries that are possible without the key: altering, and repairing the CRCs.
fn forged() -> Vec<Case> {
    let forged = |id: &str, what: &str, alter: fn(&mut Vec<u8>)| {
        let comment = format!("Somebody without the key altered {what} and repaired the CRCs.");
        tag_fault(
            id,
            &["SV2-SEG-023", "SV2-RDR-001"],
            &comment,
            &format!("{what} altered, CRCs repaired"),
            three().write().forge(1, alter),
        )
    };
    vec![
        forged("segment-forged-index", "segment_index", |bytes| bytes[4] = 2),
        forged("segment-forged-digest-alg", "digest_alg", |bytes| bytes[10] = 2),
        forged("segment-forged-run-salt", "run_salt", |bytes| bytes[55] ^= 1),
        forged("segment-forged-ciphertext", "a byte of ciphertext", |bytes| bytes[110] ^= 1),
        forged("segment-forged-frame-header", "the type of the first frame", |bytes| bytes[96] = 2),
    ]
}

fn before() -> Vec<Case> {
    let cut = three().tagged(1, |header| header[60] ^= 1).write();
    let inside = cut.offset(1) + 100;
    let wire = three().tagged(1, |header| header[60] ^= 1).write().raw(1, |bytes| bytes[100] ^= 1);
    let index = three()
        .builder(1, |builder| builder.header.segment_index = 2)
        .tagged(1, |header| header[60] ^= 1)
        .write();
    let earlier = &["SV2-SEG-023", "SV2-RDR-001"];
    vec![
        tag_fault(
            "segment-tag-before-length",
            earlier,
            "segment_tag is wrong and the wire is cut: the tag comes first.",
            "segment_tag altered, cut inside the wire",
            cut.cut_at(inside),
        ),
        tag_fault(
            "segment-tag-before-wire-crc",
            earlier,
            "segment_tag and the wire are wrong: the tag comes first.",
            "segment_tag and a byte of the wire altered",
            wire,
        ),
        tag_fault(
            "segment-tag-before-order",
            earlier,
            "segment_tag and segment_index are wrong: the tag comes first.",
            "segment_index 2 in segment 1, segment_tag altered",
            index,
        ),
    ]
}

fn wire() -> Vec<Case> {
    let crc =
        |id: &str, requirement: &'static str, comment: &str, mutation: &str, stream: Stream, segment| {
            Case::new(id, &["SV2-SEG-025", requirement], comment, stream)
                .made(BASE, mutation)
                .rejects("malformed.wire_crc", Place::Segment(segment, at::WIRE_CRC))
        };
    let damaged = |plan: Plan, segment, byte: usize| plan.write().raw(segment, move |bytes| bytes[byte] ^= 1);
    let frame = damaged(three().wire(1, |wire| wire[0] = 2), 1, 150);
    vec![
        crc(
            "segment-wire-crc-first-byte",
            "SV2-RDR-001",
            "The first byte of the wire is damaged.",
            "bit 0 of the first wire byte of segment 1 flipped",
            damaged(three(), 1, 96),
            1,
        ),
        crc(
            "segment-wire-crc-final",
            "SV2-RDR-001",
            "The last byte of the stream is damaged.",
            "bit 0 of the last byte flipped",
            damaged(three(), 3, 235),
            3,
        ),
        crc(
            "segment-wire-crc-before-frames",
            "SV2-RDR-001",
            "The wire is damaged and a frame_type wrong: the CRC comes first.",
            "frame_type 2 in frame 0 of segment 1, sealed; then a bit of the wire flipped",
            frame,
            1,
        ),
        {
            let stream = three()
                .builder(1, |builder| builder.header.segment_index = 2)
                .write()
                .raw(1, |bytes| bytes[100] ^= 1);
            Case::new(
                "segment-order-before-wire-crc",
                &["SV2-RDR-001", "SV2-ORD-001"],
                "segment_index is out of order and the wire is damaged: the order comes first.",
                stream,
            )
            .made(BASE, "segment_index 2 in segment 1, sealed; then a bit of the wire flipped")
            .rejects("order.segment_index", Place::Segment(1, at::SEGMENT_INDEX))
        },
    ]
}
