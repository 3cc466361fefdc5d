//! §12 and §15.1: envelopes that are refused before anything is unwrapped.

use super::{CHEAP, Case, FIRST, PASSWORD, SECOND, case, key_stanza, keys, locked, passwords};
use super::{password_stanza, wrapped};
use crate::generator::wire::envelope::{AGE, ARGON2ID, KEY, padding, stanza};

const PADDED: &str = "unwrap-key-padding";
const MUTATION: &str = "another envelope, with a CRC made for it";

pub(super) fn cases() -> Vec<Case> {
    [bytes(), beside(), bodies()].into_iter().flatten().collect()
}

fn bytes() -> Vec<Case> {
    let case = |id, requirement, comment, mutation| {
        let stanzas = [key_stanza(&wrapped(1)), padding(884)];
        case(id, &[requirement], comment).stanzas(&stanzas).key_file(1).made(PADDED, mutation)
    };
    vec![
        case("unwrap-cut", "SV2-ENV-001", "The input ends before the CRC.", "cut at 1,148")
            .alter(|head| head.truncate(1148))
            .rejects("truncated", Some(1148)),
        case("unwrap-crc", "SV2-ENV-002", "The CRC of the envelope is wrong.", "a bit of the CRC flipped")
            .alter(|head| head[1148] ^= 1)
            .rejects("malformed.envelope_crc", Some(1148)),
        case("unwrap-damaged", "SV2-ENV-002", "The key stanza is damaged.", "a bit of the stanza flipped")
            .alter(|head| head[200] ^= 1)
            .rejects("malformed.envelope_crc", Some(1148)),
    ]
}

fn malformed(
    id: &'static str,
    requirement: &'static str,
    comment: &'static str,
    stanzas: &[Vec<u8>],
    at: usize,
) -> Case {
    keys::base(id, &[requirement], comment)
        .stanzas(stanzas)
        .made(PADDED, MUTATION)
        .rejects("malformed.envelope", Some(at))
}

fn beside() -> Vec<Case> {
    let (key, password) = (key_stanza(&wrapped(1)), password_stanza(&locked(PASSWORD, &CHEAP)));
    let set = |len: usize, at: usize| {
        let mut stanza = padding(len);
        stanza[4 + at] = 1;
        stanza
    };
    let mut long = key.clone();
    long[2] += 1;
    let padded = &["SV2-ENV-005"];
    vec![
        malformed(
            "unwrap-too-long",
            "SV2-ENV-003",
            "The key stanza goes beyond the envelope.",
            &[long],
            FIRST,
        ),
        malformed(
            "unwrap-type-0",
            "SV2-ENV-004",
            "A stanza of type 0.",
            &[stanza(0, &[0; 4]), key.clone(), padding(4)],
            FIRST,
        ),
        malformed(
            "unwrap-key-after-padding",
            "SV2-ENV-004",
            "Padding before a key stanza.",
            &[padding(4), key.clone()],
            FIRST + 8,
        ),
        malformed(
            "unwrap-age-after-key",
            "SV2-ENV-004",
            "An age stanza after a key stanza.",
            &[key.clone(), stanza(AGE, &[9; 4])],
            SECOND,
        ),
        malformed(
            "unwrap-padding-repeated",
            "SV2-ENV-004",
            "Two padding stanzas.",
            &[key.clone(), padding(0), padding(0)],
            SECOND + 4,
        ),
        malformed(
            "unwrap-padding-first-byte",
            "SV2-ENV-006",
            "The first byte of the padding is set.",
            &[key.clone(), set(884, 0)],
            SECOND,
        ),
        malformed(
            "unwrap-padding-last-byte",
            "SV2-ENV-006",
            "The last byte of the padding is set.",
            &[key.clone(), set(884, 883)],
            SECOND,
        ),
        passwords::base("unwrap-key-beside-argon2id", padded, "A key stanza beside an argon2id stanza.")
            .stanzas(&[password.clone(), key])
            .with_any_features()
            .made("unwrap-argon2id-padding", MUTATION)
            .rejects("malformed.envelope", Some(SECOND)),
        passwords::base("unwrap-argon2id-repeated", &["SV2-ENV-004"], "Two argon2id stanzas.")
            .stanzas(&[password.clone(), password])
            .with_any_features()
            .made("unwrap-argon2id-padding", MUTATION)
            .rejects("malformed.envelope", Some(SECOND)),
    ]
}

fn bodies() -> Vec<Case> {
    let case = |id, comment, body: Vec<u8>| {
        passwords::base(id, &["SV2-ENV-011"], comment)
            .stanzas(&[stanza(ARGON2ID, &body)])
            .with_any_features()
            .made("unwrap-argon2id", MUTATION)
            .rejects("malformed.envelope", Some(FIRST))
    };
    let body = locked(PASSWORD, &CHEAP).body();
    let mut reserved = body.clone();
    reserved[47] = 1;
    vec![
        case("unwrap-argon2id-127", "The body of the argon2id stanza lacks a byte.", body[..127].to_vec()),
        case(
            "unwrap-argon2id-129",
            "The body of the argon2id stanza has a byte more.",
            [&body[..], &[0]].concat(),
        ),
        case("unwrap-argon2id-reserved", "A reserved byte of the argon2id stanza is set.", reserved),
        passwords::base("unwrap-argon2id-accepted", &["SV2-ENV-011"], "The same body, unaltered.")
            .stanzas(&[stanza(ARGON2ID, &body), padding(12)]),
        keys::base(
            "unwrap-key-any-body",
            &["SV2-ENV-003"],
            "A key stanza that wraps nothing is not malformed.",
        )
        .stanzas(&[stanza(KEY, &[5; 128]), key_stanza(&wrapped(1))])
        .opened_by(SECOND),
    ]
}
