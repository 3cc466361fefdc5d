//! What a run tells the outside: its sink, its log and its crash manager, called from a thread or awaited.

use std::io;

use bytes::Bytes;
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::JournalKey;
use stream_v2_format::wire::Trailer;

use crate::observe::{Commit, CrashManager, LogEvent, Managers};
use crate::sink::{OutputSink, SinkUnit};

/// One piece for a sink, as [`SinkUnit`]; `body` can be kept without a copy.
pub(crate) struct Piece<'a> {
    pub(crate) index: Option<SegmentIndex>,
    pub(crate) position: u64,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a Bytes,
}

impl<'a> Piece<'a> {
    pub(crate) fn unit(&self) -> SinkUnit<'a> {
        SinkUnit { index: self.index, position: self.position, head: self.head, body: self.body }
    }
}

/// What is to be kept, for a crash manager.
pub(crate) enum Keep {
    Began(JournalKey),
    Committed(Commit),
    Holds(Commit, Bytes),
    Durable(Commit),
    Ending(SegmentIndex, Trailer),
    Ended,
}

impl Keep {
    pub(crate) fn tell(&self, crash: &mut (impl CrashManager + ?Sized)) -> io::Result<()> {
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

/// What a sink is asked to do beside taking pieces; as in [`OutputSink`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    MakeDurable,
    TakeBack(u64),
    Seal,
    Suspend,
    RollBack(u64),
    Abort,
}

impl Ask {
    pub(crate) fn of(self, sink: &mut (impl OutputSink + ?Sized)) -> io::Result<()> {
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
pub(crate) trait Port {
    /// Hands a piece to the sink.
    fn append(&mut self, piece: &Piece<'_>) -> impl Future<Output = io::Result<()>>;

    /// Asks something of the sink.
    fn ask(&mut self, ask: Ask) -> impl Future<Output = io::Result<()>>;

    /// Whether there is a crash manager.
    fn is_kept(&self) -> bool;

    /// Whether there is one that wants to know what each segment holds.
    fn follows_plaintext(&self) -> bool;

    /// Tells the crash manager, if there is one.
    fn keep(&mut self, keep: Keep) -> impl Future<Output = io::Result<()>>;

    /// Tells the log.
    fn log(&mut self, event: LogEvent<'_>);
}

/// Sink and managers that are called from the writer's thread.
pub(crate) struct Direct<'a, 'm> {
    pub(crate) sink: &'a mut dyn OutputSink,
    pub(crate) managers: Managers<'m>,
}

impl Port for Direct<'_, '_> {
    async fn append(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        self.sink.append(&piece.unit())
    }

    async fn ask(&mut self, ask: Ask) -> io::Result<()> {
        ask.of(self.sink)
    }

    fn is_kept(&self) -> bool {
        self.managers.crash.is_some()
    }

    fn follows_plaintext(&self) -> bool {
        self.managers.crash.as_ref().is_some_and(|crash| crash.follows_plaintext())
    }

    async fn keep(&mut self, keep: Keep) -> io::Result<()> {
        self.managers.crash.as_mut().map_or(Ok(()), |crash| keep.tell(*crash))
    }

    fn log(&mut self, event: LogEvent<'_>) {
        if let Some(log) = self.managers.log.as_mut() {
            log.log(event);
        }
    }
}
