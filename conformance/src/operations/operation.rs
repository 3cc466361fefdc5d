//! The common parts of every operation: rules of its vectors, and its steps for an adapter.

use std::io;

use serde::Serialize;

use crate::folder::Folder;
use crate::judge::{Judged, Judgement, Verdict};
use crate::protocol::{Answer, Peer, Request};
use crate::vector::{About, Keys, Stored};

/// A vector as one of its operation.
pub trait Operation {
    /// Returns the common fields of all vectors.
    fn about(&self) -> &About;

    /// Returns the vector whose input was changed, if the two differ in the fault alone.
    fn base(&self) -> Option<&str> {
        None
    }

    /// Returns whether it describes many inputs.
    fn is_recipe(&self) -> bool {
        false
    }

    /// Returns whether an implementation that lacks `feature` still has an answer.
    fn has_answer_without(&self, _feature: &str) -> bool {
        false
    }

    /// Returns the bytes that it holds or names.
    fn stored(&self) -> Vec<&Stored>;

    /// Returns its coverage of the requirements that it tests.
    fn coverage(&self) -> Coverage;

    /// Calls `report` for each rule of its operation, with whether the rule is broken.
    fn lint(&self, _report: &mut dyn FnMut(bool, &str)) {}

    /// Describes the vector for people.
    ///
    /// # Errors
    ///
    /// - if its bytes cannot be read.
    fn explain(&self, folder: &Folder) -> io::Result<String>;

    /// Passes every step to `take`, until that returns no answer.
    ///
    /// # Errors
    ///
    /// - if a blob cannot be read.
    /// - if the vector lacks the answer for a peer without one of its features.
    fn steps<'a>(&'a self, folder: &Folder, peer: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()>;
}

/// Takes a step and returns the answer if it was right.
pub type Take<'t, 'a> = dyn FnMut(Step<'a>) -> Option<Answer> + 't;

/// Compares an answer with the only right one.
pub type Expected<'a> = Box<dyn Fn(&Peer, &Answer) -> Judged + 'a>;

/// One request, and the only right answer to it.
pub struct Step<'a> {
    /// The description of this step of the vector for people: `delivery 7`, `bit 3 of byte 99`.
    pub which: String,
    /// The requirement that a wrong answer breaks, unless the answer names another one.
    pub breaks: Option<&'static str>,
    /// The same step for a program that reads one file, if the operation has that.
    pub one_shot: Option<OneShot<'a>>,
    line: Box<dyn Fn(u64) -> serde_json::Result<Vec<u8>> + 'a>,
    expected: Expected<'a>,
}

/// The input of a program in one-shot mode.
pub struct OneShot<'a> {
    /// The caller's keys and context.
    pub keys: &'a Keys,
    /// `strict` or `salvage`.
    pub mode: &'a str,
    /// The file.
    pub input: Vec<u8>,
}

impl<'a> Step<'a> {
    /// Returns a request for `op` with these fields and the judging of its answer.
    pub(super) fn new(
        op: &'static str,
        about: &'a About,
        fields: impl Serialize + 'a,
        expected: impl Fn(&Peer, &Answer) -> Judged + 'a,
    ) -> Self {
        let vector = &*about.id;
        Self {
            which: String::new(),
            breaks: None,
            one_shot: None,
            line: Box::new(move |id| serde_json::to_vec(&Request { op, id, vector, fields: &fields })),
            expected: Box::new(expected),
        }
    }

    pub(super) fn named(self, which: impl Into<String>) -> Self {
        Self { which: which.into(), ..self }
    }

    /// Returns the request with this number, without its line feed.
    ///
    /// # Errors
    ///
    /// - if it cannot be written as JSON.
    pub fn line(&self, id: u64) -> serde_json::Result<Vec<u8>> {
        (self.line)(id)
    }

    /// Judges an answer.
    #[must_use]
    pub fn judge(&self, peer: &Peer, answer: &Answer) -> Judgement {
        match &answer.skipped {
            Some(reason) => Judgement::new(Verdict::Skip, reason.clone()),
            None => (self.expected)(peer, answer).err().unwrap_or_else(Judgement::pass),
        }
    }
}

/// A vector's evidence for a requirement: that it is kept, that it is broken, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Something that keeps it is accepted.
    pub accepting: bool,
    /// Something that breaks it is rejected.
    pub rejecting: bool,
}

impl Coverage {
    /// Returns the coverage of an answer that accepts or rejects.
    #[must_use]
    pub fn of(accepting: bool) -> Self {
        Self { accepting, rejecting: !accepting }
    }

    /// Returns the coverage of both together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { accepting: self.accepting || other.accepting, rejecting: self.rejecting || other.rejecting }
    }
}
