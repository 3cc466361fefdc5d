//! The engine on std threads: n workers that take turns at reading, and the ordered writer on the
//! caller's thread.
//!
//! The worker that reads a segment also seals or opens it. Its bytes stay in the cache of one
//! processor, and no job waits for a thread to wake up. If reading never waits for another party,
//! the caller's thread is also a worker whenever the writer is idle.
//!
//! A permit is a pair of buffers. It goes from the writer to a worker, which reads when it is its
//! turn. Then it goes with a segment through the worker's work, and back to the writer. There are
//! as many permits as the window is wide, and the results have room for all of them. Workers wait
//! only for permits and for their turn, and the writer only for results. So the pipeline cannot
//! deadlock.
//!
//! Short work is done before a thread could have begun (see [`SourceLock::begin`]).
//!
//! Errors travel in order like segments, so the reported error does not depend on which thread was
//! faster.

use std::iter;
use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::block_on::block_on;
use super::catch_panic::{catch_panic, catch_panic_async};
use super::ordered_writer::OrderedWriter;
use super::parallelism::Parallelism;
use super::stages::{Engine, Flow, Outcome, ReaderStage, Sequenced, WorkerStage, WriterStage};
use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Receiver, SyncSender, scope, spawn, sync_channel};
use crate::error::{Error, Stage};
use crate::segment::buffers::Buffers;

/// Most segments that are read, processed and written without starting a thread.
///
/// A stream of short segments gets its threads after these.
const ALONE_MAX: u64 = 4;

/// The engine on std threads.
pub(crate) struct Threads;

impl Engine for Threads {
    async fn run<F: Flow, W: WorkerStage<F>>(
        &self,
        parallelism: Parallelism,
        base: u64,
        reader: &mut (impl ReaderStage<F> + Send),
        mut worker: impl FnMut() -> W,
        writer: &mut impl WriterStage<F>,
    ) -> Result<(), Error> {
        let mut writer = OrderedWriter::<F, _>::new(writer, 1, base);
        let mut source = SourceLock::<F, _> { reader, base, place: 0, prefetched: None, is_over: false };
        let mut first = worker();
        if source.begin(&mut first, &mut writer)?.is_break() {
            return Ok(());
        }
        let Parallelism { workers, window } = parallelism.resolved();
        writer.widen(window);
        let workers = iter::once(first).chain((1..workers).map(|_| worker())).collect();
        run(window, source, workers, writer)
    }

    async fn compute<K: Clone + Send + 'static, T: Send + 'static>(
        &self,
        keys: &K,
        call: impl FnOnce(&K) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        call(keys)
    }
}

/// Starts the threads, runs the writer, and joins the threads.
fn run<F: Flow, W: WorkerStage<F>>(
    window: usize,
    source: SourceLock<'_, F, impl ReaderStage<F> + Send>,
    mut workers: Vec<W>,
    mut writer: OrderedWriter<'_, F, impl WriterStage<F>>,
) -> Result<(), Error> {
    // Every result holds a permit except one: the last message of the source.
    let (result_sender, results) = sync_channel(window + 1);
    // The prefetched segment already has a permit.
    let permits = Permits::new(window - usize::from(source.prefetched.is_some()));
    let mut own = if source.reader.is_nonblocking() { workers.pop() } else { None };
    let base = source.base;
    let shared = Shared { base, source: Mutex::new(source), permits, stop: AtomicBool::new(false) };
    scope(|scope| {
        let mut threads = Vec::with_capacity(workers.len());
        for (number, mut worker) in workers.into_iter().enumerate() {
            let (shared, results) = (&shared, result_sender.clone());
            let work = move || shared.work_all(&mut worker, &results);
            threads.push(spawn(scope, format!("sv2-worker-{number}"), work));
        }
        // Only other threads send. When they have ended, the writer notices.
        drop(result_sender);
        let (threads, failed): (Vec<_>, Vec<_>) = threads.into_iter().partition(Result::is_ok);
        let written = match failed.into_iter().find_map(Result::err) {
            None => shared.write_all(&mut writer, own.as_mut(), results),
            Some(error) => Err(Error::io(Stage::Start, None, error)),
        };
        shared.permits.close();
        // Leaving the scope would wait for the closures only, but joining waits for the threads.
        for thread in threads.into_iter().flatten() {
            let _ = thread.join();
        }
        written
    })
}

/// The reader, for the worker whose turn it is.
struct SourceLock<'r, F: Flow, R> {
    reader: &'r mut R,
    base: u64,
    /// The place of the segment that is read next.
    place: u64,
    /// The segment before it, if it was read and no worker has taken it.
    prefetched: Option<Sequenced<F::Job>>,
    /// True once the source has given its last message.
    is_over: bool,
}

/// The reader's answer: a job, or the last message.
type Next<F> = Result<Sequenced<<F as Flow>::Job>, Sequenced<Outcome<<F as Flow>::Done>>>;

impl<F: Flow, R: ReaderStage<F>> SourceLock<'_, F, R> {
    /// Processes short streams on the caller's thread. Breaks if that was the whole stream.
    ///
    /// A stream of one segment that is not full needs no thread and no second pair of buffers.
    fn begin<W: WorkerStage<F>>(
        &mut self,
        worker: &mut W,
        writer: &mut OrderedWriter<'_, F, impl WriterStage<F>>,
    ) -> Result<ControlFlow<()>, Error> {
        let mut permit = Buffers::default();
        while self.place < ALONE_MAX {
            let result = match self.read(permit) {
                Ok(job) if !self.reader.is_short() => {
                    self.prefetched = Some(job);
                    break;
                }
                next => work(worker, self.base, next),
            };
            permit = Buffers::default();
            if block_on(writer.take(result, |back| permit = back))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads the next segment, or returns the last message if the source ends or fails.
    fn read(&mut self, permit: Buffers) -> Next<F> {
        let (place, number) = (self.place, self.base + self.place);
        let next = catch_panic_async(Stage::Source, Some(number), self.reader.next_job(number, permit));
        let last = match block_on(next) {
            Ok(Some(job)) => {
                self.place += 1;
                return Ok((place, job));
            }
            Ok(None) => Outcome::End,
            Err(error) => Outcome::Failed(error),
        };
        self.is_over = true;
        Err((place, last))
    }
}

/// Seals or opens the segment that was read.
fn work<F: Flow, W: WorkerStage<F>>(worker: &mut W, base: u64, next: Next<F>) -> Sequenced<Outcome<F::Done>> {
    match next {
        Ok((place, job)) => {
            let done = catch_panic(Stage::Worker, Some(base + place), || worker.work(job));
            (place, done.map_or_else(Outcome::Failed, Outcome::Done))
        }
        Err(last) => last,
    }
}

/// The state that all threads of a run share.
struct Shared<'r, F: Flow, R> {
    base: u64,
    source: Mutex<SourceLock<'r, F, R>>,
    permits: Permits,
    stop: AtomicBool,
}

impl<F: Flow, R: ReaderStage<F>> Shared<'_, F, R> {
    /// Runs a worker's thread: takes a permit, reads a segment when it is its turn, and sends a
    /// result.
    ///
    /// It ends when no segment is left, or when one failed.
    fn work_all<W: WorkerStage<F>>(&self, worker: &mut W, results: &SyncSender<Sequenced<Outcome<F::Done>>>) {
        let mut prefetched = self.prefetched();
        loop {
            let next = prefetched.take().or_else(|| {
                let permit = self.permits.wait();
                self.next(permit?)
            });
            let Some(next) = next else { return };
            let result = work(worker, self.base, next);
            // Segments after a failed one are not needed, and those before it are with other
            // workers.
            let is_last = !matches!(result.1, Outcome::Done(_));
            if results.send(result).is_err() || is_last {
                return;
            }
        }
    }

    /// Runs the writer: results in order, permits back.
    ///
    /// If it has a worker of its own, it processes segments that no worker has begun, as long as no
    /// result has arrived.
    fn write_all<W: WorkerStage<F>>(
        &self,
        writer: &mut OrderedWriter<'_, F, impl WriterStage<F>>,
        own: Option<&mut W>,
        results: Receiver<Sequenced<Outcome<F::Done>>>,
    ) -> Result<(), Error> {
        let mut own = own.map(|worker| (worker, self.prefetched()));
        loop {
            let result = match &mut own {
                None => results.recv().ok(),
                Some((worker, prefetched)) => results.try_recv().ok().or_else(|| {
                    match prefetched.take().or_else(|| self.next_at_once()) {
                        Some(next) => Some(work(*worker, self.base, next)),
                        // Others have all there is.
                        None => results.recv().ok(),
                    }
                }),
            };
            let Some(result) = result else {
                return Err(writer.defect("all threads ended before the stream did"));
            };
            if matches!(result.1, Outcome::Failed(_)) {
                // Segments before the failed one are still written. Nothing after it needs to be
                // read.
                self.stop.store(true, Ordering::Release);
            }
            if block_on(writer.take(result, |permit| self.permits.give(permit)))?.is_break() {
                return Ok(());
            }
        }
    }

    /// Returns the segment after which the threads were started, to the first caller.
    fn prefetched(&self) -> Option<Next<F>> {
        held(&self.source).prefetched.take().map(Ok)
    }

    /// Returns the next segment, or `None` after the last message.
    fn next(&self, permit: Buffers) -> Option<Next<F>> {
        let mut source = held(&self.source);
        if source.is_over || self.stop.load(Ordering::Acquire) {
            return None;
        }
        Some(source.read(permit))
    }

    /// Returns the next segment, if a permit is free.
    fn next_at_once(&self) -> Option<Next<F>> {
        let permit = self.permits.take();
        self.next(permit?)
    }
}

/// The free permits. The last one returned goes out first, because its memory is still in a cache.
struct Permits {
    free: Mutex<Free>,
    came_back: Condvar,
}

struct Free {
    permits: Vec<Buffers>,
    /// True once the writer has returned. No permit is handed out any more.
    closed: bool,
}

impl Permits {
    fn new(count: usize) -> Self {
        let permits = (0..count).map(|_| Buffers::default()).collect();
        Self { free: Mutex::new(Free { permits, closed: false }), came_back: Condvar::new() }
    }

    fn take(&self) -> Option<Buffers> {
        held(&self.free).permits.pop()
    }

    /// Waits for a permit. Returns `None` once the permits are closed.
    fn wait(&self) -> Option<Buffers> {
        let mut free = held(&self.free);
        while free.permits.is_empty() && !free.closed {
            free = self.came_back.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        if free.closed { None } else { free.permits.pop() }
    }

    fn give(&self, permit: Buffers) {
        held(&self.free).permits.push(permit);
        self.came_back.notify_one();
    }

    fn close(&self) {
        held(&self.free).closed = true;
        self.came_back.notify_all();
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Threads;
    use crate::engine::block_on::block_on;
    use crate::engine::contract_tests;

    #[test]
    fn a_stalled_worker_fills_the_window_and_no_more() {
        block_on(contract_tests::a_stalled_worker_fills_the_window_and_no_more(&Threads));
    }

    #[test]
    fn panic_is_one_error_after_its_prefix() {
        block_on(contract_tests::panic_is_one_error_after_its_prefix(&Threads));
    }

    #[test]
    fn a_failing_sink_ends_everything() {
        block_on(contract_tests::a_failing_sink_ends_everything(&Threads));
    }
}
