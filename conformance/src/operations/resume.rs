//! `resume`: an interrupted encryption, from its output, its journal and the source (§19.2).

use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::dump::{dump, hex_lines, made};
use crate::folder::Folder;
use crate::judge::{Judged, at_fault, fail, one_of, same_bytes};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Fault, Keys, Made, Stored};

/// A vector of the operation `resume`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The caller's keys and context.
    pub keys: Keys,
    /// The output of an interrupted writer.
    pub output: Stored,
    /// Its journal, or null if there is none.
    pub journal: Option<Stored>,
    /// The content of the source.
    pub source: Stored,
    /// `file` has a length and can be positioned. `pipe` is read from its beginning.
    pub source_kind: String,
    /// 16 bytes in hex, of the resumed run.
    pub run_salt: String,
    /// Whether the caller asks for index segments.
    pub index: bool,
    /// The only right answer.
    pub expect: ResumeExpect,
    /// The origin of the vector.
    pub made: Made,
}

/// The result of a resume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum ResumeExpect {
    /// The stream, sealed.
    Resumed {
        /// Every byte of it.
        output: Stored,
    },
    /// There is no stream yet. Nothing was committed, and a new one must be started.
    Nothing,
    /// Nothing is changed, and this error is reported.
    Reject(Fault),
}

/// The fields of a resume request.
#[derive(Serialize)]
pub(super) struct Fields<'a> {
    pub(super) keys: &'a Keys,
    pub(super) output: String,
    pub(super) journal: Option<String>,
    pub(super) source: String,
    pub(super) source_kind: &'a str,
    pub(super) run_salt: &'a str,
    pub(super) index: bool,
}

/// Asks for the rest of a stream. `right` is the whole stream, if there must be one.
pub(super) fn step<'a>(
    about: &'a About,
    fields: Fields<'a>,
    expect: ResumeExpect,
    right: Vec<u8>,
) -> Step<'a> {
    Step::new("resume", about, fields, move |peer, answer| judge(peer, &expect, &right, answer))
}

impl Operation for ResumeVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn stored(&self) -> Vec<&Stored> {
        [&self.output, &self.source].into_iter().chain(&self.journal).collect()
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(!matches!(self.expect, ResumeExpect::Reject(_)))
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = String::new();
        let _ = writeln!(text, "source: a {} of {} bytes", self.source_kind, self.source.len);
        let _ = writeln!(text, "run_salt: {}", self.run_salt);
        text += &made(&self.made);
        text += &dump("output", &folder.bytes(&self.output)?, None);
        if let Some(journal) = &self.journal {
            text += &hex_lines("journal", 0, &folder.bytes(journal)?, None, usize::MAX);
        }
        match &self.expect {
            ResumeExpect::Resumed { output } => {
                text += "expected: resumed, with every byte of\n";
                text += &dump("stream", &folder.bytes(output)?, None);
            }
            expect => {
                let _ = writeln!(text, "expected: {}", serde_json::to_string(expect)?);
            }
        }
        Ok(text)
    }

    fn steps<'a>(&'a self, folder: &Folder, _: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let right = match &self.expect {
            ResumeExpect::Resumed { output } => folder.bytes(output)?,
            _ => Vec::new(),
        };
        let fields = Fields {
            keys: &self.keys,
            output: folder.hex(&self.output)?,
            journal: self.journal.as_ref().map(|journal| folder.hex(journal)).transpose()?,
            source: folder.hex(&self.source)?,
            source_kind: &self.source_kind,
            run_salt: &self.run_salt,
            index: self.index,
        };
        take(step(&self.about, fields, self.expect.clone(), right));
        Ok(())
    }
}

fn judge(peer: &Peer, expect: &ResumeExpect, right: &[u8], answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["resumed", "nothing", "reject"])?;
    match (expect, result) {
        (ResumeExpect::Resumed { .. }, "resumed") => same_bytes(right, answer),
        (ResumeExpect::Nothing, "nothing") => Ok(()),
        (ResumeExpect::Reject(fault), "reject") => at_fault(peer, fault, answer),
        (ResumeExpect::Reject(fault), _) => fail(format!("{result}, expected reject ({})", fault.names())),
        (expect, _) => {
            let expected = if *expect == ResumeExpect::Nothing { "nothing" } else { "resumed" };
            fail(format!("{result} ({}), expected {expected}", answer.named_error()))
        }
    }
}
