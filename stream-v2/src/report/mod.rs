//! The events of a call, and the report of its result.

mod event;

use std::fmt;

use stream_v2_format as format;
use stream_v2_pipeline::{ResumeWarning, Summary};

pub use event::{Event, Progress};

/// The result of a call for a file: what it did, the totals of the stream, and warnings.
///
/// The crate prints nothing, so show the warnings to the user.
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, Options, encrypt_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let (source, target) = (folder.path().join("dump"), folder.path().join("dump.sv2"));
/// # std::fs::write(&source, "hello")?;
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let report = encrypt_file(&Options::new(&key), &source, &target)?;
/// for warning in report.warnings() {
///     eprintln!("warning: {warning}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    outcome: Outcome,
    summary: Option<Summary>,
    warnings: Vec<Warning>,
}

impl Report {
    pub(crate) const fn new(outcome: Outcome, summary: Option<Summary>, warnings: Vec<Warning>) -> Self {
        Self { outcome, summary, warnings }
    }

    /// Returns what was done to the output.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the segments and lengths of the whole stream.
    ///
    /// Returns `None` for a plaintext that was complete already.
    #[must_use]
    pub const fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// Returns the bytes of the whole plaintext, if there is a summary.
    #[must_use]
    pub fn plaintext_len(&self) -> Option<u64> {
        self.summary.map(|summary| summary.plaintext_len)
    }

    /// Returns the warnings for the user, in order.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// The action of a call on its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The output was written from the beginning.
    Fresh,
    /// The partial output of an earlier run was resumed.
    Resumed {
        /// The plaintext bytes that were there already.
        after: u64,
    },
    /// The output was complete under its partial name, and was renamed.
    Named,
    /// The output was complete and had its name. It is unchanged.
    WasComplete,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh => f.write_str("complete"),
            Self::Resumed { after } => write!(f, "complete, resumed after {after} bytes"),
            Self::Named => f.write_str("was complete; only its name was missing"),
            Self::WasComplete => f.write_str("was complete already"),
        }
    }
}

/// A warning for the user of a run, which continues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The journal cannot be used, for this reason. The run resumes without it.
    JournalUnusable(format::Error),
    /// Records of the journal are damaged.
    ///
    /// An encryption resumes without it. A decryption resumes after the last commit before the
    /// damage, or starts over if there is none.
    JournalDamaged,
    /// The partial output has lost data that was durable. The data is written again.
    LostDurable,
    /// The complete output was changed after an earlier run had written it. Check it.
    ResultChanged,
    /// Names cannot be made durable in this folder.
    ///
    /// After a loss of power the output may have its old name.
    NamesAtRisk(String),
    /// The output was complete, and its resume key is gone. Only checksums were compared.
    ChecksumsOnly,
    /// A warning that has no variant here yet.
    Other(String),
}

impl From<ResumeWarning> for Warning {
    fn from(notice: ResumeWarning) -> Self {
        match notice {
            ResumeWarning::JournalUnusable(error) => Self::JournalUnusable(error),
            ResumeWarning::JournalDamaged => Self::JournalDamaged,
            ResumeWarning::LostDurable => Self::LostDurable,
            ResumeWarning::ResultChanged => Self::ResultChanged,
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JournalUnusable(error) => write!(f, "the journal cannot be used: {error}"),
            Self::JournalDamaged => {
                f.write_str("the journal cannot be used in full: its records are damaged")
            }
            Self::LostDurable => {
                f.write_str("the partial output has lost durable data, which is written again")
            }
            Self::ResultChanged => f.write_str("the output was changed after it was complete"),
            Self::ChecksumsOnly => f.write_str(
                "the resume key of the complete output is gone, so only its checksums were compared",
            ),
            Self::NamesAtRisk(folder) => write!(f, "names cannot be made durable in {folder}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}
