//! `unwrap`: a stream header is opened with keys and passwords (§12.6).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::brought::{Brought, Limits};
use crate::dump::{dump, made};
use crate::folder::Folder;
use crate::judge::{Judged, fail, field, same_result};
use crate::operations::answers::{explained, lint_made, lint_without, of_peer};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Fault, Made, Stored};

/// A vector of the operation `unwrap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnwrapVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The context in hex.
    pub context: String,
    /// Everything that may open the stream.
    pub brought: Brought,
    /// The caller's limits for Argon2id.
    pub limits: Limits,
    /// The beginning of a stream: header and envelope.
    pub input: Stored,
    /// A detached envelope, or null if there is none.
    pub detached: Option<Stored>,
    /// The only right answer.
    pub expect: UnwrapExpect,
    /// The only right answer of a reader that lacks a feature, by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_without: BTreeMap<String, UnwrapExpect>,
    /// The origin of the vector.
    pub made: Made,
}

/// The result of opening a stream header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum UnwrapExpect {
    /// header_tag verifies under a content key.
    Accept {
        /// The id of that key (Appendix C), in hex.
        content_key_id: String,
        /// The offset of the stanza that gave it, or null if the caller brought it.
        stanza: Option<usize>,
    },
    /// Nothing opens the stream, or it is refused before.
    Reject(Fault),
    /// The reader implements no stanza of the envelope.
    Unsupported(Fault),
}

impl UnwrapExpect {
    fn accepts(&self) -> bool {
        matches!(self, Self::Accept { .. })
    }

    fn offset(&self) -> Option<usize> {
        match self {
            Self::Accept { stanza, .. } => *stanza,
            Self::Reject(fault) | Self::Unsupported(fault) => fault.offset,
        }
    }
}

#[derive(Serialize)]
struct Fields<'a> {
    context: &'a str,
    brought: &'a Brought,
    limits: Limits,
    input: String,
    detached: Option<String>,
}

impl Operation for UnwrapVector {
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
        [&self.input].into_iter().chain(&self.detached).collect()
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(self.expect.accepts())
    }

    fn lint(&self, report: &mut dyn FnMut(bool, &str)) {
        lint_made(&self.made, report);
        lint_without(&self.about, &self.expect_without, report);
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = String::new();
        let _ = writeln!(text, "brought: {}", serde_json::to_string(&self.brought)?);
        let _ = writeln!(text, "limits: {}", serde_json::to_string(&self.limits)?);
        text += &explained(&self.expect, &self.expect_without)?;
        text += &made(&self.made);
        // The stanza that opens is in the detached envelope.
        let in_input = self.detached.is_none() || !self.expect.accepts();
        let offset = self.expect.offset();
        text += &dump("input", &folder.bytes(&self.input)?, offset.filter(|_| in_input));
        if let Some(detached) = &self.detached {
            text += &dump("detached envelope", &folder.bytes(detached)?, offset);
        }
        Ok(text)
    }

    fn steps<'a>(&'a self, folder: &Folder, peer: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let fields = Fields {
            context: &self.context,
            brought: &self.brought,
            limits: self.limits,
            input: folder.hex(&self.input)?,
            detached: self.detached.as_ref().map(|detached| folder.hex(detached)).transpose()?,
        };
        let expect = of_peer(&self.about, (&self.expect, &self.expect_without), peer);
        take(Step::new("unwrap", &self.about, fields, move |peer, answer| judge(peer, expect, answer)));
        Ok(())
    }
}

fn judge(peer: &Peer, expect: &UnwrapExpect, answer: &Answer) -> Judged {
    let right = match expect {
        UnwrapExpect::Accept { .. } => ("accept", None),
        UnwrapExpect::Reject(fault) => ("reject", Some(fault)),
        UnwrapExpect::Unsupported(fault) => ("unsupported", Some(fault)),
    };
    same_result(peer, "", right, answer)?;
    let UnwrapExpect::Accept { content_key_id, stanza } = expect else { return Ok(()) };
    let found = field("content_key_id", &answer.content_key_id)?;
    if found != content_key_id {
        return fail(format!("content key {found}, expected {content_key_id}"));
    }
    let expected = stanza.map(|offset| offset as u64);
    if answer.stanza == expected {
        return Ok(());
    }
    let say = |offset: Option<u64>| offset.map_or("none".to_owned(), |offset| offset.to_string());
    fail(format!("opened by stanza {}, expected {}", say(answer.stanza), say(expected)))
}
