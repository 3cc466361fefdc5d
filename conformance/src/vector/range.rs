//! Vectors of the operation `range`.

use serde::{Deserialize, Serialize};

use super::{About, Expect, Keys, Made, Stored};
use crate::plaintext::Pattern;

/// A vector of the operation `range`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeVector {
    /// What all vectors have.
    #[serde(flatten)]
    pub about: About,
    /// What the caller brings.
    pub keys: Keys,
    /// `strict`.
    pub mode: String,
    /// The stream.
    pub input: Stored,
    /// The plaintext of the sealed history, ranges of which are released.
    pub plaintext: Pattern,
    /// What is read, one after the other, with one reader.
    pub ranges: Vec<Span>,
    /// How many segments the reader may read for their link; null for no limit.
    pub runs_max: Option<u32>,
    /// The only right answer.
    pub expect: RangeExpect,
    /// Where the vector comes from.
    pub made: Made,
}

/// Bytes of a plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first of them.
    pub offset: u64,
    /// How many.
    pub len: u64,
}

/// What comes of opening a stream and reading ranges of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum RangeExpect {
    /// The final segment is verified.
    Accept {
        /// `arithmetic`, `headers` or `index`: how segments are found.
        by: String,
        /// Bytes of the plaintext, as the final segment says.
        plaintext_len: usize,
        /// For each range, the only right answer.
        ranges: Vec<Expect>,
    },
    /// The stream is refused before any range is read.
    Reject(Place),
    /// The stream is beyond the reader.
    Unsupported(Place),
}

/// An error, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `kind.detail`; one of these.
    pub error: Vec<String>,
    /// From the start of the stream; null where the error has none.
    pub offset: Option<usize>,
    /// Number of segments before the fault; null in stream header and envelope.
    pub segment: Option<usize>,
}
