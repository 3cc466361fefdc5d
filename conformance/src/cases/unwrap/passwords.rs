//! §12.1: `argon2id` stanzas, and the limits of their parameters (§14).

use super::{CHEAP, Case, FIRST, PASSWORD, case, content_key, locked, of_another, password_stanza};
use crate::generator::wire::envelope::{Argon2id, padding};

/// The vector whose envelope or caller others change.
pub(super) const BASE: &str = "unwrap-argon2id";
const PARAMETERS: &str = "other parameters in the stanza, which wraps nothing";
const LIMITED: &str = "unwrap-argon2id-limits-met";

pub(super) fn cases() -> Vec<Case> {
    [opened(), wrong(), beyond(), limited()].into_iter().flatten().collect()
}

/// A stanza that the password opens.
pub(super) fn base(id: &'static str, requirements: &[&'static str], comment: &'static str) -> Case {
    with(id, requirements, comment, PASSWORD, CHEAP)
}

fn with(
    id: &'static str,
    requirements: &[&'static str],
    comment: &'static str,
    password: &[u8],
    costs: Argon2id,
) -> Case {
    case(id, requirements, comment)
        .argon2id()
        .stanzas(&[password_stanza(&locked(password, &costs))])
        .password(password)
        .opened_by(FIRST)
}

fn costs(memory_kib: u32, passes: u32, lanes: u32) -> Argon2id {
    Argon2id { memory_kib, passes, lanes, reserved: 0 }
}

fn opened() -> Vec<Case> {
    let rules = &["SV2-ENV-009", "SV2-ENV-013"];
    let limits = &["SV2-ENV-012"];
    let least = |id, comment, costs| with(id, limits, comment, PASSWORD, costs);
    vec![
        base(BASE, rules, "An argon2id stanza and its password."),
        least("unwrap-argon2id-least", "The smallest parameters.", costs(8, 1, 1)),
        least("unwrap-argon2id-lanes", "The most lanes, and the least memory for them.", costs(128, 1, 16)),
        least("unwrap-argon2id-passes", "The most passes.", costs(8, 16, 1)),
        least("unwrap-argon2id-odd", "Memory that is no multiple of four blocks a lane.", costs(75, 2, 3)),
        with("unwrap-argon2id-empty", rules, "An empty password.", b"", CHEAP),
        with("unwrap-argon2id-bytes", rules, "A password that is not text.", &[0xFF, 0, 0x0A], CHEAP),
        base(
            "unwrap-argon2id-padding",
            &["SV2-ENV-005", "SV2-ENV-006"],
            "An argon2id stanza beside padding.",
        )
        .stanzas(&[password_stanza(&locked(PASSWORD, &CHEAP)), padding(884)]),
        base("unwrap-argon2id-second", &["SV2-ENV-023"], "The first password is wrong, the second is not.")
            .brought(|brought| brought.passwords.insert(0, hex::encode("wrong"))),
    ]
}

fn wrong() -> Vec<Case> {
    let case = |id, comment| base(id, &["SV2-ENV-009"], comment);
    let only = |password: &'static [u8]| {
        move |brought: &mut super::Brought| brought.passwords = vec![hex::encode(password)]
    };
    let accent = "unwrap-argon2id-composed";
    vec![
        case("unwrap-argon2id-wrong", "Another password.")
            .brought(only(b"correct horse battery stapl"))
            .made(BASE, "another password is brought")
            .fails(),
        case("unwrap-argon2id-line-feed", "The password and a line feed.")
            .brought(only(b"correct horse battery staple\n"))
            .made(BASE, "another password is brought")
            .fails(),
        case("unwrap-argon2id-wrong-twice", "Two other passwords.")
            .brought(|brought| brought.passwords = vec![hex::encode("one"), hex::encode("two")])
            .made(BASE, "two other passwords are brought")
            .fails(),
        with(accent, &["SV2-ENV-009"], "A password with a composed accent.", "caf\u{e9}".as_bytes(), CHEAP),
        with(
            "unwrap-argon2id-decomposed",
            &["SV2-ENV-009"],
            "The same text with a decomposed accent is another password.",
            "caf\u{e9}".as_bytes(),
            CHEAP,
        )
        .brought(|brought| brought.passwords = vec![hex::encode("cafe\u{301}")])
        .made(accent, "the password is normalised")
        .fails(),
        case("unwrap-argon2id-wrong-context", "The content key comes out, and the context is another one.")
            .context(b"example/context")
            .made(BASE, "another context is brought")
            .wrong_key(),
        base(
            "unwrap-argon2id-no-other",
            &["SV2-ENV-024", "SV2-ENV-009"],
            "The first password gives a wrong content key. The second one is not tried.",
        )
        .stanzas(&[password_stanza(&of_another(&locked(PASSWORD, &CHEAP)))])
        .password(b"wrong")
        .made(BASE, "another content key is wrapped, and a second password is brought")
        .wrong_key(),
    ]
}

/// SV2-ENV-012: an error before Argon2id runs, with any password.
fn beyond() -> Vec<Case> {
    let case = |id, comment, costs: Argon2id| {
        let wrong = case(id, &["SV2-ENV-012"], comment).stanzas(&[costs.stanza()]);
        wrong.password(PASSWORD).made(BASE, PARAMETERS).rejects("limit.argon2id", Some(FIRST))
    };
    vec![
        case("unwrap-argon2id-memory-above", "1 KiB of memory above the limit.", costs(1_048_577, 1, 1)),
        case("unwrap-argon2id-memory-below", "1 KiB less than 8 for each lane.", costs(31, 3, 4)),
        case("unwrap-argon2id-passes-0", "No pass.", costs(64, 0, 4)),
        case("unwrap-argon2id-passes-17", "A pass above the limit.", costs(64, 17, 4)),
        case("unwrap-argon2id-lanes-0", "No lane.", costs(64, 3, 0)),
        case("unwrap-argon2id-lanes-17", "A lane above the limit.", costs(136, 3, 17)),
    ]
}

/// SV2-LIM-003: limits of the caller.
fn limited() -> Vec<Case> {
    let case = |id, comment| base(id, &["SV2-LIM-003"], comment);
    let refused = |id, comment| case(id, comment).rejects("limit.policy", Some(FIRST));
    vec![
        case(LIMITED, "Memory and work are exactly at the limits of the caller.").limits(Some(64), Some(192)),
        refused("unwrap-argon2id-limit-memory", "1 KiB of memory above the limit of the caller.")
            .limits(Some(63), Some(192))
            .made(LIMITED, "a lower limit"),
        refused("unwrap-argon2id-limit-work", "1 KiB of work above the limit of the caller.")
            .limits(Some(64), Some(191))
            .made(LIMITED, "a lower limit"),
        refused(
            "unwrap-argon2id-limit-first",
            "1 GiB in 16 passes: the limit is checked before Argon2id runs.",
        )
        .stanzas(&[costs(1_048_576, 16, 16).stanza()])
        .limits(Some(64), Some(192))
        .made(LIMITED, PARAMETERS),
        case("unwrap-argon2id-limit-unused", "Nothing is unwrapped, so the limit of the caller is not met.")
            .stanzas(&[costs(1_048_576, 16, 16).stanza()])
            .limits(Some(64), Some(192))
            .content_key(content_key())
            .with_any_features()
            .opened_directly(),
    ]
}
