//! The log and crash managers, injected at pipeline level. Workers never see them.

use std::io;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Committed, JournalKey, Progress, Transcript};
use stream_v2_format::wire::{HeaderV1, SegmentHeader, Trailer};

use crate::error::Error;

/// An event of a run for its log, in order, from the thread that called `run`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LogEvent<'a> {
    /// The stream header is known. Segments follow.
    Started(&'a HeaderV1),
    /// The sink has taken a segment.
    Committed(&'a Commit),
    /// Everything up to and including this segment is durable and recorded.
    ///
    /// A run without a crash manager has no such event.
    Durable(&'a Commit),
    /// The sink has been sealed, and the run is complete.
    Sealed,
    /// The run ends with this error.
    Failed(&'a Error),
}

/// Receives the events of a run.
///
/// It should return soon, because the writer waits for it.
pub trait LogManager {
    /// Receives one event.
    fn log(&mut self, event: LogEvent<'_>);
}

/// A segment that the sink has taken, with everything that is needed to resume after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The segment's place in the stream.
    pub index: SegmentIndex,
    /// The 32 bytes of its segment_tag.
    pub segment_tag: [u8; 32],
    /// The transcript (T) after this segment.
    pub transcript: Transcript,
    /// Plaintext bytes up to and including this segment.
    pub plaintext_len: u64,
    /// Bytes of the body up to and including this segment.
    pub position: u64,
    /// Bytes of the segment itself.
    pub segment_len: u64,
    /// The first segment of the run that sealed it.
    pub run_first: SegmentIndex,
}

impl Commit {
    /// Returns the commit of the last of the `committed` segments, which has this header.
    pub(crate) const fn last(header: &SegmentHeader, committed: &Committed) -> Self {
        Self {
            index: header.index,
            segment_tag: header.segment_tag,
            transcript: committed.transcript,
            plaintext_len: committed.plaintext_len,
            position: committed.position,
            segment_len: header.segment_len(),
            run_first: committed.run.first,
        }
    }

    /// Returns the commit of the segment that `progress` has just taken in.
    pub(crate) const fn of(header: &SegmentHeader, progress: &Progress) -> Self {
        Self::last(header, progress.committed())
    }
}

/// Persists the state that is needed to resume a crashed run. An error ends the run.
pub trait CrashManager {
    /// Notes that the sink's content is durable, and that segments follow.
    ///
    /// They are those of a new stream, or of one that is resumed. `key` is for records.
    ///
    /// # Errors
    ///
    /// - any I/O error while persisting the record. The run fails with it.
    fn began(&mut self, key: &JournalKey) -> io::Result<()>;

    /// Notes that the sink has taken a segment. It is not yet known to be durable.
    ///
    /// # Errors
    ///
    /// - any I/O error while persisting the record. The run fails with it.
    fn committed(&mut self, commit: &Commit) -> io::Result<()>;

    /// Returns whether the run must call [`holds`](Self::holds).
    ///
    /// The run asks once, after [`began`](Self::began). If so, it keeps the plaintext of a segment
    /// in memory until the sink has taken the segment.
    fn wants_plaintext(&self) -> bool {
        false
    }

    /// Notes that the segment holds `plaintext`.
    ///
    /// The run calls this after [`committed`](Self::committed) for segments that hold any
    /// plaintext, if [`wants_plaintext`](Self::wants_plaintext) returned `true`.
    ///
    /// # Errors
    ///
    /// - any I/O error while persisting the record. The run fails with it.
    fn holds(&mut self, commit: &Commit, plaintext: &[u8]) -> io::Result<()> {
        let _ = (commit, plaintext);
        Ok(())
    }

    /// Notes that everything up to and including this segment is durable in the sink.
    ///
    /// # Errors
    ///
    /// - any I/O error while persisting the record. The run fails with it.
    fn durable(&mut self, commit: &Commit) -> io::Result<()>;

    /// Notes that everything is durable, and the final segment is next.
    ///
    /// It has this segment_index and trailer. It will be written next, or was verified.
    ///
    /// # Errors
    ///
    /// - any I/O error while persisting the record. The run fails with it.
    fn ending(&mut self, index: SegmentIndex, trailer: &Trailer) -> io::Result<()>;

    /// Notes that the sink has published or discarded everything, so that nothing is left to
    /// resume.
    ///
    /// # Errors
    ///
    /// - any I/O error while removing the records. The run fails with it.
    fn ended(&mut self) -> io::Result<()>;
}

/// The managers of one run.
#[derive(Default)]
pub struct Managers<'a> {
    /// Receives the events of the run.
    pub log: Option<&'a mut dyn LogManager>,
    /// Keeps the run resumable.
    pub crash: Option<&'a mut dyn CrashManager>,
}

impl Managers<'_> {
    /// Returns neither log nor crash manager.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}
