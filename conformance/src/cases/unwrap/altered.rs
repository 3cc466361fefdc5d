//! §12.1 and §12.5: stanzas in which one thing was altered.

use argon2::{Algorithm, Version};

use super::{CHEAP, Case, PASSWORD, keys, locked, passwords, wrapped};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::{ARGON2ID, Argon2id, KEY, stanza};
use crate::generator::wire::wrapping::{KEY_LABELS, PASSWORD_LABELS, Wrapping, argon2};

/// A change of a body: the id of its vector, its rule, what was altered, and the first byte.
type Altered = (&'static str, &'static str, &'static str, usize);

const KEYS: [Altered; 5] = [
    ("unwrap-key-id-altered", "SV2-ENV-009", "The id was set to zero.", 0),
    ("unwrap-key-salt-altered", "SV2-ENV-009", "The salt was altered.", 16),
    ("unwrap-key-commitment-altered", "SV2-ENV-009", "The commitment was altered.", 79),
    ("unwrap-key-wrapped-altered", "SV2-ENV-009", "The wrapped content key was altered.", 80),
    ("unwrap-key-tag-altered", "SV2-ENV-009", "The tag of the wrapped content key was altered.", 127),
];

const PASSWORDS: [Altered; 4] = [
    ("unwrap-argon2id-salt-altered", "SV2-ENV-009", "The salt was altered.", 0),
    ("unwrap-argon2id-commitment-altered", "SV2-ENV-013", "The commitment was altered.", 48),
    ("unwrap-argon2id-wrapped-altered", "SV2-ENV-009", "The wrapped content key was altered.", 111),
    ("unwrap-argon2id-tag-altered", "SV2-ENV-009", "The tag of the wrapped content key was altered.", 112),
];

pub(super) fn of_keys() -> Vec<Case> {
    let case = |id, rule, comment, body: Vec<u8>, mutation| {
        keys::base(id, &[rule], comment).stanzas(&[stanza(KEY, &body)]).made(keys::BASE, mutation).fails()
    };
    let mut cases: Vec<Case> = KEYS
        .into_iter()
        .map(|(id, rule, comment, at)| {
            let mut body = wrapped(1).body();
            match at {
                0 => body[..16].fill(0),
                _ => body[at] ^= 1,
            }
            case(id, rule, comment, body, "a byte of the stanza was altered")
        })
        .collect();
    cases.push(case(
        "unwrap-key-commitment-sealed",
        "SV2-ENV-019",
        "The commitment is wrong, and the content key was wrapped with it: only a comparison shows it.",
        wrapped(1).body_with(|commitment| commitment[0] ^= 1),
        "the commitment was altered before the content key was wrapped",
    ));
    cases.push(case(
        "unwrap-key-labels",
        "SV2-ENV-009",
        "The labels are those of an argon2id stanza.",
        Wrapping { labels: PASSWORD_LABELS, ..wrapped(1) }.body(),
        "the labels of an argon2id stanza",
    ));
    cases
}

pub(super) fn of_passwords() -> Vec<Case> {
    let case = |id, rule, comment, body: Vec<u8>, mutation| {
        passwords::base(id, &[rule], comment)
            .stanzas(&[stanza(ARGON2ID, &body)])
            .made(passwords::BASE, mutation)
            .fails()
    };
    let mut cases: Vec<Case> = PASSWORDS
        .into_iter()
        .map(|(id, rule, comment, at)| {
            let mut body = locked(PASSWORD, &CHEAP).body();
            body[at] ^= 1;
            case(id, rule, comment, body, "a byte of the stanza was altered")
        })
        .collect();
    let parameters = [
        ("unwrap-argon2id-memory-altered", "The memory was altered.", 65, 3, 4),
        ("unwrap-argon2id-passes-altered", "The passes were altered.", 64, 2, 4),
        ("unwrap-argon2id-lanes-altered", "The lanes were altered.", 64, 3, 3),
    ];
    cases.extend(parameters.map(|(id, comment, memory_kib, passes, lanes)| {
        let mut body = locked(PASSWORD, &CHEAP).body();
        let altered = Argon2id { memory_kib, passes, lanes, reserved: 0 };
        body[..48].copy_from_slice(&altered.prefix(&counting(0x60)));
        case(id, "SV2-ENV-009", comment, body, "another parameter in the stanza")
    }));
    cases.push(case(
        "unwrap-argon2id-commitment-sealed",
        "SV2-ENV-013",
        "The commitment is wrong, and the content key was wrapped with it: only a comparison shows it.",
        locked(PASSWORD, &CHEAP).body_with(|commitment| commitment[31] ^= 0x80),
        "the commitment was altered before the content key was wrapped",
    ));
    cases.push(case(
        "unwrap-argon2id-labels",
        "SV2-ENV-009",
        "The labels are those of a key stanza.",
        Wrapping { labels: KEY_LABELS, ..locked(PASSWORD, &CHEAP) }.body(),
        "the labels of a key stanza",
    ));
    let hashes = [
        ("unwrap-argon2id-version", "Argon2id of version 0x10.", Algorithm::Argon2id, Version::V0x10),
        ("unwrap-argon2id-by-argon2i", "Argon2i instead of Argon2id.", Algorithm::Argon2i, Version::V0x13),
        ("unwrap-argon2id-by-argon2d", "Argon2d instead of Argon2id.", Algorithm::Argon2d, Version::V0x13),
    ];
    cases.extend(hashes.map(|(id, comment, algorithm, version)| {
        let root = argon2(algorithm, version, PASSWORD, &CHEAP, &counting(0x60));
        let body = Wrapping { root, ..locked(PASSWORD, &CHEAP) }.body();
        case(id, "SV2-ENV-009", comment, body, "the root is another hash of the password")
    }));
    cases
}
