//! `rewrap`: the envelope of a stream is replaced (§12.4). Nothing about the new one is fixed, so
//! it is judged by unwrapping it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::brought::{Brought, Form, NewSet};
use crate::dump::{dump, made};
use crate::folder::Folder;
use crate::judge::{Judged, same_result};
use crate::operations::answers::{explained, lint_made, lint_without, of_peer};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::operations::replaced::{Old, judge_new};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Fault, Made, Stored};

/// A vector of the operation `rewrap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewrapVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The context in hex.
    pub context: String,
    /// Everything that may open the stream.
    pub brought: Brought,
    /// Whether the caller says that no other stream has the content key (SV2-ENV-034).
    pub wraps_brought: bool,
    /// The way in which the envelope is replaced.
    pub form: Form,
    /// Whether the caller asks to keep the copy of the old envelope (SV2-ENV-032).
    pub keep_old: bool,
    /// For whom the content key is wrapped.
    pub new: NewSet,
    /// The stream.
    pub input: Stored,
    /// A detached envelope, or null if there is none.
    pub detached: Option<Stored>,
    /// The journal of the writer, or null if there is none.
    pub journal: Option<Stored>,
    /// The only right answer.
    pub expect: RewrapExpect,
    /// The only right answer of a tool that lacks a feature, by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_without: BTreeMap<String, RewrapExpect>,
    /// The origin of the vector.
    pub made: Made,
}

/// The result of replacing an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum RewrapExpect {
    /// The envelope was replaced.
    Accept {
        /// The id of the content key (Appendix C), in hex.
        content_key_id: String,
        /// The types of the new stanzas, without padding.
        stanzas: Vec<u16>,
        /// Each of these opens the stream with the new envelope.
        opens: Vec<Brought>,
        /// None of these opens it.
        opens_not: Vec<Brought>,
    },
    /// Nothing was changed.
    Reject(Fault),
    /// The tool implements no stanza of the old envelope.
    Unsupported(Fault),
}

impl RewrapExpect {
    fn accepts(&self) -> bool {
        matches!(self, Self::Accept { .. })
    }
}

#[derive(Serialize)]
struct Fields<'a> {
    context: &'a str,
    brought: &'a Brought,
    wraps_brought: bool,
    form: Form,
    keep_old: bool,
    new: &'a NewSet,
    input: String,
    detached: Option<String>,
    journal: Option<String>,
}

impl Operation for RewrapVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn base(&self) -> Option<&str> {
        self.made.base.as_deref()
    }

    fn has_answer_without(&self, feature: &str) -> bool {
        self.expect_without.contains_key(feature)
    }

    fn stored(&self) -> Vec<&Stored> {
        [&self.input].into_iter().chain(&self.detached).chain(&self.journal).collect()
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(self.expect.accepts())
    }

    fn lint(&self, report: &mut dyn FnMut(bool, &str)) {
        lint_made(&self.made, report);
        lint_without(&self.about, &self.expect_without, report);
        report(self.keep_old && self.form != Form::InPlace, "a copy of an envelope that is still there");
        if let RewrapExpect::Accept { opens, .. } = &self.expect {
            report(opens.is_empty(), "an envelope that nothing opens");
        }
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = String::new();
        let form = serde_json::to_string(&self.form)?;
        let _ = writeln!(text, "form: {form}, keep_old: {}", self.keep_old);
        let _ = writeln!(text, "brought: {}", serde_json::to_string(&self.brought)?);
        let _ = writeln!(text, "wraps_brought: {}", self.wraps_brought);
        let _ = writeln!(text, "new: {}", serde_json::to_string(&self.new)?);
        let _ = writeln!(text, "journal: {}", if self.journal.is_some() { "yes" } else { "none" });
        text += &explained(&self.expect, &self.expect_without)?;
        text += &made(&self.made);
        text += &dump("input", &folder.bytes(&self.input)?, None);
        if let Some(detached) = &self.detached {
            text += &dump("detached envelope", &folder.bytes(detached)?, None);
        }
        Ok(text)
    }

    fn steps<'a>(&'a self, folder: &Folder, peer: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let bytes = |stored: &Option<Stored>| stored.as_ref().map(|stored| folder.bytes(stored)).transpose();
        let old = Old {
            stream: folder.bytes(&self.input)?,
            detached: bytes(&self.detached)?,
            context: hex::decode(&self.context).map_err(io::Error::other)?,
        };
        let fields = Fields {
            context: &self.context,
            brought: &self.brought,
            wraps_brought: self.wraps_brought,
            form: self.form,
            keep_old: self.keep_old,
            new: &self.new,
            input: hex::encode(&old.stream),
            detached: old.detached.as_ref().map(hex::encode),
            journal: bytes(&self.journal)?.map(hex::encode),
        };
        let expect = of_peer(&self.about, (&self.expect, &self.expect_without), peer);
        let judge = move |peer: &Peer, answer: &Answer| self.judge(&old, peer, expect, answer);
        take(Step::new("rewrap", &self.about, fields, judge));
        Ok(())
    }
}

impl RewrapVector {
    fn judge(&self, old: &Old, peer: &Peer, expect: &RewrapExpect, answer: &Answer) -> Judged {
        let right = match expect {
            RewrapExpect::Accept { .. } => ("accept", None),
            RewrapExpect::Reject(fault) => ("reject", Some(fault)),
            RewrapExpect::Unsupported(fault) => ("unsupported", Some(fault)),
        };
        same_result(peer, "", right, answer)?;
        if expect.accepts() { judge_new(self, old, expect, answer) } else { Ok(()) }
    }
}
