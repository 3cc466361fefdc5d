//! §12.4: replacing the envelope of a stream, in each of the three forms.

mod refused;
mod replaced;

use std::collections::BTreeMap;

use crate::brought::{Brought, BroughtKey};
use crate::brought::{Form, NewPassword, NewSet};
use crate::cases::export::{Blobs, about, fault, made, store};
use crate::cases::unwrap::age::{hybrid, x25519};
use crate::cases::unwrap::{PASSWORD, content_key, id, key, key_stanza, padded, wrapped};
use crate::generator::plan::Plan;
use crate::generator::wire::envelope::{Argon2id, KEY, padding};
use crate::generator::wire::journal::Journal;
use crate::generator::wire::stream::Stream;
use crate::generator::wire::wrapping::key_id;
use crate::operations::Vector;
use crate::operations::rewrap::{RewrapExpect, RewrapVector};

/// The least that a writer may ask of Argon2id.
const LEAST: Argon2id = Argon2id::ORDINARY;

/// A rewrap vector under construction.
struct Case {
    id: &'static str,
    requirements: Vec<&'static str>,
    features: Vec<&'static str>,
    comment: &'static str,
    context: Vec<u8>,
    brought: Brought,
    wraps_brought: bool,
    form: Form,
    keep_old: bool,
    new: NewSet,
    plan: Plan,
    alter: fn(&mut Vec<u8>),
    detached: Option<Plan>,
    has_journal: bool,
    stanzas: Vec<u16>,
    opens: Vec<Brought>,
    opens_not: Vec<Brought>,
    error: Option<(&'static str, Option<usize>)>,
    base: Option<&'static str>,
    mutation: &'static str,
}

/// Returns all rewrap vectors, each with its area. Large inputs go to `blobs`.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<(String, Vector)> {
    let areas = [("replaced", replaced::cases()), ("refused", refused::cases())];
    let mut vectors = Vec::new();
    for (area, cases) in areas {
        vectors.extend(cases.iter().map(|case| (area.to_owned(), case.export(blobs))));
    }
    vectors
}

/// Returns a case of two segments and an envelope for key file 1, which is brought. Its new
/// envelope is for key file 2.
fn base(id: &'static str, requirements: &[&'static str], comment: &'static str) -> Case {
    Case {
        id,
        requirements: requirements.to_vec(),
        features: Vec::new(),
        comment,
        context: Vec::new(),
        brought: file(1),
        wraps_brought: false,
        form: Form::InPlace,
        keep_old: false,
        new: NewSet { key_files: vec![brought_key(2)], ..NewSet::default() },
        plan: Plan::flushed(&[100, 50]).envelope(padded(&[key_stanza(&wrapped(1)), padding(884)])),
        alter: |_| (),
        detached: None,
        has_journal: false,
        stanzas: vec![KEY],
        opens: vec![file(2)],
        opens_not: vec![file(1)],
        error: None,
        base: None,
        mutation: "none",
    }
}

fn brought_key(number: u8) -> BroughtKey {
    BroughtKey { id: hex::encode(id(number)), key: hex::encode(key(number)) }
}

/// Returns a key file as the only thing that is brought.
fn file(number: u8) -> Brought {
    Brought { key_files: vec![brought_key(number)], ..Brought::default() }
}

fn password() -> Brought {
    Brought { passwords: vec![hex::encode(PASSWORD)], ..Brought::default() }
}

fn identity(text: String) -> Brought {
    Brought { identities: vec![text], ..Brought::default() }
}

impl Case {
    fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    fn plan(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.plan = change(self.plan);
        self
    }

    fn stanzas(self, stanzas: &[Vec<u8>]) -> Self {
        let stanzas = padded(stanzas);
        self.plan(|plan| plan.envelope(stanzas))
    }

    /// Brings this, and nothing else.
    fn brought(mut self, brought: Brought) -> Self {
        self.brought = brought;
        self
    }

    fn content_key(mut self) -> Self {
        self.brought = Brought { content_keys: vec![hex::encode(content_key())], ..Brought::default() };
        self
    }

    fn wraps_brought(mut self) -> Self {
        self.wraps_brought = true;
        self
    }

    /// Makes the new envelope for this set. These open it then, and its stanzas have these types.
    fn to(mut self, new: NewSet, opens: Vec<Brought>, stanzas: &[u16]) -> Self {
        (self.new, self.opens, self.stanzas) = (new, opens, stanzas.to_vec());
        self
    }

    fn for_password(self, costs: Argon2id) -> Self {
        let Argon2id { memory_kib, passes, lanes, .. } = costs;
        let new = NewPassword { password: hex::encode(PASSWORD), memory_kib, passes, lanes };
        let new = NewSet { passwords: vec![new], ..NewSet::default() };
        self.needs("argon2id").to(new, vec![password()], &[1])
    }

    /// These do not open the new envelope.
    fn not_by(mut self, brought: Vec<Brought>) -> Self {
        self.opens_not = brought;
        self
    }

    /// A tool without the feature skips the vector.
    fn needs(mut self, feature: &'static str) -> Self {
        self.features.push(feature);
        self
    }

    fn rejects(mut self, error: &'static str, offset: Option<usize>) -> Self {
        self.error = Some((error, offset));
        self
    }

    fn misuse(self) -> Self {
        self.rejects("misuse", None)
    }

    fn made(mut self, base: &'static str, mutation: &'static str) -> Self {
        (self.base, self.mutation) = (Some(base), mutation);
        self
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        let stream = self.plan.clone().write();
        let mut input = stream.bytes();
        (self.alter)(&mut input);
        let journal = |stream: &Stream| Journal::of(stream, &[0, 1]).bytes();
        let journal = self.has_journal.then(|| store(journal(&stream), blobs));
        let expect = match self.error {
            Some((error, offset)) => RewrapExpect::Reject(fault(error, offset, None)),
            None => RewrapExpect::Accept {
                content_key_id: hex::encode(key_id(&self.plan.content_key)),
                stanzas: self.stanzas.clone(),
                opens: self.opens.clone(),
                opens_not: self.opens_not.clone(),
            },
        };
        Vector::Rewrap(Box::new(RewrapVector {
            about: about("rewrap", self.id, &self.requirements, &self.features, self.comment),
            context: hex::encode(&self.context),
            brought: self.brought.clone(),
            wraps_brought: self.wraps_brought,
            form: self.form,
            keep_old: self.keep_old,
            new: self.new.clone(),
            input: store(input, blobs),
            detached: self.detached.as_ref().map(|plan| store(plan.clone().write().head, blobs)),
            journal,
            expect,
            expect_without: BTreeMap::new(),
            made: made(self.base, self.mutation),
        }))
    }
}
