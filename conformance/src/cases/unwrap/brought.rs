//! §12.6: what a caller brings, on streams with and without an envelope.

use super::{CHEAP, Case, FIRST, PASSWORD, case, content_key, id, key, key_stanza, locked, password_stanza};
use super::{unnamed, wrapped};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::{AGE, padding, stanza};
use crate::generator::wire::wrapping::key_id;

const CONTENT_KEY: &str = "unwrap-content-key";
const FILE: &str = "unwrap-file-plain";
const NOTHING: &str = "nothing that fits is brought";

pub(super) fn cases() -> Vec<Case> {
    [content_keys(), files(), nothing()].into_iter().flatten().collect()
}

/// A key that opens nothing.
fn wrong() -> [u8; 32] {
    counting(0xD0)
}

/// Row 1 of the table.
fn content_keys() -> Vec<Case> {
    let enveloped = |id, requirements: &[&'static str], comment| {
        case(id, requirements, comment).stanzas(&[key_stanza(&wrapped(1))])
    };
    let rules = &["SV2-ENV-010", "SV2-ENV-023"];
    vec![
        case("unwrap-content-key-plain", &["SV2-ENV-009"], "A content key, and no envelope.")
            .content_key(content_key()),
        enveloped(CONTENT_KEY, &["SV2-ENV-010"], "A content key: the envelope is not unwrapped.")
            .content_key(content_key()),
        enveloped("unwrap-content-key-first", rules, "A content key comes before a key file.")
            .key_file(1)
            .content_key(content_key()),
        enveloped("unwrap-content-key-second", rules, "The first content key is wrong, the second is not.")
            .content_key(wrong())
            .content_key(content_key()),
        enveloped("unwrap-content-key-then-file", rules, "The content key is wrong, and a key file unwraps.")
            .content_key(wrong())
            .key_file(1)
            .opened_by(FIRST),
        enveloped("unwrap-content-key-wrong", &["SV2-ENV-009"], "A wrong content key, and nothing else.")
            .content_key(wrong())
            .made(CONTENT_KEY, "another content key is brought")
            .wrong_key(),
        enveloped(
            "unwrap-content-key-and-file-wrong",
            &["SV2-ENV-009"],
            "A wrong content key, and a wrong key file that a stanza is for.",
        )
        .content_key(wrong())
        .key_file_of(id(1), key(2))
        .made(CONTENT_KEY, "another content key and another key are brought")
        .fails(),
        enveloped(
            "unwrap-content-key-and-file-unfit",
            &["SV2-ENV-009"],
            "A wrong content key, and a key file that no stanza is for.",
        )
        .content_key(wrong())
        .key_file(2)
        .made(CONTENT_KEY, "another content key and a key file are brought")
        .wrong_key(),
    ]
}

/// Row 2: key files on the stream itself.
fn files() -> Vec<Case> {
    let rules = &["SV2-ENV-023", "SV2-ENV-009"];
    let own = || key_id(&content_key());
    let named = |case: Case| case.plan(|plan| plan.header(|header| header.key_id = key_id(&content_key())));
    vec![
        case(FILE, rules, "No envelope: the key file has the content key.").key_file_of(own(), content_key()),
        case("unwrap-file-plain-second", rules, "No envelope: the second key file has the content key.")
            .key_file(1)
            .key_file_of(own(), content_key()),
        case("unwrap-file-plain-wrong", rules, "No envelope, and another key file.")
            .key_file(1)
            .made(FILE, "another key file is brought")
            .wrong_key(),
        named(case("unwrap-file-key-id", rules, "key_id names the key file, which has the content key."))
            .stanzas(&[padding(8)])
            .key_file_of(own(), content_key()),
        named(case("unwrap-file-key-id-first", rules, "The stream itself comes before a stanza."))
            .stanzas(&[key_stanza(&unnamed(1))])
            .key_file(1)
            .key_file_of(own(), content_key()),
        case(
            "unwrap-file-key-id-zero",
            &["SV2-ENV-008"],
            "The key file has the content key. key_id does not name it, and there is an envelope.",
        )
        .stanzas(&[padding(8)])
        .key_file_of(own(), content_key())
        .made("unwrap-file-key-id", "key_id is zero")
        .unsupported(),
        named(case("unwrap-file-key-id-wrong", rules, "key_id names the key file, which has another key."))
            .stanzas(&[padding(8)])
            .key_file_of(own(), wrong())
            .made("unwrap-file-key-id", "another key is brought")
            .wrong_key(),
    ]
}

fn nothing() -> Vec<Case> {
    let misuse = &["SV2-ENV-025"];
    let none = &["SV2-ENV-008"];
    let key = [key_stanza(&wrapped(1))];
    let password = [password_stanza(&locked(PASSWORD, &CHEAP))];
    vec![
        case("unwrap-nothing-plain", none, "Nothing is brought, and there is no envelope.")
            .made(FILE, NOTHING)
            .nothing_fits(),
        case("unwrap-password-plain", none, "A password is brought, and there is no envelope.")
            .password(PASSWORD)
            .made(FILE, NOTHING)
            .nothing_fits(),
        case("unwrap-nothing-key", misuse, "Nothing is brought, and there is a key stanza.")
            .stanzas(&key)
            .made("unwrap-key", NOTHING)
            .nothing_fits(),
        case("unwrap-password-key", misuse, "A password is brought, and there is a key stanza.")
            .stanzas(&key)
            .password(PASSWORD)
            .made("unwrap-key", NOTHING)
            .nothing_fits(),
        case("unwrap-file-argon2id", misuse, "A key file is brought, and there is an argon2id stanza.")
            .argon2id()
            .stanzas(&password)
            .key_file(1)
            .made("unwrap-argon2id", NOTHING)
            .nothing_fits(),
        case("unwrap-nothing-argon2id", misuse, "Nothing is brought, and there is an argon2id stanza.")
            .argon2id()
            .stanzas(&password)
            .made("unwrap-argon2id", NOTHING)
            .nothing_fits(),
        case("unwrap-file-age", misuse, "A key file is brought, and there is an age stanza.")
            .feature("age")
            .stanzas(&[stanza(AGE, &[9; 8])])
            .key_file(1)
            .made("unwrap-key", NOTHING)
            .nothing_fits(),
        case("unwrap-file-padding", none, "A key file is brought, and there is only padding.")
            .stanzas(&[padding(8)])
            .key_file(1)
            .made("unwrap-key", "another envelope")
            .unsupported(),
        case("unwrap-file-unknown", none, "A key file is brought, and there is only an unknown stanza.")
            .stanzas(&[stanza(0x0100, &[7; 8])])
            .key_file(1)
            .made("unwrap-key", "another envelope")
            .unsupported(),
    ]
}
