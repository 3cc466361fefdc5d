//! Vectors of interrupted writers: `recover`, `resume` and `crash`.

use serde::{Deserialize, Serialize};

use super::{About, Keys, Made, Parameters, Stored};
use crate::plaintext::Pattern;

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
    /// Whether the caller asks for index segments.
    pub index: bool,
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
    /// What `resume` makes of them; null where nothing was committed, and a new stream is to be started.
    pub resumed: Option<Stored>,
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
