//! The common fields of all vectors, and the manifest. `vectors/schema/` describes the same for
//! other languages.

use serde::{Deserialize, Serialize};

/// The common fields of all vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Stable name.
    pub id: String,
    /// `read`, `range`, `write`, `crash`, `recover`, `resume`, `unwrap` or `rewrap`.
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

/// The caller's keys and context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// 32 bytes in hex, or null if the caller has no content key.
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

/// The origin of a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The program.
    pub generator: String,
    /// The vector whose input was changed.
    pub base: Option<String>,
    /// The change.
    pub mutation: String,
}

/// An error and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `kind.detail`, one of these.
    pub error: Vec<String>,
    /// From the start of the stream, or of the source for `journal.source`. It is null if the error
    /// has no offset.
    pub offset: Option<usize>,
    /// The number of segments before the fault, or null in stream header, envelope and source.
    pub segment: Option<usize>,
}

impl Fault {
    /// Returns the errors as part of a sentence.
    #[must_use]
    pub fn names(&self) -> String {
        self.error.join(" or ")
    }
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
    /// `read`, `range`, `write`, `crash`, `recover`, `resume`, `unwrap` or `rewrap`.
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
    /// The reason for having no vector.
    pub reason: String,
}
