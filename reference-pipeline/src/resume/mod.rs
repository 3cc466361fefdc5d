//! §19 Going on with what an interrupted run has left in a file.

mod compare;
mod compare_output;
mod decrypt;
pub(crate) mod encrypt;
mod source;

pub use decrypt::{InterruptedDecryption, PartialDecryption};
pub use encrypt::InterruptedEncryption;

/// Something that a resumed run found, and that its user may want to know. The run goes on all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeWarning {
    /// The journal is not to be used, for this reason (SV2-JRN-006).
    JournalUnusable(stream_v2_format::Error),
    /// Records of the journal are damaged, more than a crash can take: it is not relied on.
    JournalDamaged,
    /// The output has lost segments that the journal vouches for; they are written again (SV2-RES-007).
    LostDurable,
    /// The result under its name is not what the run before has written there.
    ResultChanged,
}
