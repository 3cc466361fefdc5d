//! What a run tells its caller on the way.

use stream_v2_format::crypto::Committed;
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::LogEvent;

use super::Warning;

/// Something that happened in a call, in order, told on the thread of the caller.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Something that the user may want to know. The run continues; the report has it, too.
    Warning(&'a Warning),
    /// So many bytes of committed plaintext are compared with the source before the run resumes.
    Comparing(u64),
    /// What happens in that comparison.
    Compared(LogEvent<'a>),
    /// The run resumes after this.
    Resuming {
        /// The stream header.
        header: &'a HeaderV1,
        /// What is committed.
        committed: &'a Committed,
    },
    /// What happens in the run itself.
    Run(LogEvent<'a>),
}

/// How far a run is, in bytes of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    done: u64,
    total: Option<u64>,
}

impl Progress {
    pub(crate) const fn new(done: u64, total: Option<u64>) -> Self {
        Self { done, total }
    }

    /// The bytes of the source whose segments the output has taken, those of an earlier run
    /// included.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.done
    }

    /// The length of the source, if it is known.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }
}
