//! Envelopes that are not replaced: nothing is written.

use super::replaced::BASE;
use super::{Case, LEAST, base, brought_key, content_key, file, key, password};
use crate::brought::{Brought, BroughtKey};
use crate::brought::{Form, NewSet};
use crate::cases::unwrap::{key_stanza, of_another, wrapped};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::{Argon2id, padding};
use crate::generator::wire::wrapping::key_id;

pub(super) fn cases() -> Vec<Case> {
    [unlocked(), unfinished(), brought(), sets()].into_iter().flatten().collect()
}

fn unlocked() -> Vec<Case> {
    let tag = |case: Case| case.rejects("key.header_tag", Some(80));
    let foreign = |case: Case| {
        let another =
            |plan: crate::generator::plan::Plan| plan.header(|header| header.stream_salt = counting(0x90));
        let detached = Some(another(case.plan.clone()));
        Case { detached, ..case }
    };
    vec![
        tag(Case {
            context: b"example/context".to_vec(),
            ..base(
                "rewrap-wrong-context",
                &["SV2-ENV-028"],
                "The content key comes out under another context.",
            )
        })
        .made(BASE, "another context is brought"),
        tag(base("rewrap-of-another-stream", &["SV2-ENV-028"], "The stanza wraps another content key."))
            .stanzas(&[key_stanza(&of_another(&wrapped(1))), padding(884)])
            .made(BASE, "another content key is wrapped"),
        base("rewrap-wrong-key", &["SV2-ENV-009"], "Another key has the id of the stanza.")
            .brought(Brought {
                key_files: vec![BroughtKey { key: hex::encode(key(9)), ..brought_key(1) }],
                ..Brought::default()
            })
            .made(BASE, "another key is brought")
            .rejects("key.envelope", Some(128)),
        base("rewrap-nothing-fits", &["SV2-ENV-025"], "A password is brought, and there is a key stanza.")
            .brought(password())
            .made(BASE, "nothing that fits is brought")
            .misuse(),
        Case {
            alter: |stream| stream[1148] ^= 1,
            ..base("rewrap-torn-without-copy", &["SV2-ENV-002"], "The CRC is wrong, and there is no copy.")
        }
        .made(BASE, "a bit of the CRC flipped")
        .rejects("malformed.envelope_crc", Some(1148)),
        foreign(base("rewrap-by-foreign", &["SV2-ENV-017"], "The detached envelope of another stream."))
            .made("rewrap-torn-crc", "a detached envelope with another stream_salt")
            .rejects("key.detached_envelope", Some(0)),
    ]
}

/// SV2-ENV-033.
fn unfinished() -> Vec<Case> {
    let case = |id, comment| base(id, &["SV2-ENV-033"], comment).misuse();
    let cut = |case: Case| Case { alter: |stream| stream.truncate(stream.len() - 256), ..case };
    let mutation = "the final segment taken away";
    vec![
        cut(case("rewrap-unfinished", "The stream has no final segment.")).made(BASE, mutation),
        Case {
            alter: |stream| stream.truncate(stream.len() - 1),
            ..case("rewrap-unfinished-by-1", "The final segment lacks its last byte.")
        }
        .made(BASE, "the last byte taken away"),
        cut(case("rewrap-unfinished-detached", "A detached envelope of an unfinished output."))
            .form(Form::Detached)
            .made("rewrap-detached", mutation),
        Case {
            has_journal: true,
            ..case("rewrap-with-journal", "The stream is sealed, and its journal is there.")
        }
        .made(BASE, "a journal beside the output"),
    ]
}

/// SV2-ENV-034.
fn brought() -> Vec<Case> {
    let case = |id, comment| base(id, &["SV2-ENV-034"], comment).misuse();
    let own = BroughtKey { id: hex::encode(key_id(&content_key())), key: hex::encode(content_key()) };
    vec![
        case("rewrap-brought-unsaid", "A content key is brought, and other streams may have it.")
            .content_key()
            .made("rewrap-brought", "the caller does not say that no other stream has it"),
        case("rewrap-brought-unsaid-plain", "The same, and the stream has no envelope.")
            .plan(|plan| plan.envelope(Vec::new()))
            .form(Form::New)
            .content_key()
            .made("rewrap-brought-plain", "the caller does not say that no other stream has it"),
        case(
            "rewrap-brought-file",
            "The key of a key file is the content key, and other streams may have it.",
        )
        .plan(|plan| plan.envelope(Vec::new()))
        .form(Form::New)
        .brought(Brought { key_files: vec![own], ..Brought::default() })
        .made("rewrap-brought-plain", "a key file is brought"),
    ]
}

fn sets() -> Vec<Case> {
    let room = |id, comment| base(id, &["SV2-ENV-030"], comment).misuse();
    let two = NewSet { key_files: vec![brought_key(2), brought_key(3)], ..NewSet::default() };
    let cheap = |id, comment, memory_kib, passes| {
        base(id, &["SV2-ENV-027"], comment)
            .for_password(Argon2id { memory_kib, passes, ..LEAST })
            .made("rewrap-to-password", "a lower cost")
            .misuse()
    };
    let mut beside = base("rewrap-password-and-key", &["SV2-ENV-005"], "A password stands alone.")
        .for_password(LEAST)
        .made("rewrap-to-password", "a key file beside the password")
        .misuse();
    beside.new.key_files.push(brought_key(2));
    vec![
        room("rewrap-in-place-room", "The old envelope is too short for the new set.")
            .stanzas(&[key_stanza(&wrapped(1))])
            .to(two, vec![file(2), file(3)], &[])
            .made(BASE, "a shorter envelope, and two new keys"),
        room("rewrap-in-place-none", "There is no envelope to overwrite.")
            .plan(|plan| plan.envelope(Vec::new()))
            .content_key()
            .wraps_brought()
            .made("rewrap-brought", "no envelope"),
        cheap("rewrap-cheap-memory", "1 KiB of memory below the least.", 65_535, 3),
        cheap("rewrap-cheap-passes", "A pass below the least.", 65_536, 2),
        beside,
    ]
}
