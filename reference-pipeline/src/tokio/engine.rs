//! The engine on tasks: reader and writer in the future of the run, each segment's sealing or opening on a blocking thread.
//!
//! Permits, jobs, results and the order are those of the engine on threads. A worker that is idle waits in a channel; the reader takes one for each
//! job. So the reader waits for a permit, the source or an idle worker, the writer for a result or the sink, and nobody waits in a circle.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use ::tokio::runtime::Handle;
use ::tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::buffers::Buffers;
use crate::flow::{Arrival, Engine, Flow, Numbered, ReadSide, WorkSide, WriteSide};
use crate::guard::{guarded, guarded_future};
use crate::ordered_writer::OrderedWriter;
use crate::{Error, Stage};

/// The engine on the blocking threads of the Tokio runtime that polls it.
pub(crate) struct Tasks;

impl Engine for Tasks {
    async fn run<F: Flow, W: WorkSide<F>>(
        &self,
        window: usize,
        base: u64,
        reader: &mut (impl ReadSide<F> + Send),
        workers: Vec<W>,
        writer: &mut impl WriteSide<F>,
    ) -> Result<(), Error> {
        let runtime = Handle::try_current();
        let runtime = runtime.map_err(|error| Error::io(Stage::Start, None, io::Error::other(error)))?;
        let window = window.max(1);
        let (permit_sender, permits) = channel(window);
        let (idle_sender, idle) = channel(workers.len().max(1));
        // Every result holds a permit but one: the reader's last message.
        let (result_sender, mut results) = channel(window + 1);
        // None of these waits: there is room for all.
        (0..window).for_each(|_| drop(permit_sender.try_send(Buffers::default())));
        workers.into_iter().for_each(|worker| drop(idle_sender.try_send(worker)));
        let gone = Gone::default();
        let stop = AtomicBool::new(false);
        let pool =
            Pool::<F, W> { runtime, idle_sender, results: result_sender, gone: Arc::clone(&gone.0), base };
        let written = {
            let read = pin!(read_all(reader, permits, idle, pool, &stop));
            let write = pin!(write_all(writer, &mut results, &permit_sender, window, &stop, base));
            until_written(read, write).await
        };
        // Whatever is left on blocking threads: nobody asks for it, and it ends before this does.
        drop(gone);
        while results.recv().await.is_some() {}
        written
    }
}

/// Says, once it is dropped, that nobody waits for results any more.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Polls both until the writer is done; the reader ends before it or with it.
async fn until_written(
    mut read: std::pin::Pin<&mut impl Future<Output = ()>>,
    mut write: std::pin::Pin<&mut impl Future<Output = Result<(), Error>>>,
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

/// What the reader needs to have a job done.
struct Pool<F: Flow, W> {
    runtime: Handle,
    idle_sender: Sender<W>,
    results: Sender<Numbered<Arrival<F::Done>>>,
    gone: Arc<AtomicBool>,
    base: u64,
}

impl<F: Flow, W: WorkSide<F>> Pool<F, W> {
    /// Has a worker do a job on a blocking thread.
    fn start(&self, mut worker: W, place: u64, job: F::Job) {
        let mut reply = Reply::<F> { results: self.results.clone(), place: Some(place), base: self.base };
        let (idle, gone) = (self.idle_sender.clone(), Arc::clone(&self.gone));
        let segment = self.base + place;
        drop(self.runtime.spawn_blocking(move || {
            if gone.load(Ordering::Acquire) {
                return;
            }
            match guarded(Stage::Worker, Some(segment), || worker.work(job)) {
                Ok(done) => {
                    let _ = idle.try_send(worker);
                    reply.send(Arrival::Done(done));
                }
                // Nobody asks for what follows a segment that failed.
                Err(error) => reply.send(Arrival::Failed(error)),
            }
        }));
    }
}

/// The place of a result: something arrives there even where the runtime ends before the work was begun.
struct Reply<F: Flow> {
    results: Sender<Numbered<Arrival<F::Done>>>,
    place: Option<u64>,
    base: u64,
}

impl<F: Flow> Reply<F> {
    fn send(&mut self, arrival: Arrival<F::Done>) {
        if let Some(place) = self.place.take() {
            let _ = self.results.try_send((place, arrival));
        }
    }
}

impl<F: Flow> Drop for Reply<F> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let ended = io::Error::other("the runtime has shut down");
        self.send(Arrival::Failed(Error::io(Stage::Worker, Some(self.base + place), ended)));
    }
}

/// The reader: a permit, a segment, a worker; and at the end one last message in its place.
async fn read_all<F: Flow, W: WorkSide<F>>(
    reader: &mut impl ReadSide<F>,
    mut permits: Receiver<Buffers>,
    mut idle: Receiver<W>,
    pool: Pool<F, W>,
    stop: &AtomicBool,
) {
    for place in 0.. {
        let Some(permit) = permits.recv().await else { return };
        if stop.load(Ordering::Acquire) {
            return;
        }
        let segment = pool.base + place;
        let next = guarded_future(Stage::Source, Some(segment), reader.next_job(segment, permit)).await;
        let last = match next {
            Ok(Some(job)) => match idle.recv().await {
                Some(worker) => {
                    pool.start(worker, place, job);
                    continue;
                }
                None => return,
            },
            Ok(None) => Arrival::End,
            Err(error) => Arrival::Failed(error),
        };
        let _ = pool.results.try_send((place, last));
        return;
    }
}

/// The writer: results in order, permits back.
async fn write_all<F: Flow>(
    writer: &mut impl WriteSide<F>,
    results: &mut Receiver<Numbered<Arrival<F::Done>>>,
    permits: &Sender<Buffers>,
    window: usize,
    stop: &AtomicBool,
    base: u64,
) -> Result<(), Error> {
    let mut writer = OrderedWriter::<F, _>::new(writer, window, base);
    while let Some(result) = results.recv().await {
        if matches!(result.1, Arrival::Failed(_)) {
            // What is before the failed segment is still written; nothing after it needs to be read.
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
    use crate::counting;
    use ::tokio::runtime::Builder;

    fn wait(checked: impl Future<Output = ()>) {
        Builder::new_current_thread().build().unwrap().block_on(checked);
    }

    #[test]
    fn a_stalled_worker_fills_the_window_and_no_more() {
        wait(counting::a_stalled_worker_fills_the_window_and_no_more(&Tasks));
    }

    #[test]
    fn a_panic_is_one_error_after_everything_before_it() {
        wait(counting::a_panic_is_one_error_after_everything_before_it(&Tasks));
    }

    #[test]
    fn a_failing_sink_ends_everything() {
        wait(counting::a_failing_sink_ends_everything(&Tasks));
    }
}
