//! §12.2: age files that identities open, and the order in which these are tried (§12.6).

use super::{
    CHEAP, Case, FIRST, PASSWORD, case, content_key, id, key, key_stanza, locked, of_another, wrapped,
};
use super::{Declared, password_stanza};
use crate::generator::age::keys::{Hybrid, Ssh, X25519};
use crate::generator::age::{self, AgeFile, file_key};
use crate::generator::plaintext::counting;
use crate::generator::wire::envelope::{AGE, padding, stanza};
use crate::generator::wire::wrapping::Wrapping;

/// The vector whose age file or caller others change.
pub(super) const BASE: &str = "unwrap-age";
/// The features of readers that have other identities than those of X25519.
const HYBRID: &str = "age-mlkem768x25519";
const SSH: &str = "age-ssh-ed25519";
const LIMIT: usize = 256;

pub(super) fn cases() -> Vec<Case> {
    [opened(), other_types(), tried(), wrong(), counted(), unfit(), beside_keys()]
        .into_iter()
        .flatten()
        .collect()
}

/// An age file for identity 1, which is brought.
pub(super) fn base(id: &'static str, requirements: &[&'static str], comment: &'static str) -> Case {
    of(id, requirements, comment, &to(&[1])).identity(1)
}

/// A case of a stream with an age file, for which nothing is brought.
fn of(id: &'static str, requirements: &[&'static str], comment: &'static str, file: &AgeFile) -> Case {
    case(id, requirements, comment).age(&file.bytes()).feature("age").opened_by(FIRST)
}

/// Returns an age file for some identities.
pub(in crate::cases) fn to(identities: &[u8]) -> AgeFile {
    let wrap = |number: &u8| wrap(*number);
    AgeFile::new(identities.iter().map(wrap).collect(), &content_key())
}

/// Returns an identity.
pub(in crate::cases) fn x25519(number: u8) -> X25519 {
    X25519(counting(0x10 * number + 3))
}

/// Returns the secret of the sender for an identity.
pub(super) fn ephemeral(number: u8) -> [u8; 32] {
    counting(0x90 + number)
}

/// Returns the stanza for an identity.
pub(super) fn wrap(number: u8) -> String {
    x25519(number).wrap(&ephemeral(number), &file_key())
}

pub(in crate::cases) fn hybrid() -> Hybrid {
    Hybrid(counting(0x21))
}

fn ssh() -> Ssh {
    Ssh(counting(0x31))
}

impl Case {
    /// Gives the stream an envelope of one age file.
    pub(super) fn age(self, file: &[u8]) -> Self {
        self.stanzas(&[stanza(AGE, file)])
    }

    pub(super) fn identity(self, number: u8) -> Self {
        self.identity_of(x25519(number).identity())
    }

    fn identity_of(self, text: String) -> Self {
        self.brought(|brought| brought.identities.push(text))
    }

    /// A reader without the feature named last has this answer.
    fn without(mut self, answer: Declared) -> Self {
        if let Some(last) = self.without.last_mut() {
            last.1 = answer;
        }
        self
    }

    /// A reader without the feature skips the vector: it cannot read the caller's identity.
    fn needs(mut self, feature: &'static str) -> Self {
        self.features.push(feature);
        self
    }
}

fn opened() -> Vec<Case> {
    let grease = |name: &str, len| age::stanza(&[name, "argument"], &counting::<64>(5)[..len]);
    let with = |id, requirements: &[&'static str], comment, stanzas| {
        of(id, requirements, comment, &AgeFile::new(stanzas, &content_key())).identity(1)
    };
    let rules = &["SV2-ENV-009", "SV2-ENV-015"];
    vec![
        base(BASE, rules, "An age file for an X25519 identity."),
        base("unwrap-age-padding", rules, "An age file beside padding.")
            .stanzas(&[stanza(AGE, &to(&[1]).bytes()), padding(700)]),
        of("unwrap-age-third", rules, "Three recipients, and the identity of the third.", &to(&[1, 2, 3]))
            .identity(3),
        with(
            "unwrap-age-beside-others",
            &["SV2-ENV-009", "SV2-ENV-026"],
            "Stanzas of other types before and after, which some programs would open.",
            vec![grease("example.com/enigma", 48), grease("yubikey", 0), wrap(1), grease("p256tag", 31)],
        ),
        base("unwrap-age-context", rules, "A stream with a context.")
            .plan(|plan| plan.context(b"example/context"))
            .context(b"example/context"),
        base("unwrap-age-detached", &["SV2-ENV-017"], "The age file is in a detached envelope.")
            .stanzas(&[key_stanza(&wrapped(1))])
            .detached(&[stanza(AGE, &to(&[1]).bytes())]),
    ]
}

fn other_types() -> Vec<Case> {
    let rules = &["SV2-ENV-009", "SV2-ENV-015"];
    let hybrid_file = || {
        let stanza = hybrid().wrap(counting(0xB0), &ephemeral(7), &file_key());
        AgeFile::new(vec![stanza], &content_key())
    };
    let ssh_file = || AgeFile::new(vec![ssh().wrap(&ephemeral(8), &file_key()), wrap(1)], &content_key());
    vec![
        of("unwrap-age-hybrid", rules, "An age file for a hybrid identity.", &hybrid_file())
            .identity_of(hybrid().identity())
            .needs(HYBRID),
        of(
            "unwrap-age-hybrid-second",
            &["SV2-ENV-023"],
            "The first identity is of another type, and the second opens.",
            &hybrid_file(),
        )
        .identity(1)
        .identity_of(hybrid().identity())
        .needs(HYBRID),
        of("unwrap-age-hybrid-wrong", &["SV2-ENV-009"], "Another hybrid identity.", &hybrid_file())
            .identity_of(Hybrid(counting(0x22)).identity())
            .needs(HYBRID)
            .made("unwrap-age-hybrid", "another identity is brought")
            .fails(),
        of("unwrap-age-hybrid-by-x25519", &["SV2-ENV-009"], "An X25519 identity.", &hybrid_file())
            .identity(1)
            .made("unwrap-age-hybrid", "another identity is brought")
            .fails(),
        of("unwrap-age-ssh", rules, "An age file for a key of OpenSSH, and another one.", &ssh_file())
            .identity_of(ssh().identity())
            .needs(SSH),
        of("unwrap-age-ssh-wrong", &["SV2-ENV-009"], "Another key of OpenSSH.", &ssh_file())
            .identity_of(Ssh(counting(0x32)).identity())
            .needs(SSH)
            .made("unwrap-age-ssh", "another identity is brought")
            .fails(),
    ]
}

/// SV2-ENV-023.
fn tried() -> Vec<Case> {
    let case = |id, comment, file: &AgeFile| of(id, &["SV2-ENV-023"], comment, file);
    let forged = x25519(1).wrap(&ephemeral(1), &counting(0x01));
    vec![
        case(
            "unwrap-age-second-identity",
            "The first identity opens nothing, the second does.",
            &to(&[1, 2]),
        )
        .identity(4)
        .identity(2),
        case("unwrap-age-both-identities", "Both identities open the age file.", &to(&[1, 2]))
            .identity(2)
            .identity(1),
        case(
            "unwrap-age-second-file-key",
            "The first identity gets a file key that is not that of the file.",
            &AgeFile::new(vec![forged, wrap(2)], &content_key()),
        )
        .identity(1)
        .identity(2),
        case("unwrap-age-after-content-key", "The content key is wrong, and the identity opens.", &to(&[1]))
            .content_key(counting(0xD0))
            .identity(1)
            .without(Declared::Rejects("key.header_tag", Some(super::HEADER_TAG))),
    ]
}

fn wrong() -> Vec<Case> {
    let case = |id, comment| of(id, &["SV2-ENV-009"], comment, &to(&[1]));
    vec![
        case("unwrap-age-wrong", "Another identity.")
            .identity(2)
            .made(BASE, "another identity is brought")
            .fails(),
        case("unwrap-age-wrong-twice", "Two other identities.")
            .identity(2)
            .identity(3)
            .made(BASE, "two other identities are brought")
            .fails(),
        case("unwrap-age-wrong-context", "The content key comes out, and the context is another one.")
            .identity(1)
            .context(b"example/context")
            .made(BASE, "another context is brought")
            .wrong_key(),
        of(
            "unwrap-age-of-another-stream",
            &["SV2-ENV-009"],
            "The age file has the content key of another stream.",
            &AgeFile::new(vec![wrap(1)], &counting::<32>(0xE0)),
        )
        .identity(1)
        .made(BASE, "another content key is in the age file")
        .wrong_key(),
        case("unwrap-age-content-key-wrong", "A wrong content key, and a wrong identity.")
            .content_key(counting(0xD0))
            .identity(2)
            .without(Declared::Rejects("key.header_tag", Some(super::HEADER_TAG)))
            .made(BASE, "a content key and another identity are brought")
            .fails(),
    ]
}

/// SV2-ENV-022.
fn counted() -> Vec<Case> {
    let case = |id, comment, file: &AgeFile| of(id, &["SV2-ENV-022"], comment, file).identity(1);
    let many = |others: usize, first: bool| {
        let mut stanzas = vec![age::stanza(&["x"], b""); others];
        stanzas.insert(if first { 0 } else { others }, wrap(1));
        AgeFile::new(stanzas, &content_key())
    };
    let begun = AgeFile { nonce: *b"\n-> a\n\n-> b\n\n-> ", ..many(LIMIT - 1, false) };
    let mutation = "another number of stanzas";
    vec![
        case("unwrap-age-256", "256 stanzas, and the last is for the identity.", &many(LIMIT - 1, false)),
        case("unwrap-age-256-and-payload", "256 stanzas, and a payload that looks like more.", &begun),
        case("unwrap-age-257", "257 stanzas, and the first is for the identity.", &many(LIMIT, true))
            .made("unwrap-age-256", mutation)
            .fails(),
        case("unwrap-age-9000", "9,000 stanzas, and the last is for the identity.", &many(8999, false))
            .made("unwrap-age-256", mutation)
            .fails(),
    ]
}

/// Identities and age files of which only one is there.
fn unfit() -> Vec<Case> {
    let misuse = &["SV2-ENV-025"];
    let none = &["SV2-ENV-008"];
    let nothing = "nothing that fits is brought";
    let file = || to(&[1]);
    vec![
        of("unwrap-age-nothing", misuse, "Nothing is brought, and there is an age file.", &file())
            .made(BASE, nothing)
            .nothing_fits(),
        of("unwrap-age-password", misuse, "A password is brought, and there is an age file.", &file())
            .password(PASSWORD)
            .made(BASE, nothing)
            .nothing_fits(),
        case("unwrap-identity-key", misuse, "An identity is brought, and there is a key stanza.")
            .stanzas(&[key_stanza(&wrapped(1))])
            .identity(1)
            .made("unwrap-key", nothing)
            .nothing_fits(),
        case("unwrap-identity-argon2id", misuse, "An identity is brought, and there is an argon2id stanza.")
            .argon2id()
            .stanzas(&[password_stanza(&locked(PASSWORD, &CHEAP))])
            .identity(1)
            .made("unwrap-argon2id", nothing)
            .nothing_fits(),
        case("unwrap-identity-plain", none, "An identity is brought, and there is no envelope.")
            .identity(1)
            .made("unwrap-file-plain", nothing)
            .nothing_fits(),
        case("unwrap-identity-padding", none, "An identity is brought, and there is only padding.")
            .stanzas(&[padding(8)])
            .identity(1)
            .made("unwrap-key", "another envelope")
            .unsupported(),
    ]
}

/// An age file and a `key` stanza. Key files come first.
fn beside_keys() -> Vec<Case> {
    let both = |wrapping: &Wrapping| [stanza(AGE, &to(&[1]).bytes()), key_stanza(wrapping)];
    let at = FIRST + both(&wrapped(1))[0].len();
    let fails = Declared::Rejects("key.envelope", Some(128));
    vec![
        case("unwrap-age-and-key", &["SV2-ENV-009"], "Key files come before identities.")
            .stanzas(&both(&wrapped(1)))
            .identity(1)
            .key_file(1)
            .opened_by(at),
        case("unwrap-age-key-wrong", &["SV2-ENV-023"], "The key does not unwrap, and the identity opens.")
            .stanzas(&both(&wrapped(1)))
            .feature("age")
            .without(fails)
            .identity(1)
            .key_file_of(id(1), key(2))
            .opened_by(FIRST),
        case("unwrap-age-key-unfit", &["SV2-ENV-023"], "The key file is for no stanza.")
            .stanzas(&both(&wrapped(1)))
            .feature("age")
            .without(Declared::Rejects("misuse", None))
            .identity(1)
            .key_file(2)
            .opened_by(FIRST),
        case(
            "unwrap-age-no-other",
            &["SV2-ENV-024", "SV2-ENV-009"],
            "The key file gives a wrong content key. The identity is not tried.",
        )
        .stanzas(&both(&of_another(&wrapped(1))))
        .identity(1)
        .key_file(1)
        .made("unwrap-age-and-key", "another content key in the key stanza")
        .wrong_key(),
    ]
}
