//! §12.2: age files that open nothing. The identity of each is the right one.

use super::age::{BASE, base, ephemeral, to, wrap, x25519};
use super::{Case, PASSWORD, content_key};
use crate::generator::age::keys::{sealed, x25519_public, x25519_wrap_key};
use crate::generator::age::text::base64;
use crate::generator::age::{self, AgeFile, file_key};
use crate::generator::plaintext::counting;

/// scrypt (RFC 7914) with N = 2, r = 8, p = 1 of the password of all vectors and this salt.
/// Computed with OpenSSL.
const SCRYPT_SALT: u8 = 0x30;
const SCRYPT_KEY: [u8; 32] = [
    0xF7, 0x14, 0xC3, 0x94, 0x90, 0x15, 0xF2, 0x37, 0xB3, 0x15, 0xE7, 0x57, 0xDB, 0x2B, 0xBE, 0x9B, 0xF9,
    0xC4, 0x99, 0x60, 0x3A, 0x5D, 0xF9, 0x65, 0x31, 0x64, 0x61, 0xD5, 0xCC, 0xAD, 0x11, 0x6F,
];

pub(super) fn cases() -> Vec<Case> {
    [plaintexts(), passwords(), bytes(), headers(), stanzas(), payloads()].into_iter().flatten().collect()
}

fn of(
    id: &'static str,
    requirement: &'static str,
    comment: &'static str,
    mutation: &'static str,
    file: &[u8],
) -> Case {
    base(id, &[requirement], comment).age(file).made(BASE, mutation).fails()
}

/// SV2-ENV-015.
fn plaintexts() -> Vec<Case> {
    let case = |id, comment, plaintext: &[u8]| {
        let file = AgeFile::new(vec![wrap(1)], plaintext).bytes();
        of(id, "SV2-ENV-015", comment, "another plaintext of the age file", &file)
    };
    let longer = [&content_key()[..], &[0; 32]].concat();
    vec![
        case("unwrap-age-plaintext-0", "An empty plaintext.", &[]),
        case("unwrap-age-plaintext-31", "A plaintext of 31 bytes.", &longer[..31]),
        case("unwrap-age-plaintext-33", "A plaintext of 33 bytes.", &longer[..33]),
        case("unwrap-age-plaintext-64", "A plaintext of 64 bytes.", &longer),
    ]
}

/// SV2-ENV-021. A reader that runs scrypt opens the first, and never ends with the second.
fn passwords() -> Vec<Case> {
    let scrypt = |work: &str, key: &[u8; 32]| {
        let salt = base64(&counting::<16>(SCRYPT_SALT));
        age::stanza(&["scrypt", &salt, work], &sealed(key, &file_key()))
    };
    let case = |id, comment, stanzas| {
        let file = AgeFile::new(stanzas, &content_key()).bytes();
        let password = of(id, "SV2-ENV-021", comment, "another stanza in the age file", &file);
        password.password(PASSWORD)
    };
    vec![
        case("unwrap-age-scrypt", "The age file is for a password of age.", vec![scrypt("1", &SCRYPT_KEY)]),
        case(
            "unwrap-age-scrypt-costly",
            "Its password takes a terabyte of memory.",
            vec![scrypt("30", &[9; 32])],
        ),
        case(
            "unwrap-age-scrypt-beside",
            "A password of age may not be beside other recipients.",
            vec![scrypt("1", &SCRYPT_KEY), wrap(1)],
        ),
    ]
}

/// Bytes before and after the parts of a file.
fn bytes() -> Vec<Case> {
    let file = to(&[1]).bytes();
    let case = |id, comment, mutation, file: &[u8]| of(id, "SV2-ENV-009", comment, mutation, file);
    vec![
        case("unwrap-age-empty", "No byte at all.", "an empty age file", &[]),
        case("unwrap-age-armor", "The age file in its armor.", "the armor of age", &age::armored(&file)),
        case(
            "unwrap-age-trailing",
            "A byte after the age file.",
            "a zero byte appended to the age file",
            &[&file[..], &[0]].concat(),
        ),
        case(
            "unwrap-age-cut",
            "The age file lacks its last byte.",
            "the age file lacks a byte",
            &file[..file.len() - 1],
        ),
        case(
            "unwrap-age-cut-in-nonce",
            "The age file ends inside its nonce.",
            "the age file lacks 65 bytes",
            &file[..file.len() - 65],
        ),
        case(
            "unwrap-age-cut-in-header",
            "The age file ends inside its header.",
            "the first 100 bytes of the age file",
            &file[..100],
        ),
    ]
}

/// A header whose MAC is that of its bytes, except for the MAC itself.
fn headers() -> Vec<Case> {
    let case = |id, comment, mutation, file: &[u8]| of(id, "SV2-ENV-009", comment, mutation, file);
    let altered = |from: &str, to: &str| {
        let file = self::to(&[1]).bytes();
        let at = file.windows(from.len()).position(|window| window == from.as_bytes());
        at.map_or(Vec::new(), |at| [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat())
    };
    let mac = {
        let file = to(&[1]).bytes();
        let at = file.windows(5).position(|window| window == b"\n--- ").map_or(0, |at| at + 5);
        file[at..at + 43].to_vec()
    };
    let mac = String::from_utf8_lossy(&mac).into_owned();
    // 43 characters have 258 bits. Two are unused, and zero.
    let last = mac.chars().last().map_or('A', |last| char::from(last as u8 + 1));
    let mut flipped = mac.clone();
    flipped.replace_range(..1, if mac.starts_with('A') { "B" } else { "A" });
    vec![
        case(
            "unwrap-age-version",
            "Version 2 of age.",
            "another version of the age file",
            &AgeFile { version: "v2", ..to(&[1]) }.bytes(),
        ),
        case(
            "unwrap-age-mac",
            "The MAC of the header is wrong.",
            "a bit of the MAC flipped",
            &altered(&mac, &flipped),
        ),
        case(
            "unwrap-age-mac-not-canonical",
            "An unused bit of the MAC is set.",
            "the last character of the MAC",
            &altered(&mac, &format!("{}{last}", &mac[..42])),
        ),
        case(
            "unwrap-age-stanza-added",
            "A stanza was added to the header.",
            "a stanza before the others",
            &altered("v1\n", "v1\n-> x\n\n"),
        ),
        case(
            "unwrap-age-stanza-name",
            "The stanza is of a type that some program would open.",
            "another type of the stanza",
            &AgeFile { stanzas: vec![wrap(1).replace("X25519", "yubikey")], ..to(&[1]) }.bytes(),
        )
        .also("SV2-ENV-026"),
        case(
            "unwrap-age-no-stanza",
            "No stanza.",
            "no stanza in the age file",
            &AgeFile { stanzas: Vec::new(), ..to(&[1]) }.bytes(),
        ),
    ]
}

/// A stanza whose header has a right MAC.
fn stanzas() -> Vec<Case> {
    let case = |id, comment, stanza: String| {
        let file = AgeFile::new(vec![stanza], &content_key()).bytes();
        of(id, "SV2-ENV-009", comment, "the stanza of the age file", &file)
    };
    let (share, body) = x25519(1).wrapped(&ephemeral(1), &file_key());
    let text = base64(&share);
    let mut altered = body.clone();
    altered[31] ^= 1;
    // A share of low order: whoever sends it knows the secret.
    let zero = sealed(&x25519_wrap_key(&[0; 32], &[0; 32], &x25519_public(&x25519(1).0)), &file_key());
    // 43 characters have 258 bits. Two are unused, and zero.
    let unused = char::from(text.bytes().last().map_or(b'A', |last| last + 1));
    vec![
        case(
            "unwrap-age-stanza-body",
            "The wrapped file key is altered.",
            age::stanza(&["X25519", &text], &altered),
        ),
        case(
            "unwrap-age-stanza-33",
            "The wrapped file key has a byte more.",
            age::stanza(&["X25519", &text], &[&body[..], &[0]].concat()),
        ),
        case(
            "unwrap-age-stanza-argument",
            "A third argument.",
            age::stanza(&["X25519", &text, "more"], &body),
        ),
        case(
            "unwrap-age-stanza-share-31",
            "The share lacks a byte.",
            age::stanza(&["X25519", &base64(&share[..31])], &body),
        ),
        case(
            "unwrap-age-stanza-not-canonical",
            "An unused bit of the share is set.",
            age::stanza(&["X25519", &format!("{}{unused}", &text[..42])], &body),
        ),
        case(
            "unwrap-age-stanza-share-zero",
            "The share is zero, and so is the shared secret.",
            age::stanza(&["X25519", &base64(&[0; 32])], &zero),
        ),
    ]
}

fn payloads() -> Vec<Case> {
    let case = |id, comment, mutation, file: &[u8]| of(id, "SV2-ENV-009", comment, mutation, file);
    let flipped = |from_end: usize| {
        let mut file = to(&[1]).bytes();
        let at = file.len() - from_end;
        file[at] ^= 1;
        file
    };
    let halves = to(&[1]);
    let chunks = [halves.begin(), halves.chunk(0, 0, &content_key()), halves.chunk(1, 1, &[])];
    let another = AgeFile { file_key: counting(0x01), ..to(&[1]) };
    vec![
        case("unwrap-age-nonce", "The nonce is altered.", "a bit of the nonce flipped", &flipped(64)),
        case("unwrap-age-payload", "The payload is altered.", "a bit of the payload flipped", &flipped(48)),
        case("unwrap-age-tag", "The tag is altered.", "a bit of the tag flipped", &flipped(1)),
        case(
            "unwrap-age-not-final",
            "The chunk is not the last one.",
            "another nonce of the chunk",
            &AgeFile { last: 0, ..to(&[1]) }.bytes(),
        ),
        case(
            "unwrap-age-empty-chunk",
            "A chunk of 32 bytes, and an empty one at the end.",
            "an empty chunk after the other",
            &chunks.concat(),
        ),
        case(
            "unwrap-age-file-key",
            "The identity gets a file key that is not that of the file.",
            "another file key",
            &another.bytes(),
        ),
    ]
}
