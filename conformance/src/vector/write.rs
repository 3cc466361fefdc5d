//! Vectors of the operation `write`.

use serde::{Deserialize, Serialize};

use super::{About, Keys, Made, Stored};
use crate::plaintext::Pattern;

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
