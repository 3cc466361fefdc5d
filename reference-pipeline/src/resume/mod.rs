//! Resumes the partial output of an interrupted run from a file: an encryption by the steps of
//! §19.2, a decryption by those of §19.4. Replaces the envelope of an output that is complete
//! (§12.4).

mod begin;
mod compare;
mod compare_output;
mod decrypt;
pub(crate) mod encrypt;
mod nothing_committed;
mod open;
pub(crate) mod rewrap;
mod source;
mod without_key;

pub use decrypt::{InterruptedDecryption, PartialDecryption};
pub use encrypt::InterruptedEncryption;

/// A finding of a resumed run for its user. The run continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeWarning {
    /// The journal cannot be used, for this reason. The run resumes without it (SV2-JRN-006).
    JournalUnusable(stream_v2_format::Error),
    /// More of the journal is damaged than a crash can tear, or all of it.
    ///
    /// An encryption resumes without it. A decryption resumes after the last commit before the
    /// damage, or starts over if there is none.
    JournalDamaged,
    /// The output has lost segments that the journal vouches for. They are written again
    /// (SV2-RES-007).
    LostDurable,
    /// The complete output was changed after the earlier run had written it. Check it.
    ResultChanged,
}
