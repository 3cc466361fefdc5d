//! §12.4: replacing an envelope.

use serde::Deserialize;

use super::header::{ARGON2ID, at};
use super::unlock::{Asked, each, unlock};
use super::{Bug, Refusal, number};
use crate::brought::{Brought, Limits};
use crate::brought::{Form, NewSet};
use crate::generator::age::keys::{hybrid_stanza, x25519_stanza};
use crate::generator::age::text::of_bech32;
use crate::generator::age::{AgeFile, file_key};
use crate::generator::plaintext::counting;
use crate::generator::primitives::crc32c;
use crate::generator::wire::envelope::{self, AGE, Argon2id, KEY, close, padding, stanza};
use crate::generator::wire::wrapping::Wrapping;

const FINAL_LEN: usize = 256;
const FINAL: u8 = 2;
/// The least that a writer may ask of Argon2id.
const LEAST: Argon2id = Argon2id::ORDINARY;

/// The request.
#[derive(Deserialize)]
pub(super) struct Request {
    context: String,
    brought: Brought,
    wraps_brought: bool,
    form: Form,
    keep_old: bool,
    new: NewSet,
    input: String,
    detached: Option<String>,
    journal: Option<String>,
}

/// The output, and the copy of the old envelope if it is left.
pub(super) type Replaced = (Vec<u8>, Option<Vec<u8>>);

fn misuse() -> Refusal {
    Refusal { error: "misuse", offset: None, segment: None }
}

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap_or_default()
}

/// Replaces the envelope of a stream.
pub(super) fn rewrap(bug: Bug<'_>, request: &Request) -> Result<Replaced, Refusal> {
    let detached = request.detached.as_deref().map(bytes);
    let asked = Asked::new(
        bytes(&request.input),
        detached,
        bytes(&request.context),
        &request.brought,
        Limits::default(),
    );
    let (content_key, opened_by) = unlock(bug, &asked)?;
    let input = &asked.input;
    bug.check("SV2-ENV-034", opened_by.is_some() || request.wraps_brought, misuse)?;
    let is_final = input.len() >= FINAL_LEN && input[input.len() - FINAL_LEN + 8] == FINAL;
    bug.check("SV2-ENV-033", is_final && request.journal.is_none(), misuse)?;
    let old_len = usize::try_from(number(input, 112, 4)).unwrap_or(0);
    let old_end = if old_len == 0 { 128 } else { 132 + old_len };
    let old = asked.detached.as_ref().map_or(&input[..old_end], |detached| &detached[..]);
    let mut stanzas = Wrapper { bug, content_key, old }.stanzas(&request.new)?;
    if bug.is("keeps-old-stanzas") {
        stanzas.extend_from_slice(&old[128..260]);
    }
    let mut output = match request.form {
        Form::InPlace => {
            fill(&mut stanzas, old_len)?;
            [&input[..128], &close(&stanzas), &input[old_end..]].concat()
        }
        Form::New => [head(input, &mut stanzas), input[old_end..].to_vec()].concat(),
        Form::Detached => head(input, &mut stanzas),
    };
    if bug.is("writes-beyond-the-envelope") && request.form == Form::InPlace {
        output[old_end] ^= 1;
    }
    let is_kept = request.keep_old || (bug.is("leaves-its-copy") && request.form == Form::InPlace);
    let from = if bug.is("copies-the-envelope-alone") { 128 } else { 0 };
    Ok((output, is_kept.then(|| old[from..].to_vec())))
}

/// Pads stanzas to the length of the old envelope.
fn fill(stanzas: &mut Vec<u8>, old_len: usize) -> Result<(), Refusal> {
    match old_len.checked_sub(stanzas.len()) {
        Some(0) => Ok(()),
        Some(room @ 4..) => {
            stanzas.extend(padding(room - 4));
            Ok(())
        }
        _ => Err(misuse()),
    }
}

/// Returns the stream header for another envelope, and that envelope.
fn head(input: &[u8], stanzas: &mut Vec<u8>) -> Vec<u8> {
    if stanzas.len() % 8 != 4 {
        stanzas.extend(padding((8 - stanzas.len() % 8) % 8));
    }
    let mut head = [&input[..112], &envelope::envelope_len(stanzas).to_le_bytes(), &[0; 8]].concat();
    head.extend(crc32c(&head).to_le_bytes());
    head.extend(close(stanzas));
    head
}

struct Wrapper<'a> {
    bug: Bug<'a>,
    content_key: [u8; 32],
    /// A stream header, and the old envelope.
    old: &'a [u8],
}

impl Wrapper<'_> {
    fn stanzas(&self, new: &NewSet) -> Result<Vec<u8>, Refusal> {
        let alone = new.passwords.is_empty()
            || (new.passwords.len() == 1 && new.key_files.is_empty() && new.recipients.is_empty());
        self.bug.check("SV2-ENV-005", alone, misuse)?;
        let mut stanzas = Vec::new();
        for password in &new.passwords {
            let [memory_kib, passes, lanes] = [password.memory_kib, password.passes, password.lanes];
            let asked = Argon2id { memory_kib, passes, lanes, reserved: 0 };
            let enough = memory_kib >= LEAST.memory_kib && passes >= LEAST.passes;
            self.bug.check("SV2-ENV-027", enough, misuse)?;
            let costs = self.old_costs().filter(|_| self.bug.is("takes-costs-of-the-old-envelope"));
            let costs = costs.unwrap_or(asked);
            let salt = counting(0xC0);
            let wrapped = Wrapping::by_password(&bytes(&password.password), &costs, salt, self.content_key);
            stanzas.extend(stanza(envelope::ARGON2ID, &wrapped.body()));
        }
        if !new.recipients.is_empty() {
            stanzas.extend(stanza(AGE, &self.age_file(&new.recipients)?));
        }
        for (file, first) in new.key_files.iter().zip(0xC1..) {
            let array = |digits: &str| bytes(digits).try_into().unwrap_or([0; 32]);
            let id = bytes(&file.id).try_into().unwrap_or([0; 16]);
            let wrapped = Wrapping::by_key(&array(&file.key), id, counting(first), self.content_key);
            stanzas.extend(stanza(KEY, &wrapped.body()));
        }
        if stanzas.is_empty() { Err(misuse()) } else { Ok(stanzas) }
    }

    fn age_file(&self, recipients: &[String]) -> Result<Vec<u8>, Refusal> {
        let wrapped = recipients.iter().zip(0xA1..).map(|(text, first)| {
            let ephemeral = counting(first);
            let x25519 = of_bech32("age", text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let hybrid = of_bech32("age1pq", text);
            match (x25519, hybrid) {
                (Some(recipient), _) => Ok(x25519_stanza(&recipient, &ephemeral, &file_key())),
                (None, Some(recipient)) => {
                    hybrid_stanza(&recipient, counting(first), &ephemeral, &file_key()).ok_or_else(misuse)
                }
                (None, None) => Err(misuse()),
            }
        });
        let file = AgeFile::new(wrapped.collect::<Result<_, _>>()?, &self.content_key).bytes();
        if file.len() > usize::from(u16::MAX) { Err(at("limit.envelope_len", 112)) } else { Ok(file) }
    }

    /// Returns the parameters of the old envelope.
    fn old_costs(&self) -> Option<Argon2id> {
        let old = self.old.get(128..self.old.len().saturating_sub(4))?;
        let (_, _, body) = each(old).find(|(_, kind, _)| *kind == ARGON2ID)?;
        let field = |at| u32::try_from(number(body, at, 4)).ok();
        Some(Argon2id { memory_kib: field(32)?, passes: field(36)?, lanes: field(40)?, reserved: 0 })
    }
}
