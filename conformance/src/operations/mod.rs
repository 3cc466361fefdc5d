//! The operations of the protocol, one file for each: its vectors, the runner's requests, and the
//! judging of the answers.
//!
//! "Adding an operation" in conformance/PROTOCOL.md is the checklist.

use serde::{Deserialize, Serialize};

mod answers;
pub mod crash;
pub mod operation;
pub mod range;
pub mod read;
pub mod recover;
mod replaced;
pub mod resume;
pub mod rewrap;
pub mod unwrap;
pub mod write;

use crate::operations::crash::CrashVector;
use crate::operations::operation::Operation;
use crate::operations::range::RangeVector;
use crate::operations::read::ReadVector;
use crate::operations::recover::RecoverVector;
use crate::operations::resume::ResumeVector;
use crate::operations::rewrap::RewrapVector;
use crate::operations::unwrap::UnwrapVector;
use crate::operations::write::WriteVector;
use crate::vector::About;

/// A vector of any operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Vector {
    /// Reads a stream.
    Read(Box<ReadVector>),
    /// Reads ranges of a stream.
    Range(Box<RangeVector>),
    /// Stops a writer, and resumes its output.
    Crash(Box<CrashVector>),
    /// Writes a stream.
    Write(Box<WriteVector>),
    /// Resumes from an interrupted writer's output.
    Resume(Box<ResumeVector>),
    /// Finds the committed part of an interrupted writer's output.
    Recover(Box<RecoverVector>),
    /// Replaces the envelope of a stream.
    Rewrap(Box<RewrapVector>),
    /// Opens a stream header with keys and passwords.
    Unwrap(Box<UnwrapVector>),
}

impl Vector {
    /// Returns the vector as one of its operation.
    #[must_use]
    pub fn operation(&self) -> &dyn Operation {
        match self {
            Self::Read(vector) => &**vector,
            Self::Range(vector) => &**vector,
            Self::Crash(vector) => &**vector,
            Self::Write(vector) => &**vector,
            Self::Resume(vector) => &**vector,
            Self::Recover(vector) => &**vector,
            Self::Rewrap(vector) => &**vector,
            Self::Unwrap(vector) => &**vector,
        }
    }

    /// Returns the common fields of all vectors.
    #[must_use]
    pub fn about(&self) -> &About {
        self.operation().about()
    }
}
