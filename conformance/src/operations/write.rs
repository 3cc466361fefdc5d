//! `write`: a stream, with every choice of the writer given (§2, property 8).

use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::dump::dump;
use crate::folder::Folder;
use crate::generator::plaintext::Pattern;
use crate::judge::{Judged, fail, named, one_of, same_bytes};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Keys, Made, Stored};

/// A vector of the operation `write`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The caller's keys and context.
    pub keys: Keys,
    /// Fields of the stream header and of the segment headers.
    pub parameters: Parameters,
    /// The runs, in order.
    pub runs: Vec<Run>,
    /// Offsets in the plaintext at which a flush ends a segment.
    pub flushes: Vec<usize>,
    /// The content of the source.
    pub plaintext: Pattern,
    /// The only right answer.
    pub expect: WriteExpect,
    /// The origin of the vector.
    pub made: Made,
}

/// The parameters of a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// A suite of §20.1.
    pub suite: u16,
    /// The flag UNIFORM.
    pub uniform: bool,
    /// 12 to 24.
    pub frame_size_log2: u8,
    /// S, in bytes.
    pub segment_size: u32,
    /// Segments in a key epoch.
    pub epoch_segments: u32,
    /// In bytes, or null if unknown.
    pub plaintext_len: Option<u64>,
    /// 32 bytes in hex.
    pub stream_salt: String,
    /// 16 bytes in hex.
    pub key_id: String,
    /// Stanzas in hex, without their CRC, or empty for no envelope.
    pub envelope: String,
    /// A digest of §20.4, of every segment.
    pub digest_alg: u16,
    /// Whether index segments are written.
    pub index: bool,
}

/// One run of a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The segment_index at which the run begins.
    pub first_segment: usize,
    /// 16 bytes in hex.
    pub run_salt: String,
}

/// The only right answer of a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum WriteExpect {
    /// The stream.
    Accept {
        /// Every byte of it.
        output: Stored,
    },
    /// The writer fails.
    Reject {
        /// `kind.detail`, one of these.
        error: Vec<String>,
    },
}

#[derive(Serialize)]
struct Fields<'a> {
    keys: &'a Keys,
    parameters: &'a Parameters,
    runs: &'a [Run],
    flushes: &'a [usize],
    plaintext: String,
}

impl Operation for WriteVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn stored(&self) -> Vec<&Stored> {
        match &self.expect {
            WriteExpect::Accept { output } => vec![output],
            WriteExpect::Reject { .. } => Vec::new(),
        }
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(matches!(self.expect, WriteExpect::Accept { .. }))
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = String::new();
        let _ = writeln!(text, "parameters: {}", serde_json::to_string(&self.parameters)?);
        let _ = writeln!(text, "runs: {}", serde_json::to_string(&self.runs)?);
        let _ = writeln!(text, "flushes: {:?}", self.flushes);
        match &self.expect {
            WriteExpect::Reject { error } => {
                let _ = writeln!(text, "expected: reject ({})", error.join(" or "));
            }
            WriteExpect::Accept { output } => {
                text += "expected: accept, with every byte of\n";
                text += &dump("output", &folder.bytes(output)?, None);
            }
        }
        Ok(text)
    }

    fn steps<'a>(&'a self, folder: &Folder, _: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let output = match &self.expect {
            WriteExpect::Accept { output } => folder.bytes(output)?,
            WriteExpect::Reject { .. } => Vec::new(),
        };
        let fields = Fields {
            keys: &self.keys,
            parameters: &self.parameters,
            runs: &self.runs,
            flushes: &self.flushes,
            plaintext: hex::encode(self.plaintext.bytes()),
        };
        take(Step::new("write", &self.about, fields, move |peer, answer| {
            judge(peer, &self.expect, &output, answer)
        }));
        Ok(())
    }
}

fn judge(peer: &Peer, expect: &WriteExpect, right: &[u8], answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["accept", "reject", "unsupported"])?;
    match (expect, result) {
        (WriteExpect::Accept { .. }, "accept") => same_bytes(right, answer),
        (WriteExpect::Reject { error }, "reject") => named(peer, error, answer.error.as_ref()),
        (WriteExpect::Accept { .. }, _) => fail(format!("{result}, expected accept")),
        (WriteExpect::Reject { error }, _) => {
            fail(format!("{result}, expected reject ({})", error.join(" or ")))
        }
    }
}
