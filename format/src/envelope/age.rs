//! §12.2 Stanza `age`: an age file whose plaintext is the content key.
//!
//! ```text
//! version line | "-> " stanza … | "---" mac | payload
//! payload: nonce (16) | content key (32) | tag (16)
//! ```
//!
//! This module counts the stanzas of an age file, in one pass, and looks for age's own passwords.
//! It opens and seals the payload, so that no other code gets the content key. A library for age
//! knows the rest: it makes and parses the header, and derives the key of the payload from it.

use alloc::vec::Vec;

use super::stanza::Stanza;
use super::wrapped::{WrappedKey, not_unwrapped};
use crate::crypto::{AGE_CHUNK_LEN, ContentKey, unwrap_from_age, wrap_in_age};
use crate::limits::AGE_STANZAS_MAX;
use crate::wire::StanzaType;
use crate::{Error, Misuse};

/// Bytes of the nonce that begins a payload.
const NONCE_LEN: usize = 16;

/// An age file with no more stanzas than a reader parses (§12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeView<'a> {
    file: &'a [u8],
    stanzas: u32,
}

impl<'a> AgeView<'a> {
    /// Returns the age file of an `age` stanza, or `None` if `stanza` is of another type.
    ///
    /// # Errors
    ///
    /// - `key.envelope` if the age file has too many stanzas, or a password of age.
    pub fn parse(stanza: &Stanza<'a>) -> Option<Result<Self, Error>> {
        let is_age = StanzaType::from_value(stanza.stanza_type) == Some(StanzaType::Age);
        is_age.then(|| Self::of_file(stanza.body))
    }

    fn of_file(file: &'a [u8]) -> Result<Self, Error> {
        let mut stanzas = 0;
        for stanza in stanzas_of(file) {
            stanzas += 1;
            //= spec/stream-v2.md#sv2-env-022
            //# A reader MUST report `key.envelope` for an age file of more than AGE_STANZAS_MAX
            //# (§14) stanzas before it parses them.
            //= spec/stream-v2.md#sv2-env-021
            //# A reader MUST NOT run scrypt for an age file in a stanza.
            if stanzas > AGE_STANZAS_MAX || is_scrypt(stanza) {
                return Err(not_unwrapped());
            }
        }
        Ok(Self { file, stanzas })
    }

    /// Returns the age file.
    #[must_use]
    pub const fn file(&self) -> &'a [u8] {
        self.file
    }

    /// Returns the number of its stanzas.
    #[must_use]
    pub const fn stanzas(&self) -> u32 {
        self.stanzas
    }

    /// Returns the first word of each of its stanzas: the types of its recipients.
    pub fn recipient_types(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        stanzas_of(self.file).map(first_word)
    }

    /// Returns the nonce of the payload.
    ///
    /// The key of the payload follows from it and from the file key:
    /// HKDF-SHA-256(ikm = file key, salt = nonce, info = "payload").
    ///
    /// # Errors
    ///
    /// - `key.envelope` if the plaintext of the payload does not have 32 bytes.
    pub fn payload_nonce(&self) -> Result<[u8; NONCE_LEN], Error> {
        self.payload().map(|(nonce, _)| nonce)
    }

    /// Returns the content key, which is the plaintext of the payload.
    ///
    /// The MAC of the header must be verified before.
    ///
    /// # Errors
    ///
    /// - `key.envelope` if the plaintext does not have 32 bytes, or the key of the payload is
    ///   another.
    pub fn unwrap(&self, payload_key: &[u8; 32]) -> Result<ContentKey, Error> {
        let (_, chunk) = self.payload()?;
        unwrap_from_age(payload_key, chunk).ok_or(not_unwrapped())
    }

    fn payload(&self) -> Result<([u8; NONCE_LEN], &'a [u8; AGE_CHUNK_LEN]), Error> {
        let payload = payload_of(self.file).ok_or(not_unwrapped())?;
        let (nonce, chunk) = payload.split_first_chunk().ok_or(not_unwrapped())?;
        //= spec/stream-v2.md#sv2-env-015
        //# A reader MUST report `key.envelope` where the plaintext of the age file is not exactly
        //# 32 bytes.
        Ok((*nonce, chunk.try_into().map_err(|_| not_unwrapped())?))
    }
}

impl WrappedKey {
    /// Takes an age file in binary form, whose plaintext is the content key (§12.2).
    ///
    /// # Errors
    ///
    /// - `misuse` if the age file has a password of age.
    /// - `key.envelope` if it has more stanzas than a reader parses.
    pub fn by_age(file: &[u8]) -> Result<Self, Error> {
        //= spec/stream-v2.md#sv2-env-020
        //# A writer MUST NOT write an age file with a `scrypt` stanza.
        if stanzas_of(file).any(is_scrypt) {
            return Err(Error::misuse(Misuse::AgeScrypt));
        }
        AgeView::of_file(file)?;
        Ok(Self::new(StanzaType::Age, file))
    }

    /// Wraps `content_key` in the age file that begins with `begin`: its header, and the nonce of
    /// its payload (§12.2).
    ///
    /// # Errors
    ///
    /// - the errors of [`by_age`](Self::by_age).
    /// - `key.envelope` if `begin` is something else, or the AEAD of this build cannot be set up.
    pub fn by_age_payload(
        begin: &[u8],
        payload_key: &[u8; 32],
        content_key: &ContentKey,
    ) -> Result<Self, Error> {
        if payload_of(begin).is_none_or(|payload| payload.len() != NONCE_LEN) {
            return Err(not_unwrapped());
        }
        let chunk = wrap_in_age(payload_key, content_key).ok_or(not_unwrapped())?;
        let file: Vec<u8> = [begin, &chunk].concat();
        Self::by_age(&file)
    }
}

/// Returns the bytes after the header of an age file: after the line that begins with `---`.
fn payload_of(file: &[u8]) -> Option<&[u8]> {
    let mut rest = file;
    loop {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let (line, after) = rest.split_at(end + 1);
        rest = after;
        if line.starts_with(b"---") {
            return Some(rest);
        }
    }
}

/// Returns the arguments of each stanza: the rest of its first line.
fn stanzas_of(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = file.split(|&byte| byte == b'\n').take_while(|line| !line.starts_with(b"---"));
    lines.filter_map(|line| line.strip_prefix(b"-> "))
}

fn first_word(arguments: &[u8]) -> &[u8] {
    arguments.split(|&byte| byte == b' ').next().unwrap_or_default()
}

fn is_scrypt(arguments: &[u8]) -> bool {
    first_word(arguments) == b"scrypt"
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::{Detail, Offset};

    fn parsed(file: &[u8]) -> Result<AgeView<'_>, Error> {
        AgeView::parse(&Stanza { stanza_type: 2, body: file, offset: Offset(128) }).unwrap()
    }

    fn file(stanzas: impl IntoIterator<Item = String>) -> Vec<u8> {
        let stanzas: String = stanzas.into_iter().map(|stanza| format!("-> {stanza}\nAAAA\n")).collect();
        format!("age-encryption.org/v1\n{stanzas}--- AAAA\n-> payload\n-> scrypt").into_bytes()
    }

    //= spec/stream-v2.md#sv2-env-022
    //= type=test
    //# A reader MUST report `key.envelope` for an age file of more than AGE_STANZAS_MAX (§14)
    //# stanzas before it parses them.
    #[test]
    fn stanzas_are_counted_up_to_the_limit() {
        let many = |count| file((0..count).map(|at| format!("X25519 {at}")));
        assert_eq!(parsed(&many(256)).unwrap().stanzas(), 256);
        assert_eq!(parsed(&many(257)).unwrap_err().detail(), Detail::KeyEnvelope);
        assert_eq!(WrappedKey::by_age(&many(257)).unwrap_err().detail(), Detail::KeyEnvelope);
        let two = file(["X25519 abc".into(), "ssh-ed25519 d e".into()]);
        let types: Vec<&[u8]> = parsed(&two).unwrap().recipient_types().collect();
        assert_eq!(types, [&b"X25519"[..], b"ssh-ed25519"]);
        assert_eq!(WrappedKey::by_age(&two).unwrap().body(), two);
    }

    //= spec/stream-v2.md#sv2-env-020
    //= type=test
    //# A writer MUST NOT write an age file with a `scrypt` stanza.
    //= spec/stream-v2.md#sv2-env-021
    //= type=test
    //# A reader MUST NOT run scrypt for an age file in a stanza.
    #[test]
    fn passwords_of_age_are_refused() {
        for stanza in ["scrypt", "scrypt c2FsdA 10"] {
            let password = file(["X25519 a".into(), stanza.into()]);
            assert_eq!(parsed(&password).unwrap_err().detail(), Detail::KeyEnvelope);
            let error = WrappedKey::by_age(&password).unwrap_err();
            assert_eq!(error.rule(), Some(Misuse::AgeScrypt));
        }
        assert!(parsed(&file(["scrypt2 a".into()])).is_ok());
    }

    //= spec/stream-v2.md#sv2-env-015
    //= type=test
    //# A reader MUST report `key.envelope` where the plaintext of the age file is not exactly 32
    //# bytes.
    #[test]
    fn payload_of_another_length_is_refused() {
        let begin = [&b"age-encryption.org/v1\n-> X25519 a\nAAAA\n--- AAAA\n"[..], &[7; 16]].concat();
        let key = ContentKey::new([1; 32]);
        let wrapped = WrappedKey::by_age_payload(&begin, &[2; 32], &key).unwrap();
        let body = wrapped.body();
        let view = parsed(body).unwrap();
        assert_eq!(view.payload_nonce(), Ok([7; 16]));
        assert_eq!(view.unwrap(&[2; 32]).unwrap().id(), key.id());
        assert_eq!(view.unwrap(&[3; 32]).unwrap_err().detail(), Detail::KeyEnvelope);
        for file in [&body[..body.len() - 1], &[body, b"x"].concat(), b"age-encryption.org/v1\n", b""] {
            let view = parsed(file).unwrap();
            assert_eq!(view.payload_nonce().unwrap_err().detail(), Detail::KeyEnvelope);
            assert_eq!(view.unwrap(&[2; 32]).unwrap_err().detail(), Detail::KeyEnvelope);
        }
        for begin in [&begin[..begin.len() - 1], &[&begin[..], b"x"].concat(), b"---", b""] {
            assert!(WrappedKey::by_age_payload(begin, &[2; 32], &key).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted_without_panic(bytes in prop::collection::vec(prop::sample::select(&b"->\n sx"[..]), 0..300)) {
            let (file, text) = (parsed(&bytes), String::from_utf8_lossy(&bytes));
            let lines = text.lines().take_while(|line| !line.starts_with("---"));
            let expected = lines.filter(|line| line.starts_with("-> ")).count();
            prop_assert_eq!(file.unwrap().stanzas() as usize, expected);
        }
    }
}
