//! The JSON of a vector and of the manifest; `vectors/schema/` says the same for other languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plaintext::Pattern;

/// A vector of any operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Vector {
    /// Reads a stream.
    Read(Box<ReadVector>),
    /// Stops a writer, and goes on with what it left.
    Crash(Box<CrashVector>),
    /// Writes a stream.
    Write(Box<WriteVector>),
    /// Goes on with an interrupted writer's output.
    Resume(Box<ResumeVector>),
    /// Finds what is committed in an interrupted writer's output.
    Recover(Box<RecoverVector>),
}

/// What all vectors say of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Stable name.
    pub id: String,
    /// `read`, `write`, `crash`, `recover` or `resume`.
    pub operation: String,
    /// `MUST` or `SHOULD`.
    pub level: String,
    /// Requirements of the specification that the vector tests.
    pub requirements: Vec<String>,
    /// Optional parts that the reader or writer needs.
    pub features: Vec<String>,
    /// The fault or the property, in one sentence.
    pub comment: String,
}

/// A vector of the operation `read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadVector {
    /// What all vectors have.
    #[serde(flatten)]
    pub about: About,
    /// What the caller brings.
    pub keys: Keys,
    /// `strict` or `salvage`.
    pub mode: String,
    /// The stream; for a recipe, before it is changed.
    pub input: Stored,
    /// The plaintext whose prefixes are released.
    pub plaintext: Pattern,
    /// The only right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// The only right answer of a reader that lacks a feature, by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_without: BTreeMap<String, Expect>,
    /// Many inputs that are made from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
    /// Whether an error is reported again when the reader is asked again.
    pub sticky: bool,
    /// How the input is handed over.
    pub deliveries: Vec<String>,
    /// Where the vector comes from.
    pub made: Made,
}

/// A vector of the operation `write`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteVector {
    /// What all vectors have.
    #[serde(flatten)]
    pub about: About,
    /// What the caller brings.
    pub keys: Keys,
    /// Fields of the stream header and of the segment headers.
    pub parameters: Parameters,
    /// The runs, in order.
    pub runs: Vec<Run>,
    /// Offsets in the plaintext at which a flush ends a segment.
    pub flushes: Vec<usize>,
    /// What the source holds.
    pub plaintext: Pattern,
    /// The only right answer.
    pub expect: WriteExpect,
    /// Where the vector comes from.
    pub made: Made,
}

/// A vector of the operation `recover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverVector {
    /// What all vectors have.
    #[serde(flatten)]
    pub about: About,
    /// What the caller brings; without a content key, §19.8 is meant.
    pub keys: Keys,
    /// The output of an interrupted writer.
    pub output: Stored,
    /// Its journal; null where there is none.
    pub journal: Option<Stored>,
    /// The only right answer.
    pub expect: RecoverExpect,
    /// Where the vector comes from.
    pub made: Made,
}

/// A vector of the operation `resume`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeVector {
    /// What all vectors have.
    #[serde(flatten)]
    pub about: About,
    /// What the caller brings.
    pub keys: Keys,
    /// The output of an interrupted writer.
    pub output: Stored,
    /// Its journal; null where there is none.
    pub journal: Option<Stored>,
    /// What the source holds.
    pub source: Stored,
    /// `file`: it has a length, and can be positioned. `pipe`: it is read from its beginning.
    pub source_kind: String,
    /// 16 bytes in hex, of the run that goes on.
    pub run_salt: String,
    /// The only right answer.
    pub expect: ResumeExpect,
    /// Where the vector comes from.
    pub made: Made,
}

/// What comes of going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum ResumeExpect {
    /// The stream, sealed.
    Resumed {
        /// Every byte of it.
        output: Stored,
    },
    /// No stream yet: nothing was committed, and a new one is to be started.
    Nothing,
    /// Nothing is changed, and this is reported.
    Reject {
        /// `kind.detail`; one of these.
        error: Vec<String>,
        /// From the start of the stream, or of the source for `journal.source`.
        offset: Option<usize>,
        /// Number of segments before the fault; null in the stream header and in the source.
        segment: Option<usize>,
    },
}

/// A vector of the operation `crash`, and of `recover` and `resume` after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashVector {
    /// What all vectors have.
    #[serde(flatten)]
    pub about: About,
    /// What the caller brings.
    pub keys: Keys,
    /// Fields of the stream header and of the segment headers.
    pub parameters: Parameters,
    /// 16 bytes in hex, of the run that is stopped.
    pub run_salt: String,
    /// What the source holds.
    pub plaintext: Pattern,
    /// Bytes of output after which nothing more reaches the sink.
    pub stop_after: usize,
    /// 16 bytes in hex, of the run that goes on.
    pub resume_salt: String,
    /// The only right answers.
    pub expect: CrashExpect,
    /// Where the vector comes from.
    pub made: Made,
}

/// What a writer leaves that is stopped, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashExpect {
    /// The output when it was stopped.
    pub left: Stored,
    /// What `recover` says of that and of the writer's own journal.
    pub recovered: RecoverExpect,
    /// What `resume` makes of them.
    pub resumed: Stored,
}

/// What is found in an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum RecoverExpect {
    /// A stream, and what of it is committed.
    Recovered {
        /// Committed segments, the final one included.
        segments: usize,
        /// Plaintext bytes in them.
        plaintext_len: usize,
        /// Bytes up to their end, stream header and envelope included.
        stream_len: usize,
        /// Whether the last of them is a final segment.
        sealed: bool,
        /// `none`, `used`, the detail for which it is not to be used, `damaged` or `lost`.
        journal: String,
    },
    /// No stream yet: nothing was committed.
    Nothing,
    /// Nothing is changed, and this is reported.
    Reject {
        /// `kind.detail`; one of these.
        error: Vec<String>,
        /// From the start of the stream; null where the error has none.
        offset: Option<usize>,
        /// Number of segments before the fault; null in the stream header.
        segment: Option<usize>,
    },
}

/// What the caller brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// 32 bytes in hex; null where the caller has no content key.
    pub content_key: Option<String>,
    /// The context in hex.
    pub context: String,
}

/// Bytes, in the vector or in a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Length in bytes.
    pub len: usize,
    /// SHA-256 in hex.
    pub sha256: String,
    /// The bytes in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// The file that holds the bytes, from the root of the vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
}

/// The only right answer to an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum Expect {
    /// The whole plaintext is released and success reported.
    Accept {
        /// Length in bytes.
        plaintext_len: usize,
        /// SHA-256 in hex.
        plaintext_sha256: String,
    },
    /// The stream is refused.
    Reject(Fault),
    /// The stream is beyond the reader.
    Unsupported(Fault),
}

/// How a stream is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `kind.detail`; one of these.
    pub error: Vec<String>,
    /// From the start of the stream; null where the error has none.
    pub offset: Option<usize>,
    /// Number of segments before the fault; null in stream header and envelope.
    pub segment: Option<usize>,
    /// Exactly how many plaintext bytes are released.
    pub released_len: usize,
    /// SHA-256 of those bytes, in hex.
    pub released_sha256: String,
}

/// Many inputs that are made from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `truncate` or `flip-bit`.
    pub change: String,
    /// For each place, what a reader answers.
    pub ranges: Vec<Range>,
}

/// Places in an input, and what a reader answers to each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// First length or byte offset.
    pub from: usize,
    /// One after the last.
    pub to: usize,
    /// `reject`.
    pub result: String,
    /// `kind.detail`; one of these.
    pub error: Vec<String>,
    /// From the start of the stream. Absent in `truncate`: there it is the length of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// Number of segments before the fault; null in stream header and envelope.
    pub segment: Option<usize>,
    /// Exactly how many plaintext bytes are released.
    pub released_len: usize,
    /// SHA-256 of those bytes, in hex.
    pub released_sha256: String,
}

/// What a writer is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// §20.1.
    pub suite: u16,
    /// The flag UNIFORM.
    pub uniform: bool,
    /// 12 to 24.
    pub frame_size_log2: u8,
    /// S, in bytes.
    pub segment_size: u32,
    /// Segments in a key epoch.
    pub epoch_segments: u32,
    /// In bytes; null stands for unknown.
    pub plaintext_len: Option<u64>,
    /// 32 bytes in hex.
    pub stream_salt: String,
    /// 16 bytes in hex.
    pub key_id: String,
    /// Stanzas in hex, without their CRC; empty for no envelope.
    pub envelope: String,
    /// §20.4, of every segment.
    pub digest_alg: u16,
    /// Whether index segments are written.
    pub index: bool,
}

/// One run of a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The segment_index that the run begins with.
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
        /// `kind.detail`; one of these.
        error: Vec<String>,
    },
}

/// Where a vector comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The program.
    pub generator: String,
    /// The vector whose input was changed.
    pub base: Option<String>,
    /// What was changed.
    pub mutation: String,
}

/// The list of all vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the suite.
    pub version: String,
    /// Version of the format.
    pub format_version: u16,
    /// The vectors, by id.
    pub vectors: Vec<Entry>,
    /// Requirements that no vector tests.
    pub waivers: Vec<Waiver>,
    /// Requirements that no vector keeps, or that no vector breaks.
    pub one_sided: Vec<Waiver>,
}

/// A vector in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Stable name.
    pub id: String,
    /// The file, from the root of the vectors.
    pub file: String,
    /// SHA-256 of the file in hex.
    pub sha256: String,
    /// The version of the suite that brought it.
    pub since: String,
    /// `read`, `write`, `crash`, `recover` or `resume`.
    pub operation: String,
    /// `MUST` or `SHOULD`.
    pub level: String,
    /// Optional parts that are needed.
    pub features: Vec<String>,
}

/// A requirement that no vector tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The identifier.
    pub requirement: String,
    /// Why there is no vector.
    pub reason: String,
}

impl Vector {
    /// What all vectors have.
    #[must_use]
    pub fn about(&self) -> &About {
        match self {
            Self::Read(vector) => &vector.about,
            Self::Write(vector) => &vector.about,
            Self::Recover(vector) => &vector.about,
            Self::Resume(vector) => &vector.about,
            Self::Crash(vector) => &vector.about,
        }
    }
}
