//! Envelopes that are replaced.

use super::{Case, LEAST, base, brought_key, file, hybrid, identity, password, x25519};
use crate::brought::Brought;
use crate::brought::{Form, NewSet};
use crate::cases::unwrap::{CHEAP, PASSWORD, key_stanza, locked, password_stanza, unnamed, wrapped};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::{AGE, KEY, padding};

/// The vector whose stream or caller others change.
pub(super) const BASE: &str = "rewrap-in-place";

pub(super) fn cases() -> Vec<Case> {
    [forms(), copies(), sets(), passwords(), recipients(), brought()].into_iter().flatten().collect()
}

fn forms() -> Vec<Case> {
    let verified = &["SV2-ENV-028"];
    vec![
        base(BASE, &["SV2-ENV-028", "SV2-ENV-030"], "The new envelope overwrites the old one."),
        base("rewrap-new", verified, "Another stream, with an envelope of any length.").form(Form::New),
        base("rewrap-new-longer", verified, "The old envelope is too short for the new set.")
            .stanzas(&[key_stanza(&wrapped(1))])
            .form(Form::New)
            .to(two(), vec![file(2), file(3)], &[KEY, KEY]),
        base("rewrap-detached", verified, "The new envelope is a detached one.").form(Form::Detached),
        base(
            "rewrap-detached-longer",
            verified,
            "The detached envelope is longer than the stream's own one.",
        )
        .stanzas(&[key_stanza(&wrapped(1))])
        .form(Form::Detached)
        .to(two(), vec![file(2), file(3)], &[KEY, KEY]),
        Case {
            context: b"example/context".to_vec(),
            ..base("rewrap-context", verified, "A stream with a context.")
        }
        .plan(|plan| plan.context(b"example/context")),
    ]
}

fn two() -> NewSet {
    NewSet { key_files: vec![brought_key(2), brought_key(3)], ..NewSet::default() }
}

fn copies() -> Vec<Case> {
    let torn = |id, requirements: &[&'static str], comment, alter| {
        let case = base(id, requirements, comment);
        let detached = Some(case.plan.clone());
        Case { alter, detached, ..case }
    };
    vec![
        Case {
            keep_old: true,
            ..base("rewrap-keep-old", &["SV2-ENV-031"], "The copy of the old envelope is kept.")
        },
        base("rewrap-remove-old", &["SV2-ENV-032"], "The copy of the old envelope is removed."),
        torn(
            "rewrap-torn",
            &["SV2-ENV-035"],
            "The first half of the envelope was overwritten, and the copy is there.",
            |stream| stream[128..640].fill(0xFF),
        ),
        torn(
            "rewrap-torn-crc",
            &["SV2-ENV-035"],
            "The CRC of the envelope is wrong, and the copy is there.",
            |stream| stream[1148] ^= 1,
        ),
    ]
}

fn sets() -> Vec<Case> {
    let verified = &["SV2-ENV-028"];
    let same = NewSet { key_files: vec![brought_key(1)], ..NewSet::default() };
    let kept = NewSet { key_files: vec![brought_key(1), brought_key(2)], ..NewSet::default() };
    vec![
        base("rewrap-two-keys", verified, "The new envelope is for two keys.").to(
            two(),
            vec![file(2), file(3)],
            &[KEY, KEY],
        ),
        base("rewrap-same-key", verified, "The new envelope is for the key of the old one.")
            .to(same, vec![file(1)], &[KEY])
            .not_by(vec![file(2)]),
        base("rewrap-key-added", verified, "The new envelope is for the key of the old one and another.")
            .to(kept, vec![file(1), file(2)], &[KEY, KEY])
            .not_by(vec![file(3)]),
        base("rewrap-others-removed", verified, "The set is written anew: what others had is gone.")
            .stanzas(&[
                key_stanza(&wrapped(1)),
                key_stanza(&wrapped(3)),
                key_stanza(&unnamed(4)),
                padding(620),
            ])
            .not_by(vec![file(1), file(3), file(4)]),
    ]
}

fn passwords() -> Vec<Case> {
    let verified = &["SV2-ENV-028"];
    let old = [password_stanza(&locked(PASSWORD, &CHEAP)), padding(884)];
    vec![
        base("rewrap-to-password", &["SV2-ENV-027"], "The least that a password may cost.")
            .for_password(LEAST),
        base("rewrap-from-password", verified, "From a password to a key.")
            .needs("argon2id")
            .stanzas(&old)
            .brought(password())
            .not_by(vec![password()]),
        base("rewrap-password-again", &["SV2-ENV-029"], "The old envelope has a cheap password.")
            .stanzas(&old)
            .brought(password())
            .for_password(LEAST),
    ]
}

fn recipients() -> Vec<Case> {
    let (one, other) = (x25519(1), x25519(2));
    let set = |recipients: &[String]| NewSet { recipients: recipients.to_vec(), ..NewSet::default() };
    let rules = &["SV2-ENV-020", "SV2-ENV-028"];
    let both = NewSet { recipients: vec![one.recipient()], ..two() };
    vec![
        base("rewrap-age", rules, "For a recipient of age.").needs("age").to(
            set(&[one.recipient()]),
            vec![identity(one.identity())],
            &[AGE],
        ),
        base("rewrap-age-two", rules, "For two recipients of age.")
            .needs("age")
            .to(
                set(&[one.recipient(), other.recipient()]),
                vec![identity(one.identity()), identity(other.identity())],
                &[AGE],
            )
            .not_by(vec![file(1), identity(x25519(3).identity())]),
        base("rewrap-age-and-keys", rules, "For a recipient of age and two key files.").needs("age").to(
            both,
            vec![identity(one.identity()), file(2), file(3)],
            &[AGE, KEY, KEY],
        ),
        base("rewrap-age-hybrid", rules, "For a hybrid recipient.")
            .needs("age")
            .needs("age-mlkem768x25519")
            .form(Form::New)
            .to(set(&[hybrid().recipient()]), vec![identity(hybrid().identity())], &[AGE]),
    ]
}

/// SV2-ENV-034.
fn brought() -> Vec<Case> {
    let rules = &["SV2-ENV-034"];
    let wrong = Brought { content_keys: vec![hex::encode(counting::<32>(0xD0))], ..file(1) };
    vec![
        base("rewrap-brought", rules, "The caller says that no other stream has its content key.")
            .content_key()
            .wraps_brought(),
        base("rewrap-brought-plain", rules, "The same, and the stream has no envelope.")
            .plan(|plan| plan.envelope(Vec::new()))
            .form(Form::New)
            .content_key()
            .wraps_brought(),
        base(
            "rewrap-brought-wrong",
            rules,
            "The brought content key is wrong, and a stanza gives the right one.",
        )
        .brought(wrong),
    ]
}
