//! The JSON of a vector and of the manifest; `vectors/schema/` says the same for other languages.

use serde::{Deserialize, Serialize};

mod interrupted;
mod range;
mod read;
mod write;

pub use interrupted::{CrashExpect, CrashVector, RecoverExpect, RecoverVector, ResumeExpect, ResumeVector};
pub use range::{Place as RangePlace, RangeExpect, RangeVector, Span};
pub use read::{Expect, Fault, Range, ReadVector, Recipe};
pub use write::{Parameters, Run, WriteExpect, WriteVector};

/// A vector of any operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Vector {
    /// Reads a stream.
    Read(Box<ReadVector>),
    /// Reads ranges of a stream.
    Range(Box<RangeVector>),
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
    /// `read`, `range`, `write`, `crash`, `recover` or `resume`.
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
    /// `read`, `range`, `write`, `crash`, `recover` or `resume`.
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
            Self::Range(vector) => &vector.about,
            Self::Write(vector) => &vector.about,
            Self::Recover(vector) => &vector.about,
            Self::Resume(vector) => &vector.about,
            Self::Crash(vector) => &vector.about,
        }
    }
}
