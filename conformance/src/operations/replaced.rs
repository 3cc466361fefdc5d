//! Judges an envelope that replaced another one: by its place, by its stanzas, and by unwrapping
//! it.

use crate::broken::plain_unwrap;
use crate::brought::Brought;
use crate::brought::Form;
use crate::judge::{Judged, Judgement, Verdict, fail, field};
use crate::operations::rewrap::{RewrapExpect, RewrapVector};
use crate::protocol::Answer;

/// Bytes of a stream header, and of those that no replacement changes.
const HEADER_LEN: usize = 128;
const KEPT_LEN: usize = 112;
const ARGON2ID: u16 = 1;
const KEY: u16 = 3;
const PADDING: u16 = 0xFFFF;

/// What was there before.
pub(super) struct Old {
    pub(super) stream: Vec<u8>,
    pub(super) detached: Option<Vec<u8>>,
    pub(super) context: Vec<u8>,
}

/// Judges the answer of a tool that says that it has replaced the envelope.
pub(super) fn judge_new(vector: &RewrapVector, old: &Old, expect: &RewrapExpect, answer: &Answer) -> Judged {
    let RewrapExpect::Accept { content_key_id, stanzas, opens, opens_not } = expect else { return Ok(()) };
    let output = bytes("output", field("output", &answer.output)?)?;
    let new = place(vector.form, &old.stream, &output)?;
    judge_copy(vector, old, answer)?;
    let opened = |brought: &Brought| match vector.form {
        Form::Detached => plain_unwrap(&old.stream, Some(&output), &old.context, brought),
        Form::New | Form::InPlace => plain_unwrap(&output, None, &old.context, brought),
    };
    for brought in opens {
        match opened(brought) {
            Ok(found) if found == *content_key_id => {}
            Ok(found) => return fail(format!("content key {found}, expected {content_key_id}")),
            Err(error) => {
                return fail(format!("the new envelope is not opened by {}: {error}", named(brought)));
            }
        }
    }
    if let Some(brought) = opens_not.iter().find(|brought| opened(brought).is_ok()) {
        return fail(format!("the new envelope is still opened by {}", named(brought)));
    }
    judge_stanzas(vector, old, new, stanzas)
}

fn named(brought: &Brought) -> String {
    serde_json::to_string(brought).unwrap_or_default()
}

fn bytes(name: &str, digits: &str) -> Result<Vec<u8>, Judgement> {
    hex::decode(digits).map_err(|error| Judgement::new(Verdict::Garbage, format!("{name}: {error}")))
}

/// Returns the end of the envelope with its CRC.
fn end(stream: &[u8]) -> usize {
    let len =
        stream.get(KEPT_LEN..KEPT_LEN + 4).and_then(|len| len.try_into().ok()).map_or(0, u32::from_le_bytes);
    if len == 0 { HEADER_LEN } else { HEADER_LEN + 4 + len as usize }
}

/// Compares everything but the envelope, and returns the new one without its CRC.
fn place<'a>(form: Form, old: &[u8], new: &'a [u8]) -> Result<&'a [u8], Judgement> {
    let wrong = |what: &str| Judgement::new(Verdict::Fail, what);
    let (old_end, new_end) = (end(old), end(new));
    if new.len() < new_end || new[..KEPT_LEN] != old[..KEPT_LEN] {
        return Err(wrong("the output does not begin with bytes 0..112 of the stream and an envelope"));
    }
    let same = match form {
        Form::InPlace => new[..HEADER_LEN] == old[..HEADER_LEN] && new[new_end..] == old[old_end..],
        Form::New => new[new_end..] == old[old_end..],
        Form::Detached => new.len() == new_end,
    };
    match (same, form) {
        (true, _) => Ok(&new[HEADER_LEN..new_end.saturating_sub(4).max(HEADER_LEN)]),
        (false, Form::InPlace) => {
            Err(wrong("a byte outside the envelope and its CRC changed").breaking("SV2-ENV-030"))
        }
        (false, Form::New) => Err(wrong("the segments changed")),
        (false, Form::Detached) => Err(wrong("the envelope is followed by something")),
    }
}

/// Compares the copy of the old envelope.
fn judge_copy(vector: &RewrapVector, old: &Old, answer: &Answer) -> Judged {
    let right = match &old.detached {
        Some(detached) => &detached[..],
        None => &old.stream[..end(&old.stream)],
    };
    match (vector.keep_old, &answer.copy) {
        (false, None) => Ok(()),
        (false, Some(_)) => {
            fail("the copy of the old envelope is left").map_err(|wrong| wrong.breaking("SV2-ENV-032"))
        }
        (true, copy) if bytes("copy", field("copy", copy)?)? == right => Ok(()),
        (true, _) => fail("the copy is not the old envelope as a detached one")
            .map_err(|wrong| wrong.breaking("SV2-ENV-031")),
    }
}

/// Returns type and body of each stanza of an envelope that a reader has taken.
fn each(mut envelope: &[u8]) -> Vec<(u16, &[u8])> {
    let mut stanzas = Vec::new();
    while let Some((head, rest)) = envelope.split_first_chunk::<4>() {
        let len = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let Some((body, rest)) = rest.split_at_checked(len) else { break };
        stanzas.push((u16::from_le_bytes([head[0], head[1]]), body));
        envelope = rest;
    }
    stanzas
}

fn judge_stanzas(vector: &RewrapVector, old: &Old, new: &[u8], types: &[u16]) -> Judged {
    let stanzas = each(new);
    let found: Vec<u16> = stanzas.iter().map(|(kind, _)| *kind).filter(|kind| *kind != PADDING).collect();
    if found != types {
        return fail(format!("stanzas of the types {found:?}, expected {types:?}"));
    }
    let costs = vector.new.passwords.iter().map(|new| [new.memory_kib, new.passes, new.lanes]);
    for ((_, body), costs) in stanzas.iter().filter(|(kind, _)| *kind == ARGON2ID).zip(costs) {
        if body[32..44] != *costs.map(u32::to_le_bytes).as_flattened() {
            return fail("other Argon2id parameters than those asked for");
        }
    }
    // The salt of a key stanza comes after the id, and that of an argon2id stanza first.
    let salt = |(kind, body): &(u16, &[u8])| match *kind {
        KEY => body.get(16..48).map(<[u8]>::to_vec),
        ARGON2ID => body.get(..32).map(<[u8]>::to_vec),
        _ => None,
    };
    let before = &old.stream[HEADER_LEN..end(&old.stream).saturating_sub(4).max(HEADER_LEN)];
    let used: Vec<Vec<u8>> = each(before).iter().filter_map(salt).collect();
    if stanzas.iter().filter_map(salt).any(|salt| used.contains(&salt)) {
        return fail("the salt of an old stanza is used again");
    }
    Ok(())
}
