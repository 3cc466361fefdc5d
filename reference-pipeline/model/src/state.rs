//! Where every thread is, and what is in every channel.

use std::collections::{BTreeMap, VecDeque};

/// What arrives at the writer for one place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// A segment that was sealed or opened.
    Done,
    /// The source has ended.
    End,
    /// The source or a worker has failed, or panicked.
    Failed,
}

/// Who has failed, or panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The source.
    Source,
    /// A worker.
    Worker,
    /// The sink.
    Sink,
    /// The log manager.
    Log,
    /// Nobody: the caller has asked for it.
    Shutdown,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// All was written.
    Complete,
    /// The error of this place.
    Failed(u8),
    /// All threads ended before the stream did: a defect.
    Abandoned,
}

/// Where a worker is: a thread of its own, or the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Looks for the segment that was read before there were threads.
    Start,
    /// Asks for a permit: a thread waits for it.
    Permit,
    /// Has one, and waits for the turn.
    Turn,
    /// Has the turn, and reads.
    Reading,
    /// Has read; offers an event to telemetry, in its turn still.
    Telling,
    /// Has a segment, and not begun with it.
    Beginning(u8),
    /// Seals or opens it.
    Working(u8),
    /// Hands over a result, or the last message of the source.
    Sending(u8, Outcome),
    /// Gone, and with it its end of the results.
    Ended,
}

impl Lane {
    /// Whether it reads, for which it has the turn.
    pub(crate) const fn reads(self) -> bool {
        matches!(self, Self::Reading | Self::Telling)
    }
}

/// Where the writer is, which is the thread of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// Looks for a result, if it may work meanwhile, and waits for one otherwise.
    Result,
    /// Works itself: nothing has arrived.
    Own(Lane),
    /// Waits for a result: others have all there is.
    Waiting,
    /// Looks for the next in order.
    Ordering,
    /// Hands a segment to the sink.
    Writing,
    /// Offers an event to telemetry.
    Telling,
    /// Tells the log.
    Logging,
    /// Drains the results: only where that bug is planted.
    Draining,
    /// Permits are closed and its end of the results is gone; it waits for all threads.
    Joining,
    /// Has returned.
    Ended,
}

/// A moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The place of the segment that is read next.
    pub place: u8,
    /// Whether the segment before it waits for whoever asks first.
    pub prefetched: bool,
    /// Whether the source has given its last message.
    pub is_over: bool,
    /// The worker threads.
    pub threads: Vec<Lane>,
    /// The writer.
    pub writer: Writer,
    /// Permits that nobody has.
    pub permits: usize,
    /// Results on their way to the writer.
    pub results: VecDeque<(u8, Outcome)>,
    /// Results that came before their turn.
    pub early: BTreeMap<u8, Outcome>,
    /// Events on their way to whoever watches.
    pub events: usize,
    /// Raised by the writer.
    pub stop: bool,
    /// Raised by the caller.
    pub shutdown: bool,
    /// Segments that the sink has taken: this many, from 0 on.
    pub written: u8,
    /// What has happened, by place.
    pub faults: BTreeMap<u8, Fault>,
    /// How the run ends, once that is known.
    pub outcome: Option<Ending>,
}

impl State {
    pub(crate) fn begin(window: usize, threads: usize, prefetched: bool) -> Self {
        Self {
            place: u8::from(prefetched),
            prefetched,
            is_over: false,
            threads: vec![Lane::Start; threads],
            writer: Writer::Result,
            permits: window - usize::from(prefetched),
            results: VecDeque::new(),
            early: BTreeMap::new(),
            events: 0,
            stop: false,
            shutdown: false,
            written: 0,
            faults: BTreeMap::new(),
            outcome: None,
        }
    }

    pub(crate) fn threads_live(&self) -> bool {
        self.threads.iter().any(|lane| *lane != Lane::Ended)
    }

    /// Whether the writer has not closed the permits, and has its end of the results.
    pub(crate) fn writer_lives(&self) -> bool {
        !matches!(self.writer, Writer::Joining | Writer::Ended)
    }

    pub(crate) fn all_ended(&self) -> bool {
        !self.threads_live() && self.writer == Writer::Ended
    }

    /// All workers: the threads, and the caller while it is one.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = Lane> {
        let own = match self.writer {
            Writer::Own(lane) => Some(lane),
            _ => None,
        };
        self.threads.iter().copied().chain(own)
    }

    /// Segments in memory: read, or being read, and not yet written.
    pub(crate) fn in_memory(&self) -> usize {
        let reading = self.lanes().filter(|lane| lane.reads()).count();
        usize::from(self.place) + reading - usize::from(self.written)
    }

    pub(crate) fn fault(&mut self, place: u8, fault: Fault) {
        self.faults.entry(place).or_insert(fault);
    }

    /// The writer closes the permits, and gives up its end of the results.
    pub(crate) fn return_with(&mut self, outcome: Ending) {
        self.outcome.get_or_insert(outcome);
        self.writer = Writer::Joining;
        self.early.clear();
    }
}
