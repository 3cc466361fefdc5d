//! §12.1 and §14: the checks of an `argon2id` stanza before anything is derived.

use super::envelope::{enveloped, malformed};
use crate::cases::read::case::{Case, Place};
use crate::generator::wire::envelope::{ARGON2ID, Argon2id, padding, stanza};

const BASE: &str = "envelope-argon2id";

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), limits(), bodies()].concat()
}

fn with(memory_kib: u32, passes: u32, lanes: u32) -> Vec<u8> {
    Argon2id { memory_kib, passes, lanes, reserved: 0 }.stanza()
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, comment: &str, stanza: Vec<u8>| {
        Case::new(id, &["SV2-ENV-012", "SV2-ENV-010"], comment, enveloped(&[stanza]))
    };
    vec![
        case("envelope-argon2id-most", "The largest parameters.", with(1_048_576, 16, 16)),
        case("envelope-argon2id-least", "The smallest parameters.", with(8, 1, 1)),
        case("envelope-argon2id-least-memory", "The least memory for 16 lanes.", with(128, 1, 16)),
    ]
}

fn limits() -> Vec<Case> {
    let case = |id: &str, comment: &str, stanza: Vec<u8>| {
        Case::new(id, &["SV2-ENV-012", "SV2-ENV-010"], comment, enveloped(&[stanza]))
            .made(BASE, "other parameters in the argon2id stanza")
            .rejects("limit.argon2id", Place::Stanza(0))
    };
    vec![
        case("envelope-argon2id-memory-above", "1 KiB more memory than the limit.", with(1_048_577, 3, 4)),
        case("envelope-argon2id-memory-max", "The most memory that the field holds.", with(u32::MAX, 3, 4)),
        case("envelope-argon2id-memory-below", "1 KiB less memory than 8 for each lane.", with(127, 1, 16)),
        case("envelope-argon2id-memory-0", "No memory.", with(0, 1, 1)),
        case("envelope-argon2id-passes-0", "No passes.", with(65_536, 0, 4)),
        case("envelope-argon2id-passes-17", "One pass more than the limit.", with(65_536, 17, 4)),
        case("envelope-argon2id-lanes-0", "No lanes.", with(65_536, 3, 0)),
        case("envelope-argon2id-lanes-17", "One lane more than the limit.", with(65_536, 3, 17)),
        case(
            "envelope-argon2id-lanes-wrap",
            "So many lanes that 8 times their number wraps around to 0 in 32 bits.",
            with(65_536, 3, 1 << 29),
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let body = Argon2id::ORDINARY.body();
    let longer = [body.as_slice(), &[0; 8]].concat();
    let reserved = |reserved| Argon2id { reserved, ..Argon2id::ORDINARY }.stanza();
    let case =
        |id: &str, comment: &str, stanzas: &[Vec<u8>]| malformed(id, "SV2-ENV-011", comment, stanzas, 0);
    vec![
        case("envelope-argon2id-body-120", "A body of 120 bytes.", &[stanza(ARGON2ID, &body[..120])]),
        case(
            "envelope-argon2id-body-127",
            "A body of 127 bytes.",
            &[stanza(ARGON2ID, &body[..127]), padding(5)],
        ),
        case("envelope-argon2id-body-136", "A body of 136 bytes.", &[stanza(ARGON2ID, &longer)]),
        case("envelope-argon2id-body-0", "An empty body.", &[stanza(ARGON2ID, &[])]),
        case("envelope-argon2id-reserved-first", "The first reserved byte is not zero.", &[reserved(1)]),
        case(
            "envelope-argon2id-reserved-last",
            "The last reserved byte is not zero.",
            &[reserved(0x8000_0000)],
        ),
    ]
}
