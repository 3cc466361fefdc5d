//! §12.6: the order in which keys, identities and passwords are tried.

use argon2::{Algorithm, Version};

use super::age::{AgeFile, Identity};
use super::header::{self, AGE, ARGON2ID, KEY, at, is_opened, wrong_key};
use super::{Bug, Refusal, number};
use crate::brought::{Brought, Limits};
use crate::generator::primitives::{hmac, open_xchacha};
use crate::generator::wire::envelope::Argon2id;
use crate::generator::wire::wrapping::{KEY_LABELS, Labels, PASSWORD_LABELS, argon2, derived};

/// As much memory as any vector has whose password is right. Nothing is gained by running Argon2id
/// with more.
const MEMORY_KIB_MAX: u64 = 65_536;

/// A request, decoded.
pub(super) struct Asked {
    pub(super) input: Vec<u8>,
    pub(super) detached: Option<Vec<u8>>,
    context: Vec<u8>,
    content_keys: Vec<[u8; 32]>,
    key_files: Vec<([u8; 16], [u8; 32])>,
    identities: Vec<Identity>,
    passwords: Vec<Vec<u8>>,
    limits: Limits,
}

impl Asked {
    pub(super) fn new(
        input: Vec<u8>,
        detached: Option<Vec<u8>>,
        context: Vec<u8>,
        brought: &Brought,
        limits: Limits,
    ) -> Self {
        let files = brought.key_files.iter();
        Self {
            input,
            detached,
            context,
            content_keys: brought.content_keys.iter().filter_map(|digits| array(digits)).collect(),
            key_files: files.filter_map(|file| Some((array(&file.id)?, array(&file.key)?))).collect(),
            identities: brought.identities.iter().filter_map(|text| Identity::parse(text)).collect(),
            passwords: brought.passwords.iter().filter_map(|digits| hex::decode(digits).ok()).collect(),
            limits,
        }
    }
}

fn array<const N: usize>(digits: &str) -> Option<[u8; N]> {
    hex::decode(digits).ok()?.try_into().ok()
}

/// A content key, and the offset of the stanza that gave it.
type Opened = ([u8; 32], Option<usize>);

/// Opens a stream header: steps 1 to 10 of §15.1.
pub(super) fn unlock(bug: Bug<'_>, asked: &Asked) -> Result<Opened, Refusal> {
    let given = asked.detached.as_ref().unwrap_or(&asked.input);
    let fields = header::fields(bug, given)?;
    let end = header::envelope(bug, given, fields.envelope_len, false)?;
    let stanzas = &given[128..end.saturating_sub(4).max(128)];
    let opened = Unlocking { bug, asked, given, stanzas }.tried()?;
    if let Some(detached) = &asked.detached {
        if detached.len() > end {
            return Err(at("trailing", end));
        }
        let own = header::fields(bug, &asked.input)?;
        let is_replaced = !bug.is("checks-the-replaced-envelope");
        header::envelope(bug, &asked.input, own.envelope_len, is_replaced)?;
        let same = detached[..112] == asked.input[..112];
        bug.check("SV2-ENV-017", same, || at("key.detached_envelope", 0))?;
    }
    let verified = is_opened(&asked.input, &opened.0, &asked.context);
    bug.check("SV2-ENV-009", verified || bug.is("SV2-ENV-028"), wrong_key)?;
    Ok(opened)
}

/// Returns the stanzas of an envelope: offset, type and body.
pub(super) fn each(stanzas: &[u8]) -> impl Iterator<Item = (usize, u64, &[u8])> {
    let mut place = 0;
    std::iter::from_fn(move || {
        let rest = stanzas.get(place..).filter(|rest| rest.len() >= 4)?;
        let len = usize::try_from(number(rest, 2, 2)).ok()?;
        let found = (128 + place, number(rest, 0, 2), rest.get(4..4 + len)?);
        place += 4 + len;
        Some(found)
    })
}

struct Unlocking<'a> {
    bug: Bug<'a>,
    asked: &'a Asked,
    /// The stream, or the detached envelope.
    given: &'a [u8],
    stanzas: &'a [u8],
}

impl Unlocking<'_> {
    /// Tries the rows of the table.
    fn tried(&self) -> Result<Opened, Refusal> {
        let opens = |key: &&[u8; 32]| is_opened(self.given, key, &self.asked.context);
        let named = |id: &[u8; 16]| self.stanzas.is_empty() || self.given[64..80] == *id;
        let direct: Vec<&[u8; 32]> =
            self.asked.key_files.iter().filter(|(id, _)| named(id)).map(|(_, key)| key).collect();
        let mut content_keys = self.asked.content_keys.iter().chain(direct.iter().copied());
        if let Some(key) = content_keys.clone().find(opens) {
            return Ok((*key, None));
        }
        let has_content_key = content_keys.next().is_some();
        let mut fits = false;
        if let Some(opened) = self.by_key_files(&mut fits).transpose() {
            return opened;
        }
        if let Some(opened) = self.by_identities(&mut fits).transpose() {
            return opened;
        }
        if let Some(opened) = self.by_passwords(&mut fits).transpose() {
            return opened;
        }
        let implements = |(_, kind, body)| matches!(kind, AGE | ARGON2ID) || self.is_key(kind, body);
        let implemented = self.each().any(implements);
        if !has_content_key && !self.stanzas.is_empty() && !implemented {
            return Err(at("unsupported.envelope", 128));
        }
        let misuse = || Refusal { error: "misuse", offset: None, segment: None };
        self.bug.check("SV2-ENV-025", has_content_key || fits, misuse)?;
        Err(if fits { at("key.envelope", 128) } else { wrong_key() })
    }

    fn each(&self) -> impl Iterator<Item = (usize, u64, &[u8])> {
        each(self.stanzas)
    }

    fn is_key(&self, kind: u64, body: &[u8]) -> bool {
        let any = self.bug.is("tries-keys-of-any-length") && !body.is_empty();
        kind == KEY && (body.len() == 128 || any)
    }

    /// Row 3.
    fn by_key_files(&self, fits: &mut bool) -> Result<Option<Opened>, Refusal> {
        for (id, key) in &self.asked.key_files {
            for wanted in [id, &[0; 16]] {
                let of_any = self.bug.is("takes-keys-of-any-id");
                let stanzas = self.each().filter(|(_, kind, body)| self.is_key(*kind, body));
                for (offset, _, body) in stanzas.filter(|(.., body)| of_any || body.starts_with(wanted)) {
                    *fits = true;
                    let mut body = body.to_vec();
                    body.resize(128, 0);
                    let root = hmac(&body[16..48], &[key]);
                    if let Some(opened) = self.opened(root, KEY_LABELS, &body, offset) {
                        return Ok(Some(opened));
                    }
                    if self.bug.is("stops-at-the-first-key") {
                        return Err(at("key.envelope", 128));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Rows 4 to 6.
    fn by_identities(&self, fits: &mut bool) -> Result<Option<Opened>, Refusal> {
        let Some((offset, _, body)) = self.each().find(|(_, kind, _)| *kind == AGE) else { return Ok(None) };
        *fits |= !self.asked.identities.is_empty();
        let Some(file) = AgeFile::parse(self.bug, body) else { return Ok(None) };
        for identity in &self.asked.identities {
            file.misbehave(self.bug)?;
            if let Some(content_key) = file.unwrap(self.bug, identity) {
                return Ok(Some((content_key, Some(offset))));
            }
            if self.bug.is("stops-at-the-first-identity") {
                break;
            }
        }
        Ok(None)
    }

    /// Row 7.
    fn by_passwords(&self, fits: &mut bool) -> Result<Option<Opened>, Refusal> {
        for password in &self.asked.passwords {
            for (offset, _, body) in
                self.each().filter(|(_, kind, body)| *kind == ARGON2ID && body.len() >= 128)
            {
                *fits = true;
                let [memory, passes, lanes] = [32, 36, 40].map(|at| number(body, at, 4));
                if self.bug.is("runs-argon2id-before-the-limit") && memory > MEMORY_KIB_MAX {
                    // As much as shows it.
                    std::hint::black_box(&vec![1_u8; 512 << 20]);
                }
                let Limits { memory_kib, work_kib } = self.asked.limits;
                let within = memory <= memory_kib.map_or(u64::MAX, u64::from)
                    && memory * passes <= work_kib.unwrap_or(u64::MAX);
                self.bug.check("SV2-LIM-003", within, || at("limit.policy", offset))?;
                let runs = memory <= MEMORY_KIB_MAX && passes > 0 && lanes > 0 && memory >= 8 * lanes;
                let root = runs.then(|| root_of(password, body)).flatten();
                let opened = root.and_then(|root| self.opened(root, PASSWORD_LABELS, body, offset));
                if opened.is_some() {
                    return Ok(opened);
                }
            }
        }
        Ok(None)
    }

    /// Opens the wrapped content key.
    fn opened(&self, root: [u8; 32], labels: Labels, body: &[u8], offset: usize) -> Option<Opened> {
        let [commitment, wrap] = derived(&root, labels, &body[..48]);
        let left_out = if labels == KEY_LABELS { "SV2-ENV-019" } else { "SV2-ENV-013" };
        if hmac(&commitment, &[&body[..48]]) != body[48..80] && !self.bug.is(left_out) {
            return None;
        }
        let mut content_key: [u8; 32] = body[80..112].try_into().ok()?;
        let held = open_xchacha(&wrap, [0; 24], &body[..80], &mut content_key, &body[112..128]);
        let goes_on = self.bug.is("tries-on-after-a-content-key")
            && !is_opened(&self.asked.input, &content_key, &self.asked.context);
        (held && !goes_on).then_some((content_key, Some(offset)))
    }
}

fn root_of(password: &[u8], body: &[u8]) -> Option<[u8; 32]> {
    let field = |at| u32::try_from(number(body, at, 4)).ok();
    let costs = Argon2id { memory_kib: field(32)?, passes: field(36)?, lanes: field(40)?, reserved: 0 };
    let salt: [u8; 32] = body[..32].try_into().ok()?;
    Some(argon2(Algorithm::Argon2id, Version::V0x13, password, &costs, &salt))
}
