//! §12: envelopes, read with a content key that the caller brings, or without one.

use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::envelope::{AGE, Argon2id, KEY, PADDING, padding, stanza};
use crate::generator::wire::stream::Stream;

const BASE: &str = "envelope-padding";
const UNKNOWN: u16 = 0x0100;
const MUTATION: &str = "another envelope, with a CRC made for it";

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), keyed(), cut(), crc(), filling(), order(), beside(), bodies(), without_key()].concat()
}

/// Returns one data segment after an envelope.
pub(super) fn enveloped(stanzas: &[Vec<u8>]) -> Stream {
    Plan::flushed(&[100]).envelope(stanzas.concat()).write()
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, requirements: &[&'static str], comment: &str, stanzas: &[Vec<u8>]| {
        Case::new(id, requirements, comment, enveloped(stanzas))
    };
    let skip = &["SV2-ENV-007", "SV2-ENV-010"];
    vec![
        case(BASE, &["SV2-ENV-003", "SV2-ENV-006"], "A padding stanza of 8 zero bytes.", &[padding(8)]),
        case(
            "envelope-padding-empty",
            &["SV2-ENV-003"],
            "A padding stanza without a body: the shortest envelope.",
            &[padding(0)],
        ),
        case("envelope-unknown", skip, "A stanza of unknown type.", &[stanza(UNKNOWN, &[7; 8])]),
        case(
            "envelope-unknown-and-padding",
            skip,
            "A stanza of unknown type, then padding.",
            &[stanza(UNKNOWN, &[7; 9]), padding(3)],
        ),
        case(
            "envelope-unknown-repeated",
            &["SV2-ENV-004", "SV2-ENV-007"],
            "An unknown type may repeat.",
            &[stanza(UNKNOWN, &[7; 3]), stanza(UNKNOWN, &[]), padding(5)],
        ),
        case(
            "envelope-private-use",
            skip,
            "A stanza type for private use.",
            &[stanza(0xF000, &[1; 4]), padding(0)],
        ),
        case(
            "envelope-last-unknown-type",
            skip,
            "Type 0xFFFE is the last before padding.",
            &[stanza(0xFFFE, &[1; 4]), padding(0)],
        ),
        case(
            "envelope-age",
            &["SV2-ENV-010"],
            "An age stanza is ignored where the caller brings the key.",
            &[stanza(AGE, &[9; 8])],
        ),
        case(
            "envelope-age-beside-unknown",
            &["SV2-ENV-004", "SV2-ENV-010"],
            "age, an unknown type and padding, in ascending order.",
            &[stanza(AGE, &[9; 6]), stanza(0x0004, &[1; 2]), padding(0)],
        ),
    ]
}

/// Stanzas that wrap the content key, for a caller that has it.
fn keyed() -> Vec<Case> {
    let case = |id: &str, requirements: &[&'static str], comment: &str, stanzas: &[Vec<u8>]| {
        Case::new(id, requirements, comment, enveloped(stanzas))
    };
    let argon2id = Argon2id::ORDINARY.stanza();
    vec![
        case(
            "envelope-key",
            &["SV2-ENV-010"],
            "A key stanza is ignored where the caller brings the content key.",
            &[stanza(KEY, &[5; 128])],
        ),
        case(
            "envelope-key-repeated",
            &["SV2-ENV-004", "SV2-ENV-010"],
            "key stanzas may repeat, and stand behind age.",
            &[stanza(AGE, &[9; 4]), stanza(KEY, &[5; 128]), stanza(KEY, &[6; 128]), padding(0)],
        ),
        case(
            "envelope-key-short",
            &["SV2-ENV-018", "SV2-ENV-010"],
            "A key stanza whose body lacks a byte is skipped.",
            &[stanza(KEY, &[5; 127]), padding(5)],
        ),
        case(
            "envelope-key-long",
            &["SV2-ENV-018", "SV2-ENV-010"],
            "A key stanza whose body has a byte more is skipped, and so is one without a body.",
            &[stanza(KEY, &[]), stanza(KEY, &[5; 129]), padding(7)],
        ),
        case(
            "envelope-argon2id",
            &["SV2-ENV-010"],
            "An argon2id stanza is ignored where the caller brings the key.",
            std::slice::from_ref(&argon2id),
        ),
        case(
            "envelope-argon2id-and-padding",
            &["SV2-ENV-005"],
            "argon2id may stand beside padding.",
            &[argon2id, padding(4)],
        ),
    ]
}

fn cut() -> Vec<Case> {
    let case = |id: &str, offset: usize, comment: &str| {
        Case::new(id, &["SV2-ENV-001"], comment, enveloped(&[padding(8)]).cut_at(offset))
            .made(BASE, &format!("cut at {offset}"))
            .rejects("truncated", Place::EndInHeader)
    };
    vec![
        case("envelope-truncated-before", 128, "The input ends before the envelope."),
        case("envelope-truncated-inside", 135, "The input ends inside the envelope."),
        case("envelope-truncated-in-crc", 143, "The input ends inside the CRC of the envelope."),
        Case::new(
            "envelope-truncated-at-segment",
            &["SV2-FIN-004"],
            "The input ends after the envelope: no segment follows.",
            enveloped(&[padding(8)]).cut_at(144),
        )
        .made(BASE, "cut at 144")
        .rejects("truncated", Place::End(0)),
    ]
}

fn crc() -> Vec<Case> {
    let case = |id: &str, comment: &str, byte: usize| {
        Case::new(id, &["SV2-ENV-002"], comment, enveloped(&[padding(8)]).head(|head| head[byte] ^= 1))
            .made(BASE, &format!("bit 0 of byte {byte} flipped"))
            .rejects("malformed.envelope_crc", Place::EnvelopeCrc)
    };
    let invented = Plan::flushed(&[100]).write().forge_head(|head| head[112] = 4);
    vec![
        case("envelope-crc-value", "The CRC of the envelope is wrong.", 143),
        case("envelope-crc-before-stanzas", "A damaged padding: the CRC is checked before the stanzas.", 139),
        case("envelope-crc-before-type", "A damaged stanza type.", 128),
        Case::new(
            "envelope-len-invented",
            &["SV2-ENV-002"],
            "envelope_len was altered from 0 to 4: the beginning of segment 0 is no envelope.",
            invented,
        )
        .made("envelope-padding", "no envelope; envelope_len set to 4, CRC repaired")
        .rejects("malformed.envelope_crc", Place::Header(132)),
    ]
}

/// Stanzas that are refused at an offset of the envelope.
pub(super) fn malformed(
    id: &str,
    requirement: &'static str,
    comment: &str,
    stanzas: &[Vec<u8>],
    at: u64,
) -> Case {
    Case::new(id, &[requirement, "SV2-ENV-010"], comment, enveloped(stanzas))
        .made(BASE, MUTATION)
        .rejects("malformed.envelope", Place::Stanza(at))
}

fn filling() -> Vec<Case> {
    let long = [PADDING.to_le_bytes(), 9_u16.to_le_bytes(), [0; 2], [0; 2], [0; 2], [0; 2]].concat();
    let case =
        |id: &str, comment: &str, stanzas: &[Vec<u8>], at| malformed(id, "SV2-ENV-003", comment, stanzas, at);
    vec![
        case(
            "envelope-stanza-too-long",
            "The body of the stanza goes one byte beyond the envelope.",
            &[long],
            0,
        ),
        case(
            "envelope-left-1",
            "One byte is left after the last stanza.",
            &[stanza(UNKNOWN, &[1; 7]), vec![0]],
            11,
        ),
        case(
            "envelope-left-3",
            "Three bytes are left after the last stanza.",
            &[stanza(UNKNOWN, &[1; 5]), vec![0; 3]],
            9,
        ),
        case(
            "envelope-second-stanza-too-long",
            "The second stanza goes beyond the envelope.",
            &[stanza(UNKNOWN, &[1; 4]), vec![0xFF, 0xFF, 1, 0]],
            8,
        ),
        case(
            "envelope-length-before-type",
            "The second stanza is too long and of type zero: its length is checked first, at the same place.",
            &[stanza(UNKNOWN, &[1; 4]), vec![0, 0, 1, 0]],
            8,
        ),
    ]
}

fn order() -> Vec<Case> {
    let case =
        |id: &str, comment: &str, stanzas: &[Vec<u8>], at| malformed(id, "SV2-ENV-004", comment, stanzas, at);
    vec![
        case("envelope-type-zero", "Stanza type 0x0000.", &[stanza(0, &[1; 8])], 0),
        case(
            "envelope-type-zero-second",
            "Stanza type 0x0000 after padding.",
            &[padding(4), stanza(0, &[])],
            8,
        ),
        case(
            "envelope-descending",
            "Unknown types in descending order.",
            &[stanza(0x0200, &[1; 4]), stanza(UNKNOWN, &[])],
            8,
        ),
        case(
            "envelope-padding-first",
            "Padding before an unknown type.",
            &[padding(4), stanza(UNKNOWN, &[])],
            8,
        ),
        case("envelope-padding-repeated", "Two padding stanzas.", &[padding(4), padding(0)], 8),
        case("envelope-age-repeated", "Two age stanzas.", &[stanza(AGE, &[9; 4]), stanza(AGE, &[])], 8),
        case(
            "envelope-argon2id-repeated",
            "Two argon2id stanzas.",
            &[Argon2id::ORDINARY.stanza(), Argon2id::ORDINARY.stanza(), padding(0)],
            132,
        ),
    ]
}

fn beside() -> Vec<Case> {
    let argon2id = || Argon2id::ORDINARY.stanza();
    let case =
        |id: &str, comment: &str, stanzas: &[Vec<u8>]| malformed(id, "SV2-ENV-005", comment, stanzas, 132);
    vec![
        case("envelope-argon2id-beside-age", "argon2id beside age.", &[argon2id(), stanza(AGE, &[9; 4])]),
        case(
            "envelope-argon2id-beside-unknown",
            "argon2id beside an unknown type.",
            &[argon2id(), stanza(UNKNOWN, &[1; 4])],
        ),
        case(
            "envelope-argon2id-beside-unknown-and-padding",
            "argon2id beside an unknown type, and padding.",
            &[argon2id(), stanza(UNKNOWN, &[1; 4]), padding(4)],
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let case =
        |id: &str, comment: &str, stanzas: &[Vec<u8>], at| malformed(id, "SV2-ENV-006", comment, stanzas, at);
    vec![
        case(
            "envelope-padding-first-byte",
            "The first byte of the padding is not zero.",
            &[stanza(PADDING, &[1, 0, 0, 0, 0, 0, 0, 0])],
            0,
        ),
        case(
            "envelope-padding-last-byte",
            "The last byte of the padding is not zero.",
            &[stanza(UNKNOWN, &[1; 4]), stanza(PADDING, &[0, 0, 0, 128, 0, 0, 0, 128])],
            8,
        ),
        case(
            "envelope-body-before-next-stanza",
            "The padding is not zero and the stanza after it out of order: one stanza is checked after the other.",
            &[stanza(PADDING, &[1, 0, 0, 0]), stanza(UNKNOWN, &[])],
            0,
        ),
        Case::new(
            "envelope-before-header-tag",
            &["SV2-ENV-010", "SV2-RDR-001"],
            "The envelope is malformed and the content key another: the envelope comes first.",
            enveloped(&[stanza(0, &[1; 8])]),
        )
        .made(BASE, "stanza type 0x0000; read with another content key")
        .read_with_key(Some([0x55; 32]))
        .rejects("malformed.envelope", Place::Stanza(0)),
    ]
}

fn without_key() -> Vec<Case> {
    let case = |id: &str, requirement: &'static str, comment: &str, stream: Stream| {
        Case::new(id, &[requirement], comment, stream)
            .made(BASE, "read without a content key")
            .read_with_key(None)
    };
    let nobody = ("unsupported.envelope", Place::Header(128));
    vec![
        case(
            "envelope-no-key-padding",
            "SV2-ENV-008",
            "The reader has no content key and the envelope wraps none.",
            enveloped(&[padding(8)]),
        )
        .unsupported(nobody.0, nobody.1),
        case(
            "envelope-no-key-unknown",
            "SV2-ENV-008",
            "The reader has no content key and no stanza is of a type that anybody knows.",
            enveloped(&[stanza(UNKNOWN, &[7; 4]), padding(0)]),
        )
        .unsupported(nobody.0, nobody.1),
        case(
            "envelope-no-key-malformed",
            "SV2-ENV-006",
            "The reader has no content key and the padding is not zero: stanzas are checked before one is chosen.",
            enveloped(&[stanza(PADDING, &[0, 0, 0, 0, 0, 0, 0, 1])]),
        )
        .rejects("malformed.envelope", Place::Stanza(0)),
        case(
            "envelope-no-key-no-envelope",
            "SV2-ENV-008",
            "The reader has no content key and there is no envelope.",
            Plan::flushed(&[100]).write(),
        )
        .rejects("misuse", Place::Nowhere),
    ]
}
