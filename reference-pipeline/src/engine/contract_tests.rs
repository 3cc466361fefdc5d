//! The contract of every engine, tested with segments that are only counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::parallelism::Parallelism;
use super::stages::{Engine, Flow, ReaderStage, WorkerStage, WriterStage};
use crate::error::{Error, Stage};
use crate::segment::buffers::Buffers;

const SEGMENTS: u64 = 10_000;
const WINDOW: u64 = 8;
/// Every segment whose number is a multiple of this stalls its worker.
const STALLS: u64 = 1000;

struct Counting;

impl Flow for Counting {
    type Job = (u64, Buffers);
    type Done = (u64, Buffers);
}

/// Counts the segments in memory now, the most there ever were, and those that were read.
#[derive(Default)]
struct Memory {
    now: AtomicU64,
    most: AtomicU64,
    read: AtomicU64,
}

struct Source {
    memory: Arc<Memory>,
    is_nonblocking: bool,
}

impl ReaderStage<Counting> for Source {
    async fn next_job(&mut self, place: u64, permit: Buffers) -> Result<Option<(u64, Buffers)>, Error> {
        if place == SEGMENTS {
            return Ok(None);
        }
        let now = self.memory.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.memory.most.fetch_max(now, Ordering::SeqCst);
        self.memory.read.fetch_add(1, Ordering::SeqCst);
        Ok(Some((place, permit)))
    }

    fn is_short(&self) -> bool {
        false
    }

    fn is_nonblocking(&self) -> bool {
        self.is_nonblocking
    }
}

/// Holds a segment back until the reader has filled the window.
struct Stalling {
    memory: Arc<Memory>,
    /// False if the caller works too: a stalled caller does not write, so the window never becomes
    /// free.
    stalls: bool,
    panic_at: Option<u64>,
}

impl WorkerStage<Counting> for Stalling {
    fn work(&mut self, (place, permit): (u64, Buffers)) -> Result<(u64, Buffers), Error> {
        assert!(self.panic_at != Some(place), "planted");
        let wanted = SEGMENTS.min(place + WINDOW);
        while self.stalls
            && self.panic_at.is_none()
            && place.is_multiple_of(STALLS)
            && self.memory.read.load(Ordering::SeqCst) < wanted
        {
            thread::yield_now();
        }
        Ok((place, permit))
    }
}

struct Collect {
    written: Vec<u64>,
    memory: Arc<Memory>,
    fail_at: Option<u64>,
}

impl WriterStage<Counting> for Collect {
    async fn write(&mut self, (number, permit): (u64, Buffers)) -> Result<Buffers, Error> {
        let place = self.written.len() as u64;
        if self.fail_at == Some(place) {
            return Err(Error::io(Stage::Sink, Some(place), io::ErrorKind::StorageFull.into()));
        }
        self.memory.now.fetch_sub(1, Ordering::SeqCst);
        self.written.push(number);
        Ok(permit)
    }
}

struct Counted {
    result: Result<(), Error>,
    written: Vec<u64>,
    most: u64,
}

/// The caller is the writer only, or also a worker.
const CALLERS: [bool; 2] = [false, true];

async fn counted(
    engine: &impl Engine,
    is_nonblocking: bool,
    panic_at: Option<u64>,
    fail_at: Option<u64>,
) -> Counted {
    let memory = Arc::new(Memory::default());
    let worker = || Stalling { memory: Arc::clone(&memory), stalls: !is_nonblocking, panic_at };
    let mut writer = Collect { written: Vec::new(), memory: Arc::clone(&memory), fail_at };
    let mut source = Source { memory: Arc::clone(&memory), is_nonblocking };
    let parallelism = Parallelism { workers: 4, window: usize::try_from(WINDOW).unwrap() };
    let result = engine.run::<Counting, _>(parallelism, 0, &mut source, worker, &mut writer).await;
    Counted { result, written: writer.written, most: memory.most.load(Ordering::SeqCst) }
}

pub(crate) async fn a_stalled_worker_fills_the_window_and_no_more(engine: &impl Engine) {
    for is_nonblocking in CALLERS {
        let counted = counted(engine, is_nonblocking, None, None).await;
        counted.result.unwrap();
        assert!(counted.written == (0..SEGMENTS).collect::<Vec<_>>());
        let is_full = if is_nonblocking { counted.most <= WINDOW } else { counted.most == WINDOW };
        assert!(is_full, "{} segments in memory", counted.most);
    }
}

pub(crate) async fn panic_is_one_error_after_its_prefix(engine: &impl Engine) {
    for is_nonblocking in CALLERS {
        let counted = counted(engine, is_nonblocking, Some(100), None).await;
        let error = counted.result.unwrap_err();
        assert_eq!((error.stage(), error.segment()), (Stage::Worker, Some(100)));
        assert!(counted.written == (0..100).collect::<Vec<_>>());
    }
}

pub(crate) async fn a_failing_sink_ends_everything(engine: &impl Engine) {
    for is_nonblocking in CALLERS {
        let counted = counted(engine, is_nonblocking, None, Some(3)).await;
        let error = counted.result.unwrap_err();
        assert_eq!((error.stage(), error.segment()), (Stage::Sink, Some(3)));
        assert_eq!(counted.written, [0, 1, 2]);
    }
}
