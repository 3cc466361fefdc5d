//! §12.4: a detached envelope takes the place of the stream's own one.

use super::{Case, FIRST, case, content_key, key_stanza, repair_header, wrapped};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::padding;

const BASE: &str = "unwrap-detached";

pub(super) fn cases() -> Vec<Case> {
    [own(), foreign(), damaged(), wrong()].into_iter().flatten().collect()
}

/// The stream's own envelope is for key file 1, and the detached one for key file 2.
fn base(id: &'static str, requirements: &[&'static str], comment: &'static str) -> Case {
    case(id, requirements, comment)
        .stanzas(&[key_stanza(&wrapped(1))])
        .detached(&[key_stanza(&wrapped(2))])
        .key_file(2)
        .opened_by(FIRST)
}

/// SV2-ENV-035: the stream's own envelope only has to be there.
fn own() -> Vec<Case> {
    let case = |id, comment| base(id, &["SV2-ENV-035"], comment);
    vec![
        base(
            BASE,
            &["SV2-ENV-017", "SV2-ENV-035"],
            "The detached envelope is unwrapped, and not the own one.",
        ),
        case("unwrap-detached-own-torn", "The first half of the own envelope was overwritten.")
            .alter(|head| head[128..194].fill(0)),
        case("unwrap-detached-own-crc", "The CRC of the own envelope is wrong.").alter(|head| head[260] ^= 1),
        case("unwrap-detached-own-malformed", "The padding of the own envelope is not zero.")
            .stanzas(&[vec![0xFF, 0xFF, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]]),
        case("unwrap-detached-own-longer", "The own envelope is longer.")
            .stanzas(&[key_stanza(&wrapped(1)), padding(884)]),
        case("unwrap-detached-own-none", "The stream has no envelope of its own.")
            .plan(|plan| plan.envelope(Vec::new())),
        base("unwrap-detached-content-key", &["SV2-ENV-010"], "A content key is brought.")
            .alter(|head| head[128..194].fill(0))
            .content_key(content_key())
            .opened_directly(),
        case("unwrap-detached-own-cut", "The input ends inside the own envelope.")
            .alter(|head| head.truncate(200))
            .made(BASE, "the stream is cut at 200")
            .rejects("truncated", Some(200)),
        case("unwrap-detached-own-cut-in-crc", "The input ends inside the CRC of the own envelope.")
            .alter(|head| head.truncate(263))
            .made(BASE, "the stream is cut at 263")
            .rejects("truncated", Some(263)),
        case("unwrap-detached-own-header", "The own stream header is damaged.")
            .alter(|head| head[40] ^= 1)
            .made(BASE, "a bit of the stream header flipped")
            .rejects("malformed.header_crc", Some(124)),
    ]
}

/// The detached envelope, altered.
fn altered(
    id: &'static str,
    requirement: &'static str,
    comment: &'static str,
    mutation: &'static str,
    alter: fn(&mut Vec<u8>),
) -> Case {
    let stanzas = [key_stanza(&wrapped(2))];
    base(id, &[requirement], comment).detached_of(&stanzas, |plan| plan, alter).made(BASE, mutation)
}

/// SV2-ENV-017.
fn foreign() -> Vec<Case> {
    let stanzas = [key_stanza(&wrapped(2))];
    let foreign = |case: Case| case.rejects("key.detached_envelope", Some(0));
    vec![
        foreign(
            base("unwrap-detached-foreign", &["SV2-ENV-017"], "The detached envelope of another stream.")
                .detached_of(
                    &stanzas,
                    |plan| plan.header(|header| header.stream_salt = counting(0x90)),
                    |_| (),
                )
                .made(BASE, "another stream_salt in the detached envelope"),
        ),
        foreign(altered(
            "unwrap-detached-first-bytes",
            "SV2-ENV-017",
            "The last byte of key_id differs.",
            "byte 79 of the detached envelope, CRC repaired",
            |head| {
                head[79] ^= 1;
                repair_header(head);
            },
        )),
        foreign(altered(
            "unwrap-detached-header-tag",
            "SV2-ENV-017",
            "The last byte of header_tag differs.",
            "byte 111 of the detached envelope, CRC repaired",
            |head| {
                head[111] ^= 1;
                repair_header(head);
            },
        )),
    ]
}

fn damaged() -> Vec<Case> {
    vec![
        altered(
            "unwrap-detached-crc",
            "SV2-ENV-002",
            "The CRC of the detached envelope is wrong.",
            "a bit of the CRC flipped",
            |head| head[260] ^= 1,
        )
        .rejects("malformed.envelope_crc", Some(260)),
        altered(
            "unwrap-detached-cut",
            "SV2-ENV-001",
            "The detached envelope ends too early.",
            "cut at 263",
            |head| {
                head.truncate(263);
            },
        )
        .rejects("truncated", Some(263)),
        altered(
            "unwrap-detached-header-crc",
            "SV2-HDR-003",
            "The header of the detached envelope is damaged.",
            "a bit of the header flipped",
            |head| head[40] ^= 1,
        )
        .rejects("malformed.header_crc", Some(124)),
        altered(
            "unwrap-detached-trailing",
            "SV2-ENV-017",
            "A byte follows the detached envelope.",
            "a zero byte appended to the detached envelope",
            |head| head.push(0),
        )
        .rejects("trailing", Some(264)),
    ]
}

fn wrong() -> Vec<Case> {
    vec![
        base("unwrap-detached-wrong", &["SV2-ENV-025"], "The key file opens only the own envelope.")
            .brought(|brought| brought.key_files.clear())
            .key_file(1)
            .made(BASE, "the other key file is brought")
            .nothing_fits(),
        base("unwrap-detached-context", &["SV2-ENV-009"], "The context is another one.")
            .context(b"example/context")
            .made(BASE, "another context is brought")
            .wrong_key(),
    ]
}
