//! §6, steps 1 to 6: magic, CRC, reserved bytes, and values that are not assigned.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::segment_header::at;

const BASE: &str = "accept-three-segments";

pub(crate) fn cases() -> Vec<Case> {
    [truncated(), magic(), reserved(), kinds(), codecs(), digests(), flags(), steps()].concat()
}

/// Returns segment 1 with other header fields, sealed for them.
pub(super) fn sealed(
    id: &str,
    requirement: &'static str,
    comment: &str,
    alter: impl Fn(&mut Builder) + 'static,
) -> Case {
    let mutation = "fields of the header of segment 1 set; frames, CRCs and segment_tag made for that";
    Case::new(id, &[requirement], comment, three().builder(1, alter).write()).made(BASE, mutation)
}

fn truncated() -> Vec<Case> {
    let stream = three().write();
    let cut = |id: &str, requirement: &'static str, offset: usize, comment: &str| {
        Case::new(id, &[requirement], comment, stream.clone().cut_at(offset))
            .made(BASE, &format!("cut at {offset}"))
            .rejects("truncated", Place::End(1))
    };
    let start = stream.offset(1);
    let short = stream.clone().raw(1, |bytes| bytes[0] = 0).cut_at(start + 95);
    vec![
        cut("segment-truncated-header-1", "SV2-SEG-001", start + 1, "One byte of a segment header."),
        cut(
            "segment-truncated-header-95",
            "SV2-SEG-001",
            start + 95,
            "One byte of a segment header is missing.",
        ),
        cut("segment-truncated-wire-0", "SV2-SEG-024", start + 96, "A segment header without its wire."),
        cut(
            "segment-truncated-wire-end",
            "SV2-SEG-024",
            stream.offset(2) - 1,
            "One byte of the wire is missing.",
        ),
        Case::new(
            "segment-truncated-before-magic",
            &["SV2-SEG-001", "SV2-RDR-001"],
            "The segment header is short and its magic wrong: the length comes first.",
            short,
        )
        .made(BASE, "magic of segment 1 damaged, cut inside its header")
        .rejects("truncated", Place::End(1)),
    ]
}

fn magic() -> Vec<Case> {
    let case = |id: &str, requirement: &'static str, comment: &str, stream| {
        Case::new(id, &[requirement], comment, stream)
    };
    let forged = |byte: usize| three().write().forge(1, move |bytes| bytes[byte] ^= 0x20);
    let damaged = |byte: usize| three().write().raw(1, move |bytes| bytes[byte] ^= 1);
    let tag = three().write().raw(0, |bytes| bytes[60] ^= 1);
    vec![
        case(
            "segment-magic-first-byte",
            "SV2-SEG-002",
            "The first byte of the segment magic is wrong.",
            forged(0),
        )
        .made(BASE, "byte 0 of segment 1 altered, CRCs repaired")
        .rejects("malformed.magic", Place::Segment(1, at::MAGIC)),
        case(
            "segment-magic-last-byte",
            "SV2-SEG-002",
            "The last byte of the segment magic is wrong.",
            forged(3),
        )
        .made(BASE, "byte 3 of segment 1 altered, CRCs repaired")
        .rejects("malformed.magic", Place::Segment(1, at::MAGIC)),
        case("segment-header-crc-value", "SV2-SEG-003", "header_crc32c is wrong.", damaged(95))
            .made(BASE, "bit 0 of byte 95 of segment 1 flipped")
            .rejects("malformed.header_crc", Place::Segment(1, at::HEADER_CRC)),
        case("segment-header-crc-covers-kind", "SV2-SEG-003", "A damaged kind.", damaged(8))
            .made(BASE, "bit 0 of byte 8 of segment 1 flipped")
            .rejects("malformed.header_crc", Place::Segment(1, at::HEADER_CRC)),
        case("segment-header-crc-covers-tag", "SV2-SEG-003", "A damaged segment_tag.", tag)
            .made(BASE, "bit 0 of byte 60 of segment 0 flipped")
            .rejects("malformed.header_crc", Place::Segment(0, at::HEADER_CRC)),
    ]
}

fn reserved() -> Vec<Case> {
    vec![
        sealed("segment-reserved-14", "SV2-SEG-004", "Byte 14 is not zero.", |builder| {
            builder.header.reserved = [1, 0]
        })
        .rejects("malformed.reserved", Place::Segment(1, at::RESERVED)),
        sealed("segment-reserved-15", "SV2-SEG-004", "Byte 15 is not zero.", |builder| {
            builder.header.reserved = [0, 0x80]
        })
        .rejects("malformed.reserved", Place::Segment(1, at::RESERVED + 1)),
    ]
}

fn kinds() -> Vec<Case> {
    [
        (3, "segment-kind-3", "Kind 3 is not assigned."),
        (0xF0, "segment-kind-private", "A kind for private use."),
        (255, "segment-kind-255", "Kind 255 is not assigned."),
    ]
    .map(|(kind, id, comment)| {
        sealed(id, "SV2-SEG-005", comment, move |builder| builder.header.kind = kind)
            .unsupported("unsupported.kind", Place::Segment(1, at::KIND))
    })
    .to_vec()
}

fn codecs() -> Vec<Case> {
    [
        (3, "segment-codec-3", "Codec 3 is not assigned."),
        (0xF0, "segment-codec-private", "A codec for private use."),
    ]
    .map(|(codec, id, comment)| {
        sealed(id, "SV2-SEG-006", comment, move |builder| builder.header.codec = codec)
            .unsupported("unsupported.codec", Place::Segment(1, at::CODEC))
    })
    .to_vec()
}

fn digests() -> Vec<Case> {
    [
        (0, "segment-digest-alg-0", "digest_alg 0 is not assigned."),
        (3, "segment-digest-alg-3", "digest_alg 3 is not assigned."),
        (0x0100, "segment-digest-alg-256", "The two bytes of digest_alg 1 in the wrong order."),
        (0xF000, "segment-digest-alg-private", "A digest_alg for private use."),
    ]
    .map(|(digest_alg, id, comment)| {
        sealed(id, "SV2-SEG-007", comment, move |builder| builder.header.digest_alg = digest_alg)
            .unsupported("unsupported.digest_alg", Place::Segment(1, at::DIGEST_ALG))
    })
    .to_vec()
}

fn flags() -> Vec<Case> {
    [2_u16, 7, 8, 15]
        .map(|bit| {
            let id = format!("segment-flags-bit-{bit}");
            let comment = format!("Bit {bit} of flags is not assigned.");
            sealed(&id, "SV2-SEG-008", &comment, move |builder| builder.header.flags |= 1 << bit)
                .unsupported("unsupported.flags", Place::Segment(1, at::FLAGS))
        })
        .to_vec()
}

/// Two faults, of which the one found in the earlier step is reported.
fn steps() -> Vec<Case> {
    let order = "SV2-RDR-001";
    vec![
        sealed("segment-reserved-before-kind", order, "Reserved bytes come before kind.", |builder| {
            (builder.header.reserved, builder.header.kind) = ([0, 1], 3)
        })
        .rejects("malformed.reserved", Place::Segment(1, at::RESERVED + 1)),
        sealed("segment-digest-alg-before-flags", order, "digest_alg comes before flags.", |builder| {
            (builder.header.digest_alg, builder.header.flags) = (3, 4)
        })
        .unsupported("unsupported.digest_alg", Place::Segment(1, at::DIGEST_ALG)),
        sealed(
            "segment-flags-before-limits",
            order,
            "Flags that are not assigned come before limits.",
            |builder| (builder.header.flags, builder.header.plaintext_len) = (4, 4097),
        )
        .unsupported("unsupported.flags", Place::Segment(1, at::FLAGS)),
        sealed(
            "segment-limits-before-malformed",
            order,
            "Every limit comes before what is malformed.",
            |builder| (builder.header.key_epoch, builder.header.payload_len) = (1, 4097),
        )
        .rejects("limit.payload_len", Place::Segment(1, at::PAYLOAD_LEN)),
        sealed(
            "segment-malformed-before-order",
            order,
            "wire_len comes before the order of segments.",
            |builder| {
                builder.header.wire_len += 1;
                builder.header.segment_index = 7;
            },
        )
        .rejects("malformed.wire_len", Place::Segment(1, at::WIRE_LEN)),
    ]
}
