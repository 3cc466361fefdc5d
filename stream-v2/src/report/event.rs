//! The events of a run, and its progress.

use stream_v2_format::crypto::Committed;
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::LogEvent;

use super::Warning;

/// An event of a call, reported in order on the thread of the caller.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A warning for the user. The run continues, and the report has it too.
    Warning(&'a Warning),
    /// So many bytes of committed plaintext are about to be compared with the source.
    Comparing(u64),
    /// An event of that comparison.
    Compared(LogEvent<'a>),
    /// The run resumes after the committed segments.
    Resuming {
        /// The stream header.
        header: &'a HeaderV1,
        /// The committed segments.
        committed: &'a Committed,
    },
    /// An event of the run itself.
    Run(LogEvent<'a>),
}

/// The progress of a run, in bytes of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    done: u64,
    total: Option<u64>,
}

impl Progress {
    pub(crate) const fn new(done: u64, total: Option<u64>) -> Self {
        Self { done, total }
    }

    /// Returns the bytes of the source whose segments the output has taken.
    ///
    /// Those of an earlier run are included.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.done
    }

    /// Returns the length of the source, if it is known.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }
}
