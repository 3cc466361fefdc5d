//! The engine on tasks: reader and writer run in the future of the run, and workers on blocking
//! threads.
//!
//! Permits, jobs, results and their order are those of the engine on threads. A worker occupies a
//! blocking thread only while there are jobs, and never waits there. The reader waits for a permit
//! or the source, the writer for a result or the sink. So the pipeline cannot deadlock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::{io, iter};

use ::tokio::runtime::Handle;
use ::tokio::sync::mpsc::{Receiver, Sender, channel};

use super::catch_panic::{catch_panic, catch_panic_async};
use super::ordered_writer::OrderedWriter;
use super::parallelism::Parallelism;
use super::stages::{Engine, Flow, Outcome, ReaderStage, Sequenced, WorkerStage, WriterStage};
use crate::error::{Error, Stage};
use crate::segment::buffers::Buffers;

/// The engine on the blocking threads of the Tokio runtime that polls it.
pub(crate) struct Tasks;

impl Engine for Tasks {
    async fn run<F: Flow, W: WorkerStage<F>>(
        &self,
        parallelism: Parallelism,
        base: u64,
        reader: &mut (impl ReaderStage<F> + Send),
        worker: impl FnMut() -> W,
        writer: &mut impl WriterStage<F>,
    ) -> Result<(), Error> {
        let runtime = runtime()?;
        let Parallelism { workers, window } = parallelism.resolved();
        let (permit_sender, permits) = channel(window);
        // Every result holds a permit except one: the reader's last message.
        let (result_sender, mut results) = channel(window + 1);
        // Never waits: there is room for all.
        (0..window).for_each(|_| drop(permit_sender.try_send(Buffers::default())));
        let idle = iter::repeat_with(worker).take(workers).collect();
        let crew = Crew::<F, W> { idle, jobs: VecDeque::with_capacity(window), gone: false };
        let crew = Arc::new(Mutex::new(crew));
        let stop = AtomicBool::new(false);
        // However this ends, no receiver waits for results any more.
        let gone = Gone(&crew);
        let pool = Pool { runtime, crew: Arc::clone(&crew), results: result_sender, base };
        let written = {
            let read = pin!(read_all(reader, permits, pool, &stop));
            let write = pin!(write_all(writer, &mut results, &permit_sender, window, &stop, base));
            until_written(read, write).await
        };
        drop(gone);
        // Work on blocking threads ends before this function returns.
        while results.recv().await.is_some() {}
        written
    }

    async fn compute<K: Clone + Send + 'static, T: Send + 'static>(
        &self,
        keys: &K,
        call: impl FnOnce(&K) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let keys = keys.clone();
        // A panic becomes an error there, as everywhere.
        let call = move || catch_panic(Stage::Start, None, || call(&keys));
        let called = runtime()?.spawn_blocking(call).await;
        called.unwrap_or_else(|error| Err(Error::io(Stage::Start, None, io::Error::other(error))))
    }
}

/// Returns the runtime that polls this.
fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|error| Error::io(Stage::Start, None, io::Error::other(error)))
}

/// Polls both until the writer is done. The reader ends before it or with it.
async fn until_written(
    mut read: Pin<&mut impl Future<Output = ()>>,
    mut write: Pin<&mut impl Future<Output = Result<(), Error>>>,
) -> Result<(), Error> {
    let mut reading = true;
    poll_fn(|context| {
        if let Poll::Ready(written) = write.as_mut().poll(context) {
            return Poll::Ready(written);
        }
        reading = reading && read.as_mut().poll(context).is_pending();
        Poll::Pending
    })
    .await
}

/// The idle workers, and the jobs that no worker has taken. One of the two is empty.
struct Crew<F: Flow, W> {
    idle: Vec<W>,
    jobs: VecDeque<Sequenced<F::Job>>,
    gone: bool,
}

type Shared<F, W> = Arc<Mutex<Crew<F, W>>>;

/// Locks the crew for a moment. The holder of the lock never waits.
fn held<F: Flow, W>(crew: &Mutex<Crew<F, W>>) -> MutexGuard<'_, Crew<F, W>> {
    crew.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records, when it is dropped, that no receiver waits for results any more.
struct Gone<'c, F: Flow, W>(&'c Mutex<Crew<F, W>>);

impl<F: Flow, W> Drop for Gone<'_, F, W> {
    fn drop(&mut self) {
        held(self.0).gone = true;
    }
}

/// Everything that the reader needs to hand out jobs.
struct Pool<F: Flow, W> {
    runtime: Handle,
    crew: Shared<F, W>,
    results: Sender<Sequenced<Outcome<F::Done>>>,
    base: u64,
}

impl<F: Flow, W: WorkerStage<F>> Pool<F, W> {
    /// Starts an idle worker with the job on a blocking thread, or else queues it for the first
    /// worker that becomes idle.
    fn offer(&self, job: Sequenced<F::Job>) {
        let mut crew = held(&self.crew);
        let Some(worker) = crew.idle.pop() else { return crew.jobs.push_back(job) };
        drop(crew);
        let results = self.results.clone();
        let reply = Reply { results, place: job.0, base: self.base, sent: false };
        let crew = Arc::clone(&self.crew);
        drop(self.runtime.spawn_blocking(move || work_all(worker, job, &crew, reply)));
    }
}

/// Runs a worker on a blocking thread: turns jobs into results until none is left or one failed.
fn work_all<F: Flow, W: WorkerStage<F>>(
    mut worker: W,
    first: Sequenced<F::Job>,
    crew: &Mutex<Crew<F, W>>,
    mut reply: Reply<F>,
) {
    let mut next = Some(first);
    while let Some((place, job)) = next {
        if held(crew).gone {
            return;
        }
        reply.begin(place);
        match catch_panic(Stage::Worker, Some(reply.base + place), || worker.work(job)) {
            Ok(done) => reply.send(Outcome::Done(done)),
            // Segments after a failed one are not needed, and those before it were taken earlier.
            Err(error) => return reply.send(Outcome::Failed(error)),
        }
        let mut crew = held(crew);
        next = crew.jobs.pop_front();
        if next.is_none() {
            return crew.idle.push(worker);
        }
    }
}

/// The place of a result. A message arrives there even if the runtime ends before the work begins.
struct Reply<F: Flow> {
    results: Sender<Sequenced<Outcome<F::Done>>>,
    place: u64,
    base: u64,
    sent: bool,
}

impl<F: Flow> Reply<F> {
    fn begin(&mut self, place: u64) {
        (self.place, self.sent) = (place, false);
    }

    /// Sends the result. It never waits, because there is room for every result.
    fn send(&mut self, outcome: Outcome<F::Done>) {
        self.sent = true;
        let _ = self.results.try_send((self.place, outcome));
    }
}

impl<F: Flow> Drop for Reply<F> {
    fn drop(&mut self) {
        if !self.sent {
            let ended = io::Error::other("the runtime has shut down");
            let segment = Some(self.base + self.place);
            self.send(Outcome::Failed(Error::io(Stage::Worker, segment, ended)));
        }
    }
}

/// Runs the reader: a permit, a segment and a job, again and again, and one last message in its
/// place.
async fn read_all<F: Flow, W: WorkerStage<F>>(
    reader: &mut impl ReaderStage<F>,
    mut permits: Receiver<Buffers>,
    pool: Pool<F, W>,
    stop: &AtomicBool,
) {
    for place in 0.. {
        let Some(permit) = permits.recv().await else { return };
        if stop.load(Ordering::Acquire) {
            return;
        }
        let segment = pool.base + place;
        let next = catch_panic_async(Stage::Source, Some(segment), reader.next_job(segment, permit)).await;
        let last = match next {
            Ok(Some(job)) => {
                pool.offer((place, job));
                continue;
            }
            Ok(None) => Outcome::End,
            Err(error) => Outcome::Failed(error),
        };
        let _ = pool.results.try_send((place, last));
        return;
    }
}

/// Runs the writer: results in order, permits back.
async fn write_all<F: Flow>(
    writer: &mut impl WriterStage<F>,
    results: &mut Receiver<Sequenced<Outcome<F::Done>>>,
    permits: &Sender<Buffers>,
    window: usize,
    stop: &AtomicBool,
    base: u64,
) -> Result<(), Error> {
    let mut writer = OrderedWriter::<F, _>::new(writer, window, base);
    while let Some(result) = results.recv().await {
        if matches!(result.1, Outcome::Failed(_)) {
            // Segments before the failed one are still written. Nothing after it needs to be read.
            stop.store(true, Ordering::Release);
        }
        // Never waits: there is room for every permit.
        if writer.take(result, |permit| drop(permits.try_send(permit))).await?.is_break() {
            return Ok(());
        }
    }
    Err(writer.defect("all workers ended before the stream did"))
}

#[cfg(test)]
mod tests {
    use super::Tasks;
    use crate::engine::contract_tests;
    use ::tokio::runtime::Builder;

    fn wait(checked: impl Future<Output = ()>) {
        Builder::new_current_thread().build().unwrap().block_on(checked);
    }

    #[test]
    fn a_stalled_worker_fills_the_window_and_no_more() {
        wait(contract_tests::a_stalled_worker_fills_the_window_and_no_more(&Tasks));
    }

    #[test]
    fn panic_is_one_error_after_its_prefix() {
        wait(contract_tests::panic_is_one_error_after_its_prefix(&Tasks));
    }

    #[test]
    fn a_failing_sink_ends_everything() {
        wait(contract_tests::a_failing_sink_ends_everything(&Tasks));
    }
}
