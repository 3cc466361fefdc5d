//! `crash`: a writer is stopped, and its output is recovered and resumed (§18, §19).
//!
//! Each step uses the answer to the one before.

use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::dump::dump;
use crate::folder::Folder;
use crate::generator::plaintext::Pattern;
use crate::judge::{one_of, same_bytes};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::operations::recover::{self, RecoverExpect};
use crate::operations::resume::{self, ResumeExpect};
use crate::operations::write::Parameters;
use crate::protocol::Peer;
use crate::vector::{About, Keys, Made, Stored};

/// A vector of the operation `crash`, and of `recover` and `resume` after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The caller's keys and context.
    pub keys: Keys,
    /// Fields of the stream header and of the segment headers.
    pub parameters: Parameters,
    /// 16 bytes in hex, of the stopped run.
    pub run_salt: String,
    /// The content of the source.
    pub plaintext: Pattern,
    /// Bytes of output after which nothing more reaches the sink.
    pub stop_after: usize,
    /// 16 bytes in hex, of the resumed run.
    pub resume_salt: String,
    /// The only right answers.
    pub expect: CrashExpect,
    /// The origin of the vector.
    pub made: Made,
}

/// The output of a stopped writer, and the results of recovering and resuming it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashExpect {
    /// The output when it was stopped.
    pub left: Stored,
    /// The result of `recover` for that output and the writer's own journal.
    pub recovered: RecoverExpect,
    /// The result of `resume`. It is null if nothing was committed and a new stream must be
    /// started.
    pub resumed: Option<Stored>,
}

#[derive(Serialize)]
struct Fields<'a> {
    keys: &'a Keys,
    parameters: &'a Parameters,
    run_salt: &'a str,
    plaintext: String,
    stop_after: usize,
}

impl Operation for CrashVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn stored(&self) -> Vec<&Stored> {
        [&self.expect.left].into_iter().chain(&self.expect.resumed).collect()
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(true)
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = format!("parameters: {}\n", serde_json::to_string(&self.parameters)?);
        let recovered = serde_json::to_string(&self.expect.recovered)?;
        let _ = writeln!(text, "stopped after {} bytes; then: {recovered}", self.stop_after);
        if let Some(resumed) = &self.expect.resumed {
            text += &dump("resumed", &folder.bytes(resumed)?, None);
        }
        Ok(text)
    }

    fn steps<'a>(&'a self, folder: &Folder, _: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let plaintext = hex::encode(self.plaintext.bytes());
        let left = folder.bytes(&self.expect.left)?;
        let output = hex::encode(&left);
        let fields = Fields {
            keys: &self.keys,
            parameters: &self.parameters,
            run_salt: &self.run_salt,
            plaintext: plaintext.clone(),
            stop_after: self.stop_after,
        };
        let crash = Step::new("crash", &self.about, fields, move |_, answer| {
            one_of(&answer.result, &["crashed"]).and_then(|_| same_bytes(&left, answer))
        });
        let Some(crashed) = take(crash.named("crash")) else { return Ok(()) };
        let journal = crashed.journal;
        let mut found = self.expect.recovered.clone();
        // A writer without a journal is valid as well (§19.3).
        if let (RecoverExpect::Recovered { journal: fate, .. }, None) = (&mut found, &journal) {
            "none".clone_into(fate);
        }
        let recover = recover::step(&self.about, &self.keys, output.clone(), journal.clone(), found);
        if take(recover.named("recover")).is_none() {
            return Ok(());
        }
        let (expect, right) = match &self.expect.resumed {
            Some(resumed) => (ResumeExpect::Resumed { output: resumed.clone() }, folder.bytes(resumed)?),
            None => (ResumeExpect::Nothing, Vec::new()),
        };
        let fields = resume::Fields {
            keys: &self.keys,
            output,
            journal,
            source: plaintext,
            source_kind: "file",
            run_salt: &self.resume_salt,
            // If no index segment is committed yet, the caller must ask for index segments again.
            index: self.parameters.index,
        };
        take(resume::step(&self.about, fields, expect, right).named("resume"));
        Ok(())
    }
}
