//! The receivers of a run's output: its sink, its log and its crash manager, called from a thread
//! or awaited.

use std::io;

use bytes::Bytes;
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::JournalKey;
use stream_v2_format::wire::Trailer;

use crate::observe::{Commit, CrashManager, LogEvent, Managers};
use crate::sink::{OutputSink, SinkUnit};

/// One chunk for a sink, as [`SinkUnit`]. `body` can be kept without a copy.
pub(crate) struct Chunk<'a> {
    pub(crate) index: Option<SegmentIndex>,
    pub(crate) position: u64,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a Bytes,
}

impl<'a> Chunk<'a> {
    pub(crate) fn unit(&self) -> SinkUnit<'a> {
        SinkUnit { index: self.index, position: self.position, head: self.head, body: self.body }
    }
}

/// A record for a crash manager.
pub(crate) enum JournalEvent {
    Began(JournalKey),
    Committed(Commit),
    Holds(Commit, Bytes),
    Durable(Commit),
    Ending(SegmentIndex, Trailer),
    Ended,
}

impl JournalEvent {
    pub(crate) fn send_to(&self, crash: &mut (impl CrashManager + ?Sized)) -> io::Result<()> {
        match self {
            Self::Began(key) => crash.began(key),
            Self::Committed(commit) => crash.committed(commit),
            Self::Holds(commit, plaintext) => crash.holds(commit, plaintext),
            Self::Durable(commit) => crash.durable(commit),
            Self::Ending(index, trailer) => crash.ending(*index, trailer),
            Self::Ended => crash.ended(),
        }
    }
}

/// A request to a sink other than taking pieces, as in [`OutputSink`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SinkOp {
    MakeDurable,
    TakeBack(u64),
    Seal,
    Suspend,
    RollBack(u64),
    Abort,
}

impl SinkOp {
    pub(crate) fn apply_to(self, sink: &mut (impl OutputSink + ?Sized)) -> io::Result<()> {
        match self {
            Self::MakeDurable => sink.make_durable(),
            Self::TakeBack(position) => sink.take_back(position),
            Self::Seal => sink.seal(),
            Self::Suspend => sink.suspend(),
            Self::RollBack(recorded) => sink.roll_back(recorded),
            Self::Abort => sink.abort(),
        }
    }
}

/// Sink and managers of one run.
pub(crate) trait Output {
    /// Passes a chunk to the sink.
    fn append(&mut self, chunk: &Chunk<'_>) -> impl Future<Output = io::Result<()>>;

    /// Applies an operation to the sink.
    fn apply(&mut self, op: SinkOp) -> impl Future<Output = io::Result<()>>;

    /// Returns whether there is a crash manager.
    fn has_journal(&self) -> bool;

    /// Returns whether there is a crash manager that needs the plaintext of each segment.
    fn wants_plaintext(&self) -> bool;

    /// Passes a record to the crash manager, if there is one.
    fn journal(&mut self, event: JournalEvent) -> impl Future<Output = io::Result<()>>;

    /// Passes an event to the log.
    fn log(&mut self, event: LogEvent<'_>);
}

/// Sink and managers that are called from the writer's thread.
pub(crate) struct BlockingOutput<'a, 'm> {
    pub(crate) sink: &'a mut dyn OutputSink,
    pub(crate) managers: Managers<'m>,
}

impl Output for BlockingOutput<'_, '_> {
    async fn append(&mut self, chunk: &Chunk<'_>) -> io::Result<()> {
        self.sink.append(&chunk.unit())
    }

    async fn apply(&mut self, op: SinkOp) -> io::Result<()> {
        op.apply_to(self.sink)
    }

    fn has_journal(&self) -> bool {
        self.managers.crash.is_some()
    }

    fn wants_plaintext(&self) -> bool {
        self.managers.crash.as_ref().is_some_and(|crash| crash.wants_plaintext())
    }

    async fn journal(&mut self, event: JournalEvent) -> io::Result<()> {
        self.managers.crash.as_mut().map_or(Ok(()), |crash| event.send_to(*crash))
    }

    fn log(&mut self, event: LogEvent<'_>) {
        if let Some(log) = self.managers.log.as_mut() {
            log.log(event);
        }
    }
}
