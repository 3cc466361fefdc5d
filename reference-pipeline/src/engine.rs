//! The engine on std threads: one reader, n workers, and the ordered writer on the caller's thread.
//!
//! A permit (a pair of buffers) goes from the writer to the reader, with a segment through a worker, and back to the
//! writer. There are as many as the window is wide, and every channel has room for all of them:
//! so the reader waits for permits only, workers for jobs only, the writer for results only, and nobody waits in a circle.
//!
//! Errors travel in order like segments: the one that is reported does not depend on which thread was faster.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::buffers::Buffers;
use crate::guard::guarded;
use crate::reorder::Reorder;
use crate::{Error, Stage};

/// What flows: jobs from the reader to the workers, results from them to the writer.
pub(crate) trait Flow {
    /// A segment that was read, with its permit.
    type Job: Send;
    /// A segment that was sealed or opened, with its permit.
    type Done: Send;
}

/// The reader's side: gives the job for segment `place` of the stream and a permit, or `None` at the end.
pub(crate) trait ReadSide<F: Flow>: Send {
    fn next_job(&mut self, place: u64, permit: Buffers) -> Result<Option<F::Job>, Error>;
}

/// A worker's side: pure.
pub(crate) trait WorkSide<F: Flow>: Send {
    fn work(&mut self, job: F::Job) -> Result<F::Done, Error>;
}

/// The writer's side: takes finished segments in order and gives their permits back.
pub(crate) trait WriteSide<F: Flow> {
    fn write(&mut self, done: F::Done) -> Result<Buffers, Error>;
}

/// What arrives at the writer for one place in the order.
enum Arrival<D> {
    Done(D),
    End,
    Failed(Error),
}

type Numbered<T> = (u64, T);

/// Runs a flow to its end: all segments written, or one error. Every thread has ended when this returns.
///
/// `base` is the number of segments before the first one of this run.
pub(crate) fn run<F: Flow, W: WorkSide<F>>(
    window: usize,
    base: u64,
    reader: &mut impl ReadSide<F>,
    workers: Vec<W>,
    writer: &mut impl WriteSide<F>,
) -> Result<(), Error> {
    let window = window.max(1);
    let (permit_sender, permits) = sync_channel(window);
    let (job_sender, jobs) = sync_channel(window);
    // Every result holds a permit but one: the reader's last message.
    let (result_sender, results) = sync_channel(window + 1);
    let stop = AtomicBool::new(false);
    for _ in 0..window {
        let _ = permit_sender.try_send(Buffers::default());
    }
    thread::scope(|scope| {
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::with_capacity(workers.len() + 1);
        for (number, mut worker) in workers.into_iter().enumerate() {
            let (jobs, results) = (Arc::clone(&jobs), result_sender.clone());
            let spawn = thread::Builder::new().name(format!("sv2-worker-{number}"));
            threads.push(
                spawn.spawn_scoped(scope, move || work_all::<F, W>(&mut worker, &jobs, &results, base)),
            );
        }
        // The workers own the receiver of jobs: when they are gone, the reader notices instead of waiting for ever.
        drop(jobs);
        let stop = &stop;
        let read = move || read_all::<F>(reader, &permits, &job_sender, &result_sender, stop, base);
        threads.push(thread::Builder::new().name("sv2-reader".into()).spawn_scoped(scope, read));
        let (threads, failed): (Vec<_>, Vec<_>) = threads.into_iter().partition(Result::is_ok);
        let written = match failed.into_iter().find_map(Result::err) {
            None => write_all::<F>(writer, results, permit_sender, window, stop, base),
            Some(error) => {
                drop((results, permit_sender));
                Err(Error::io(Stage::Start, None, error))
            }
        };
        // Leaving the scope would wait for the closures only; joining waits for the threads.
        for thread in threads.into_iter().flatten() {
            let _ = thread.join();
        }
        written
    })
}

/// The reader thread: a permit, a segment, a job; and at the end one last message in its place.
fn read_all<F: Flow>(
    reader: &mut impl ReadSide<F>,
    permits: &Receiver<Buffers>,
    jobs: &SyncSender<Numbered<F::Job>>,
    results: &SyncSender<Numbered<Arrival<F::Done>>>,
    stop: &AtomicBool,
    base: u64,
) {
    for place in 0.. {
        let Ok(permit) = permits.recv() else { return };
        if stop.load(Ordering::Acquire) {
            return;
        }
        let next = guarded(Stage::Source, Some(base + place), || reader.next_job(base + place, permit));
        let last = match next {
            Ok(Some(job)) => match jobs.send((place, job)) {
                Ok(()) => continue,
                Err(_) => return,
            },
            Ok(None) => Arrival::End,
            Err(error) => Arrival::Failed(error),
        };
        let _ = results.send((place, last));
        return;
    }
}

/// A worker thread: jobs to results until there are no more, or until the worker panicked.
fn work_all<F: Flow, W: WorkSide<F>>(
    worker: &mut W,
    jobs: &Mutex<Receiver<Numbered<F::Job>>>,
    results: &SyncSender<Numbered<Arrival<F::Done>>>,
    base: u64,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((place, job)) = job else { return };
        let (result, panicked) = match catch_unwind(AssertUnwindSafe(|| worker.work(job))) {
            Ok(result) => (result, false),
            Err(panic) => (Err(Error::panic(Stage::Worker, Some(base + place), &*panic)), true),
        };
        let arrival = result.map_or_else(Arrival::Failed, Arrival::Done);
        if results.send((place, arrival)).is_err() || panicked {
            return;
        }
    }
}

/// The writer: results in order, permits back. Returning drops both channel ends, which ends all others.
fn write_all<F: Flow>(
    writer: &mut impl WriteSide<F>,
    results: Receiver<Numbered<Arrival<F::Done>>>,
    permits: SyncSender<Buffers>,
    window: usize,
    stop: &AtomicBool,
    base: u64,
) -> Result<(), Error> {
    let mut reorder = Reorder::new(window + 1);
    let mut place = 0;
    while let Ok((arrived, arrival)) = results.recv() {
        if matches!(arrival, Arrival::Failed(_)) {
            // What is before the failed segment is still written; nothing after it needs to be read.
            stop.store(true, Ordering::Release);
        }
        if reorder.insert(arrived, arrival).is_err() {
            return Err(Error::panic(Stage::Writer, Some(base + place), &"a segment is outside the window"));
        }
        //= spec/stream-v2.md#sv2-rel-002
        //# A sequential reader MUST release the plaintext of segments in ascending order of segment_index,
        //# and none after the first segment that failed.
        //= spec/stream-v2.md#sv2-wrt-001
        //# A writer MUST write segments in ascending order of segment_index without gaps.
        while let Some(arrival) = reorder.next_in_order() {
            let done = match arrival {
                Arrival::Done(done) => done,
                Arrival::End => return Ok(()),
                Arrival::Failed(error) => return Err(error),
            };
            let permit = guarded(Stage::Writer, Some(base + place), || writer.write(done))?;
            // Never waits: there is room for every permit.
            let _ = permits.try_send(permit);
            place += 1;
        }
    }
    Err(Error::panic(Stage::Writer, Some(base + place), &"all threads ended before the stream did"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::atomic::AtomicU64;

    struct Counting;

    impl Flow for Counting {
        type Job = (u64, Buffers);
        type Done = (u64, Buffers);
    }

    struct Source<'a> {
        segments: u64,
        read: &'a AtomicU64,
    }

    impl ReadSide<Counting> for Source<'_> {
        fn next_job(&mut self, place: u64, permit: Buffers) -> Result<Option<(u64, Buffers)>, Error> {
            self.read.fetch_add(1, Ordering::SeqCst);
            Ok((place < self.segments).then_some((place, permit)))
        }
    }

    /// Holds back the first segment until nothing else can move.
    struct SlowFirst<'a> {
        read: &'a AtomicU64,
        window: u64,
        panic_at: Option<u64>,
    }

    impl WorkSide<Counting> for SlowFirst<'_> {
        fn work(&mut self, (place, permit): (u64, Buffers)) -> Result<(u64, Buffers), Error> {
            assert!(self.panic_at != Some(place), "planted");
            while place == 0 && self.read.load(Ordering::SeqCst) < self.window {
                thread::yield_now();
            }
            Ok((place, permit))
        }
    }

    struct Collect<'a> {
        written: Vec<u64>,
        read: &'a AtomicU64,
        ahead_max: u64,
        fail_at: Option<u64>,
    }

    impl WriteSide<Counting> for Collect<'_> {
        fn write(&mut self, (number, permit): (u64, Buffers)) -> Result<Buffers, Error> {
            let place = self.written.len() as u64;
            if self.fail_at == Some(place) {
                return Err(Error::io(Stage::Sink, Some(place), io::ErrorKind::StorageFull.into()));
            }
            self.ahead_max = self.ahead_max.max(self.read.load(Ordering::SeqCst) - place);
            self.written.push(number);
            Ok(permit)
        }
    }

    fn run_counting(
        segments: u64,
        panic_at: Option<u64>,
        fail_at: Option<u64>,
    ) -> (Result<(), Error>, Vec<u64>, u64) {
        let window = 8;
        let read = AtomicU64::new(0);
        let workers = (0..4).map(|_| SlowFirst { read: &read, window: 8.min(segments), panic_at }).collect();
        let mut writer = Collect { written: Vec::new(), read: &read, ahead_max: 0, fail_at };
        let mut source = Source { segments, read: &read };
        let result = run::<Counting, _>(window, 0, &mut source, workers, &mut writer);
        (result, writer.written, writer.ahead_max)
    }

    #[test]
    fn a_stalled_first_segment_fills_the_window_and_no_more() {
        let (result, written, ahead_max) = run_counting(2000, None, None);
        result.unwrap();
        assert_eq!(written, (0..2000).collect::<Vec<_>>());
        assert!(ahead_max <= 8, "{ahead_max}");
    }

    #[test]
    fn a_panic_is_one_error_after_everything_before_it() {
        let (result, written, _) = run_counting(2000, Some(100), None);
        let error = result.unwrap_err();
        assert_eq!((error.stage(), error.segment()), (Stage::Worker, Some(100)));
        assert_eq!(written, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_failing_sink_ends_everything() {
        let (result, written, _) = run_counting(2000, None, Some(3));
        let error = result.unwrap_err();
        assert_eq!((error.stage(), error.segment()), (Stage::Sink, Some(3)));
        assert_eq!(written, [0, 1, 2]);
    }
}
