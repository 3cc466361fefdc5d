//! §12.5: `key` stanzas, and the order in which key files are tried on them (§12.6).

use super::{
    Case, FIRST, SECOND, THIRD, case, content_key, id, key, key_stanza, of_another, unnamed, wrapped,
};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::{AGE, KEY, padding, stanza};
use crate::generator::wire::wrapping::Wrapping;

/// The vector whose envelope or caller others change.
pub(super) const BASE: &str = "unwrap-key";
const UNNAMED: &str = "unwrap-key-unnamed";
const REPEATED: &str = "unwrap-key-repeated";
const ANOTHER: &str = "another key is brought";

pub(super) fn cases() -> Vec<Case> {
    [opened(), tried(), wrong(), lengths(), beside()].into_iter().flatten().collect()
}

/// One stanza that the key file opens.
pub(super) fn base(id: &'static str, requirements: &[&'static str], comment: &'static str) -> Case {
    case(id, requirements, comment).stanzas(&[key_stanza(&wrapped(1))]).key_file(1).opened_by(FIRST)
}

fn opened() -> Vec<Case> {
    let rules = &["SV2-ENV-009", "SV2-ENV-019"];
    vec![
        base(BASE, rules, "A key stanza with the id of the key file."),
        case(UNNAMED, rules, "A key stanza whose id is zero is tried with every key file.")
            .stanzas(&[key_stanza(&unnamed(1))])
            .key_file(1)
            .opened_by(FIRST),
        case("unwrap-key-file-1", &["SV2-ENV-009"], "The id of a key file of version 1 can be any.")
            .stanzas(&[key_stanza(&Wrapping::by_key(&key(1), counting(0xC0), counting(0x41), content_key()))])
            .key_file_of(counting(0xC0), key(1))
            .opened_by(FIRST),
        base("unwrap-key-context", &["SV2-ENV-009"], "A stream with a context.")
            .plan(|plan| plan.context(b"example/context"))
            .context(b"example/context"),
    ]
}

/// SV2-ENV-023 and SV2-ENV-024.
fn tried() -> Vec<Case> {
    let case = |id, comment| case(id, &["SV2-ENV-023"], comment);
    let three = [1, 2, 3].map(|number| key_stanza(&wrapped(number)));
    vec![
        case(REPEATED, "Of three key stanzas, the third is for the key file.")
            .stanzas(&three)
            .key_file(3)
            .opened_by(THIRD),
        case("unwrap-key-second-file", "The first key does not unwrap, and the second one does.")
            .stanzas(&three[..2])
            .key_file_of(id(1), key(9))
            .key_file(2)
            .opened_by(SECOND),
        case("unwrap-key-second-file-fits", "Nothing is for the first key file.")
            .stanzas(&three)
            .key_file(9)
            .key_file(2)
            .opened_by(SECOND),
        case("unwrap-key-same-id", "Two stanzas have the id, and the second unwraps.")
            .stanzas(&[key_stanza(&Wrapping { root: [0; 32], ..wrapped(1) }), key_stanza(&wrapped(1))])
            .key_file(1)
            .opened_by(SECOND),
        case(
            "unwrap-key-unnamed-after-named",
            "The stanza with the id does not unwrap, and one without does.",
        )
        .stanzas(&[key_stanza(&Wrapping { root: [0; 32], ..wrapped(1) }), key_stanza(&unnamed(1))])
        .key_file(1)
        .opened_by(SECOND),
        case("unwrap-key-unnamed-repeated", "Two stanzas without an id, and the second unwraps.")
            .stanzas(&[key_stanza(&unnamed(2)), key_stanza(&unnamed(1))])
            .key_file(1)
            .opened_by(SECOND),
        case(
            "unwrap-key-named-first",
            "The stanza with the id comes before those without. The other gives a wrong content key.",
        )
        .stanzas(&[key_stanza(&of_another(&unnamed(1))), key_stanza(&wrapped(1))])
        .key_file(1)
        .opened_by(SECOND),
        case(
            "unwrap-key-files-in-order",
            "The caller's first key file is tried first. The other gives a wrong content key.",
        )
        .stanzas(&[key_stanza(&of_another(&wrapped(1))), key_stanza(&wrapped(2))])
        .key_file(2)
        .key_file(1)
        .opened_by(SECOND),
        super::case(
            "unwrap-key-no-other",
            &["SV2-ENV-024", "SV2-ENV-009"],
            "The first stanza gives a wrong content key. The second one is not tried.",
        )
        .stanzas(&[key_stanza(&of_another(&wrapped(1))), key_stanza(&wrapped(2))])
        .key_file(1)
        .key_file(2)
        .made("unwrap-key-files-in-order", "the key files are brought in the other order")
        .wrong_key(),
    ]
}

fn wrong() -> Vec<Case> {
    let case = |id, comment| base(id, &["SV2-ENV-009"], comment);
    let keys = |mut case: Case| {
        case.brought.key_files.clear();
        case
    };
    vec![
        keys(case("unwrap-key-wrong", "Another key has the id of the stanza."))
            .key_file_of(id(1), key(2))
            .made(BASE, ANOTHER)
            .fails(),
        keys(case("unwrap-key-wrong-twice", "Two keys with the id of the stanza, and both are wrong."))
            .key_file_of(id(1), key(2))
            .key_file_of(id(1), key(3))
            .made(BASE, "two other keys are brought")
            .fails(),
        keys(case("unwrap-key-unnamed-wrong", "The stanza has no id, and the key is another one."))
            .stanzas(&[key_stanza(&unnamed(1))])
            .key_file(2)
            .made(UNNAMED, ANOTHER)
            .fails(),
        case("unwrap-key-wrong-context", "The content key comes out, and the context is another one.")
            .context(b"example/context")
            .made(BASE, "another context is brought")
            .wrong_key(),
        case("unwrap-key-of-another-stream", "The stanza wraps the content key of another stream.")
            .stanzas(&[key_stanza(&of_another(&wrapped(1)))])
            .made(BASE, "another content key is wrapped")
            .wrong_key(),
        keys(base(
            "unwrap-key-for-another",
            &["SV2-ENV-025"],
            "The stanza is for another key file, although the key would unwrap it.",
        ))
        .key_file_of(id(2), key(1))
        .made(BASE, "the key file has another id")
        .nothing_fits(),
    ]
}

/// SV2-ENV-018.
fn lengths() -> Vec<Case> {
    let cut = |len: usize| {
        let mut body = wrapped(1).body();
        body.resize(len, 0);
        stanza(KEY, &body)
    };
    let rules = &["SV2-ENV-018", "SV2-ENV-008"];
    let alone = |id, comment, len| {
        base(id, rules, comment)
            .stanzas(&[cut(len)])
            .made(BASE, "another length of the key stanza")
            .unsupported()
    };
    vec![
        alone("unwrap-key-127", "A key stanza that lacks a byte is skipped, and no other is left.", 127),
        alone("unwrap-key-129", "A key stanza of a byte too many is skipped, and no other is left.", 129),
        base("unwrap-key-beside-127", &["SV2-ENV-018"], "A short key stanza is skipped.")
            .stanzas(&[cut(127), key_stanza(&wrapped(1))])
            .opened_by(FIRST + 131),
        base("unwrap-key-beside-129", &["SV2-ENV-018"], "A long key stanza is skipped.")
            .stanzas(&[cut(129), key_stanza(&wrapped(1))])
            .opened_by(FIRST + 133),
    ]
}

fn beside() -> Vec<Case> {
    vec![
        base("unwrap-key-beside-unknown", &["SV2-ENV-007"], "A stanza of unknown type is skipped.")
            .stanzas(&[key_stanza(&wrapped(1)), stanza(0x0100, &[7; 8])]),
        base("unwrap-key-beside-age", &["SV2-ENV-023"], "An age stanza, for which nothing is brought.")
            .stanzas(&[stanza(AGE, &[9; 8]), key_stanza(&wrapped(1))])
            .opened_by(FIRST + 12),
        base("unwrap-key-padding", &["SV2-ENV-006"], "Padding up to a length of §12.3.")
            .stanzas(&[key_stanza(&wrapped(1)), padding(884)]),
    ]
}
