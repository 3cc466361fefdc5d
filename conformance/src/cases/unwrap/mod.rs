//! §12.6: unlocking a stream with content keys, key files, identities and passwords.

pub(super) mod age;
mod age_files;
mod altered;
mod brought;
mod detached;
mod keys;
mod order;
mod passwords;

use std::collections::BTreeMap;

use crate::brought::{Brought, BroughtKey, Limits};
use crate::cases::export::{Blobs, about, fault, made, store};
use crate::generator::plaintext::counting;
use crate::generator::plan::Plan;
use crate::generator::primitives::crc32c;
use crate::generator::wire::envelope::{ARGON2ID, Argon2id, KEY, padding, stanza};
use crate::generator::wire::wrapping::{Wrapping, key_id};
use crate::operations::Vector;
use crate::operations::unwrap::{UnwrapExpect, UnwrapVector};

/// Offsets of the first stanzas, if those before them have 128 bytes of body each.
const FIRST: usize = 128;
const SECOND: usize = FIRST + 132;
const THIRD: usize = SECOND + 132;
/// The offset of header_tag.
const HEADER_TAG: usize = 80;

/// Alters all bytes of an input.
type Alter = Box<dyn Fn(&mut Vec<u8>)>;

/// An unwrap vector under construction.
struct Case {
    id: &'static str,
    requirements: Vec<&'static str>,
    features: Vec<&'static str>,
    comment: &'static str,
    plan: Plan,
    alter: Alter,
    detached: Option<(Plan, Alter)>,
    context: Vec<u8>,
    brought: Brought,
    limits: Limits,
    expect: Declared,
    without: Vec<(&'static str, Declared)>,
    base: Option<&'static str>,
    mutation: &'static str,
}

/// The only right answer.
#[derive(Clone, Copy)]
enum Declared {
    /// The content key comes from the stanza at this offset, or from the caller.
    Opens(Option<usize>),
    Rejects(&'static str, Option<usize>),
    Unsupported,
}

/// Returns all unwrap vectors, each with its area. Large inputs go to `blobs`.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<(String, Vector)> {
    let areas = [
        ("key", keys::cases()),
        ("key", altered::of_keys()),
        ("argon2id", passwords::cases()),
        ("argon2id", altered::of_passwords()),
        ("age", age::cases()),
        ("age", age_files::cases()),
        ("brought", brought::cases()),
        ("order", order::cases()),
        ("detached", detached::cases()),
    ];
    let mut vectors = Vec::new();
    for (area, cases) in areas {
        vectors.extend(cases.iter().map(|case| (area.to_owned(), case.export(blobs))));
    }
    vectors
}

/// Returns a case of a stream without an envelope, for which nothing is brought.
fn case(id: &'static str, requirements: &[&'static str], comment: &'static str) -> Case {
    Case {
        id,
        requirements: requirements.to_vec(),
        features: Vec::new(),
        comment,
        plan: Plan::flushed(&[]),
        alter: Box::new(|_| ()),
        detached: None,
        context: Vec::new(),
        brought: Brought::default(),
        limits: Limits::default(),
        expect: Declared::Opens(None),
        without: Vec::new(),
        base: None,
        mutation: "none",
    }
}

impl Case {
    /// Gives the stream an envelope, with as much padding as its length needs.
    fn stanzas(self, stanzas: &[Vec<u8>]) -> Self {
        let stanzas = padded(stanzas);
        self.plan(|plan| plan.envelope(stanzas))
    }

    fn plan(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.plan = change(self.plan);
        self
    }

    /// Alters the bytes of the stream, and repairs nothing.
    fn alter(mut self, alter: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.alter = Box::new(alter);
        self
    }

    /// Brings a detached envelope of the stream.
    fn detached(self, stanzas: &[Vec<u8>]) -> Self {
        self.detached_of(stanzas, |plan| plan, |_| ())
    }

    /// Brings a detached envelope of a changed stream, with altered bytes.
    fn detached_of(
        mut self,
        stanzas: &[Vec<u8>],
        change: impl FnOnce(Plan) -> Plan,
        alter: impl Fn(&mut Vec<u8>) + 'static,
    ) -> Self {
        let plan = change(self.plan.clone().envelope(padded(stanzas)));
        self.detached = Some((plan, Box::new(alter)));
        self
    }

    /// Gives the caller another context than that of the stream.
    fn context(mut self, context: &[u8]) -> Self {
        self.context = context.to_vec();
        self
    }

    fn content_key(mut self, key: [u8; 32]) -> Self {
        self.brought.content_keys.push(hex::encode(key));
        self
    }

    fn password(mut self, password: &[u8]) -> Self {
        self.brought.passwords.push(hex::encode(password));
        self
    }

    fn limits(mut self, memory_kib: Option<u32>, work_kib: Option<u64>) -> Self {
        self.limits = Limits { memory_kib, work_kib };
        self
    }

    fn argon2id(self) -> Self {
        self.feature("argon2id")
    }

    /// The answer needs a type of stanzas. A reader that lacks it implements none of the envelope.
    fn feature(mut self, feature: &'static str) -> Self {
        self.features.push(feature);
        self.without.push((feature, Declared::Unsupported));
        self
    }

    /// The answer needs no optional part.
    fn with_any_features(mut self) -> Self {
        self.features.clear();
        self.without.clear();
        self
    }

    /// The vector tests another requirement, too.
    fn also(mut self, requirement: &'static str) -> Self {
        self.requirements.push(requirement);
        self
    }

    fn brought(mut self, change: impl FnOnce(&mut Brought)) -> Self {
        change(&mut self.brought);
        self
    }

    /// A key that the caller brought opens the stream itself.
    fn opened_directly(mut self) -> Self {
        self.expect = Declared::Opens(None);
        self
    }

    fn unsupported(mut self) -> Self {
        self.expect = Declared::Unsupported;
        self
    }

    fn key_file(self, number: u8) -> Self {
        self.key_file_of(id(number), key(number))
    }

    fn key_file_of(mut self, id: [u8; 16], key: [u8; 32]) -> Self {
        self.brought.key_files.push(BroughtKey { id: hex::encode(id), key: hex::encode(key) });
        self
    }

    fn opened_by(mut self, stanza: usize) -> Self {
        self.expect = Declared::Opens(Some(stanza));
        self
    }

    fn rejects(mut self, error: &'static str, offset: Option<usize>) -> Self {
        self.expect = Declared::Rejects(error, offset);
        self
    }

    /// Nothing that was brought is for a stanza.
    fn nothing_fits(self) -> Self {
        self.rejects("misuse", None)
    }

    /// The content key or the context is wrong.
    fn wrong_key(self) -> Self {
        self.rejects("key.header_tag", Some(HEADER_TAG))
    }

    /// Nothing that was tried unwraps.
    fn fails(self) -> Self {
        self.rejects("key.envelope", Some(128))
    }

    fn made(mut self, base: &'static str, mutation: &'static str) -> Self {
        (self.base, self.mutation) = (Some(base), mutation);
        self
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        let bytes = |plan: &Plan, alter: &Alter| {
            let mut head = plan.clone().write().head;
            alter(&mut head);
            head
        };
        let without = self.without.iter();
        Vector::Unwrap(Box::new(UnwrapVector {
            about: about("unwrap", self.id, &self.requirements, &self.features, self.comment),
            context: hex::encode(&self.context),
            brought: self.brought.clone(),
            limits: self.limits,
            input: store(bytes(&self.plan, &self.alter), blobs),
            detached: self.detached.as_ref().map(|(plan, alter)| store(bytes(plan, alter), blobs)),
            expect: self.expected(self.expect),
            expect_without: without
                .map(|(feature, answer)| ((*feature).to_owned(), self.expected(*answer)))
                .collect::<BTreeMap<_, _>>(),
            made: made(self.base, self.mutation),
        }))
    }

    fn expected(&self, declared: Declared) -> UnwrapExpect {
        match declared {
            Declared::Opens(stanza) => {
                let content_key_id = hex::encode(key_id(&self.plan.content_key));
                UnwrapExpect::Accept { content_key_id, stanza }
            }
            Declared::Rejects(error, offset) => UnwrapExpect::Reject(fault(error, offset, None)),
            Declared::Unsupported => {
                UnwrapExpect::Unsupported(fault("unsupported.envelope", Some(128), None))
            }
        }
    }
}

/// Returns stanzas of a length that SV2-HDR-013 allows.
pub(super) fn padded(stanzas: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = stanzas.concat();
    if bytes.len() % 8 != 4 {
        bytes.extend(padding((8 - bytes.len() % 8) % 8));
    }
    bytes
}

/// Returns the content key of all streams here.
pub(super) fn content_key() -> [u8; 32] {
    counting(0)
}

/// Returns the key of a key file.
pub(super) fn key(number: u8) -> [u8; 32] {
    counting(0x80 + number)
}

pub(super) fn id(number: u8) -> [u8; 16] {
    key_id(&key(number))
}

/// Returns the content key of the stream, wrapped under the key of a key file.
pub(super) fn wrapped(number: u8) -> Wrapping {
    Wrapping::by_key(&key(number), id(number), counting(0x40 + number), content_key())
}

/// Returns the same with an id of zero.
pub(super) fn unnamed(number: u8) -> Wrapping {
    Wrapping::by_key(&key(number), [0; 16], counting(0x40 + number), content_key())
}

pub(super) fn key_stanza(wrapping: &Wrapping) -> Vec<u8> {
    stanza(KEY, &wrapping.body())
}

/// A password, and its costs: few, so that a run of the suite is fast.
pub(super) const PASSWORD: &[u8] = b"correct horse battery staple";
pub(super) const CHEAP: Argon2id = Argon2id { memory_kib: 64, passes: 3, lanes: 4, reserved: 0 };

/// Returns the content key of the stream, wrapped under a password.
pub(super) fn locked(password: &[u8], costs: &Argon2id) -> Wrapping {
    Wrapping::by_password(password, costs, counting(0x60), content_key())
}

pub(super) fn password_stanza(wrapping: &Wrapping) -> Vec<u8> {
    stanza(ARGON2ID, &wrapping.body())
}

/// Returns the same wrapping of a content key that does not open the stream.
pub(super) fn of_another(wrapping: &Wrapping) -> Wrapping {
    Wrapping { content_key: counting(0xE0), ..wrapping.clone() }
}

/// Computes the CRC of the stream header again.
fn repair_header(head: &mut [u8]) {
    let crc = crc32c(&head[..124]);
    head[124..128].copy_from_slice(&crc.to_le_bytes());
}
