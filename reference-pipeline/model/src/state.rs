//! Where every thread is, and what is in every channel.

use std::collections::{BTreeMap, VecDeque};

/// What arrives at the writer for one place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arrival {
    /// A segment that was sealed or opened.
    Done,
    /// The source has ended.
    End,
    /// The reader or a worker has failed, or panicked.
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
pub enum Outcome {
    /// All was written.
    Complete,
    /// The error of this place.
    Failed(u8),
    /// All threads ended before the stream did: a defect.
    Abandoned,
}

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Waits for a permit.
    Permit,
    /// Has one, and reads.
    Reading,
    /// Has read; offers an event to telemetry.
    Telling,
    /// Sends the job.
    Sending,
    /// Sends its last message.
    Last(Arrival),
    /// Gone, and with it its ends of all channels.
    Ended,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Waits for the lock of the receiver of jobs.
    Lock,
    /// Holds it, and waits for a job.
    Job,
    /// Has a job.
    Working(u8),
    /// Sends a result.
    Sending(u8, Arrival),
    /// Gone.
    Ended,
}

/// Where the writer is, which is the thread of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// Waits for a result.
    Result,
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
    /// Its ends of all channels are gone; it waits for all threads.
    Joining,
    /// Has returned.
    Ended,
}

/// A moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The reader.
    pub reader: Reader,
    /// The place of the segment that it reads, or reads next.
    pub place: u8,
    /// The workers.
    pub workers: Vec<Worker>,
    /// The writer.
    pub writer: Writer,
    /// Permits on their way to the reader.
    pub permits: usize,
    /// Jobs on their way to the workers.
    pub jobs: VecDeque<u8>,
    /// Results on their way to the writer.
    pub results: VecDeque<(u8, Arrival)>,
    /// Results that came before their turn.
    pub early: BTreeMap<u8, Arrival>,
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
    pub outcome: Option<Outcome>,
}

impl State {
    pub(crate) fn begin(window: usize, workers: usize) -> Self {
        Self {
            reader: Reader::Permit,
            place: 0,
            workers: vec![Worker::Lock; workers],
            writer: Writer::Result,
            permits: window,
            jobs: VecDeque::new(),
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

    pub(crate) fn reader_lives(&self) -> bool {
        self.reader != Reader::Ended
    }

    pub(crate) fn workers_live(&self) -> bool {
        self.workers.iter().any(|worker| *worker != Worker::Ended)
    }

    /// Whether the writer still has its ends of the channels.
    pub(crate) fn writer_lives(&self) -> bool {
        !matches!(self.writer, Writer::Joining | Writer::Ended)
    }

    pub(crate) fn all_ended(&self) -> bool {
        !self.reader_lives() && !self.workers_live() && self.writer == Writer::Ended
    }

    /// Segments in memory: read, or being read, and not yet written.
    pub(crate) fn in_memory(&self) -> usize {
        let reading = matches!(self.reader, Reader::Reading | Reader::Telling | Reader::Sending);
        usize::from(self.place) + usize::from(reading) - usize::from(self.written)
    }

    pub(crate) fn fault(&mut self, place: u8, fault: Fault) {
        self.faults.entry(place).or_insert(fault);
    }

    /// The writer gives up its ends of the channels.
    pub(crate) fn return_with(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.writer = Writer::Joining;
        self.early.clear();
    }
}
