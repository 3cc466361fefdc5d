//! Vectors of the operation `read`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{About, Keys, Made, Stored};
use crate::plaintext::Pattern;

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
