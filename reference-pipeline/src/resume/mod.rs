//! Resumes the partial output of an interrupted run from a file (§19).

mod compare;
mod compare_output;
mod decrypt;
pub(crate) mod encrypt;
mod source;

pub use decrypt::{InterruptedDecryption, PartialDecryption};
pub use encrypt::InterruptedEncryption;

/// A finding of a resumed run for its user. The run continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeWarning {
    /// The journal must not be used, for this reason (SV2-JRN-006).
    JournalUnusable(stream_v2_format::Error),
    /// Records of the journal are damaged, more than a crash can take. The journal is not used.
    JournalDamaged,
    /// The output has lost segments that the journal vouches for. They are written again
    /// (SV2-RES-007).
    LostDurable,
    /// The result under its name differs from the one that the run before has written.
    ResultChanged,
}
