//! `recover`: the committed part of an interrupted writer's output (§19.2 steps 3 to 7, §19.3,
//! §19.8).

use std::io;

use serde::{Deserialize, Serialize};

use crate::dump::{dump, hex_lines, made};
use crate::folder::Folder;
use crate::judge::{Judged, at_fault, fail, field, one_of};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Fault, Keys, Made, Stored};

/// A vector of the operation `recover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The caller's keys and context. Without a content key the operation is the one of §19.8.
    pub keys: Keys,
    /// The output of an interrupted writer.
    pub output: Stored,
    /// Its journal, or null if there is none.
    pub journal: Option<Stored>,
    /// The only right answer.
    pub expect: RecoverExpect,
    /// The origin of the vector.
    pub made: Made,
}

/// The result for an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum RecoverExpect {
    /// A stream and its committed part.
    Recovered {
        /// Committed segments, the final one included.
        segments: usize,
        /// Plaintext bytes in them.
        plaintext_len: usize,
        /// The offset of their end, which includes the stream header and the envelope.
        stream_len: usize,
        /// Whether the last of them is a final segment.
        sealed: bool,
        /// `none`, `used`, the detail for which the journal must not be used, `damaged` or `lost`.
        journal: String,
    },
    /// There is no stream yet. Nothing was committed.
    Nothing,
    /// Nothing is changed, and this error is reported.
    Reject(Fault),
}

#[derive(Serialize)]
struct Fields<'a> {
    keys: &'a Keys,
    output: String,
    journal: Option<String>,
}

/// Asks for the committed part of `output`.
pub(super) fn step<'a>(
    about: &'a About,
    keys: &'a Keys,
    output: String,
    journal: Option<String>,
    expect: RecoverExpect,
) -> Step<'a> {
    let fields = Fields { keys, output, journal };
    Step::new("recover", about, fields, move |peer, answer| judge(peer, &expect, answer))
}

impl Operation for RecoverVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn stored(&self) -> Vec<&Stored> {
        [&self.output].into_iter().chain(&self.journal).collect()
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(match &self.expect {
            // In all other cases the output is used, and the journal is not.
            RecoverExpect::Recovered { journal, .. } => matches!(journal.as_str(), "none" | "used"),
            RecoverExpect::Nothing => true,
            RecoverExpect::Reject(_) => false,
        })
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let fault = match &self.expect {
            RecoverExpect::Reject(fault) => fault.offset,
            _ => None,
        };
        let mut text = format!("expected: {}\n", serde_json::to_string(&self.expect)?);
        text += &made(&self.made);
        text += &dump("output", &folder.bytes(&self.output)?, fault);
        if let Some(journal) = &self.journal {
            text += &hex_lines("journal", 0, &folder.bytes(journal)?, None, usize::MAX);
        }
        Ok(text)
    }

    fn steps<'a>(&'a self, folder: &Folder, _: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let output = folder.hex(&self.output)?;
        let journal = self.journal.as_ref().map(|journal| folder.hex(journal)).transpose()?;
        take(step(&self.about, &self.keys, output, journal, self.expect.clone()));
        Ok(())
    }
}

fn judge(peer: &Peer, expect: &RecoverExpect, answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["recovered", "nothing", "reject"])?;
    match expect {
        RecoverExpect::Nothing if result == "nothing" => Ok(()),
        RecoverExpect::Nothing => fail(format!("{result}, expected nothing")),
        RecoverExpect::Reject(fault) if result == "reject" => at_fault(peer, fault, answer),
        RecoverExpect::Reject(fault) => fail(format!("{result}, expected reject ({})", fault.names())),
        RecoverExpect::Recovered { .. } if result != "recovered" => {
            fail(format!("{result} ({}), expected recovered", answer.named_error()))
        }
        RecoverExpect::Recovered { segments, plaintext_len, stream_len, sealed, journal } => {
            let numbers = [
                ("segments", *segments, &answer.segments),
                ("plaintext_len", *plaintext_len, &answer.plaintext_len),
                ("stream_len", *stream_len, &answer.stream_len),
            ];
            for (name, right, found) in numbers {
                let found = *field(name, found)?;
                if found != right as u64 {
                    return fail(format!("{name} {found}, expected {right}"));
                }
            }
            if field("sealed", &answer.sealed)? != sealed {
                return fail(format!("sealed {}, expected {sealed}", !sealed));
            }
            let found = field("journal", &answer.journal)?;
            if found == journal { Ok(()) } else { fail(format!("journal {found}, expected {journal}")) }
        }
    }
}
