//! The log and crash managers, injected at pipeline level. Workers never see them.

use std::io;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Committed, JournalKey, Progress, Transcript};
use stream_v2_format::wire::{HeaderV1, SegmentHeader, Trailer};

use crate::error::Error;

/// What a run tells its log, in order, from the thread that called `run`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LogEvent<'a> {
    /// The stream header is known; segments follow.
    Started(&'a HeaderV1),
    /// The sink has taken a segment.
    Committed(&'a Commit),
    /// Everything up to and with this segment is durable in the sink, and the crash manager has recorded it. Without a crash manager there is no such
    /// event.
    Durable(&'a Commit),
    /// The sink has been sealed; the run is complete.
    Sealed,
    /// The run ends with this error.
    Failed(&'a Error),
}

/// Takes the events of a run. It should return soon: the writer waits for it.
pub trait LogManager {
    /// Takes one event.
    fn log(&mut self, event: LogEvent<'_>);
}

/// A segment that the sink has taken, with what resuming after it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The segment's place in the stream.
    pub index: SegmentIndex,
    /// The 32 bytes of its segment_tag.
    pub segment_tag: [u8; 32],
    /// T after this segment.
    pub transcript: Transcript,
    /// Plaintext bytes up to and with this segment.
    pub plaintext_len: u64,
    /// Bytes of the body up to and with this segment.
    pub position: u64,
    /// Bytes of the segment itself.
    pub segment_len: u64,
    /// The first segment of the run that sealed it.
    pub run_first: SegmentIndex,
}

impl Commit {
    /// The commit of the last of the segments that are `committed`, with this header.
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

    /// The commit of the segment that `progress` has just taken in.
    pub(crate) const fn of(header: &SegmentHeader, progress: &Progress) -> Self {
        Self::last(header, progress.committed())
    }
}

/// Keeps what a crashed run needs to be resumed. An error ends the run.
pub trait CrashManager {
    /// What the sink holds is durable, and segments follow: those of a new stream, or of one that is gone on with. `key` is for records.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept.
    fn began(&mut self, key: &JournalKey) -> io::Result<()>;

    /// The sink has taken a segment; it is not yet known to be durable.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept.
    fn committed(&mut self, commit: &Commit) -> io::Result<()>;

    /// Whether [`holds`](Self::holds) is to be told, which is asked once, after [`began`](Self::began): the plaintext of a segment is kept in memory
    /// for it until the sink has taken the segment.
    fn wants_plaintext(&self) -> bool {
        false
    }

    /// That segment holds `plaintext`. It is told after [`committed`](Self::committed), of segments that hold any, if
    /// [`wants_plaintext`](Self::wants_plaintext) says so.
    ///
    /// # Errors
    /// Whatever keeps it from being kept.
    fn holds(&mut self, commit: &Commit, plaintext: &[u8]) -> io::Result<()> {
        let _ = (commit, plaintext);
        Ok(())
    }

    /// Everything up to and with this segment is durable in the sink.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept.
    fn durable(&mut self, commit: &Commit) -> io::Result<()>;

    /// Everything is durable, and the final segment with this segment_index and trailer is to be written next, or was verified.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept.
    fn ending(&mut self, index: SegmentIndex, trailer: &Trailer) -> io::Result<()>;

    /// The sink has published everything, or thrown it away: nothing is left to go on with.
    ///
    /// # Errors
    /// Whatever keeps the records from being removed.
    fn ended(&mut self) -> io::Result<()>;
}

/// The managers of one run.
#[derive(Default)]
pub struct Managers<'a> {
    /// Takes the events of the run.
    pub log: Option<&'a mut dyn LogManager>,
    /// Keeps the run resumable.
    pub crash: Option<&'a mut dyn CrashManager>,
}

impl Managers<'_> {
    /// Neither log nor crash manager.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}
