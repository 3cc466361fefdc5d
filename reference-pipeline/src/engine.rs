//! The engine on std threads: one reader, n workers, and the ordered writer on the caller's thread.
//!
//! A permit (a pair of buffers) goes from the writer to the reader, with a segment through a worker, and back to the
//! writer. There are as many as the window is wide, and every channel has room for all of them:
//! so the reader waits for permits only, workers for jobs only, the writer for results only, and nobody waits in a circle.
//!
//! Errors travel in order like segments: the one that is reported does not depend on which thread was faster.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::buffers::Buffers;
use crate::flow::{Arrival, Engine, Flow, Numbered, ReadSide, WorkSide, WriteSide};
use crate::guard::{guarded, guarded_future};
use crate::ordered_writer::OrderedWriter;
use crate::ready::ready;
use crate::threads::{Arc, AtomicBool, Mutex, Receiver, SyncSender, scope, spawn, sync_channel};
use crate::{Error, Stage};

/// The engine on std threads.
pub(crate) struct Threads;

impl Engine for Threads {
    async fn run<F: Flow, W: WorkSide<F>>(
        &self,
        window: usize,
        base: u64,
        reader: &mut (impl ReadSide<F> + Send),
        workers: Vec<W>,
        writer: &mut impl WriteSide<F>,
    ) -> Result<(), Error> {
        run(window, base, reader, workers, writer)
    }
}

fn run<F: Flow, W: WorkSide<F>>(
    window: usize,
    base: u64,
    reader: &mut (impl ReadSide<F> + Send),
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
    scope(|scope| {
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::with_capacity(workers.len() + 1);
        for (number, mut worker) in workers.into_iter().enumerate() {
            let (jobs, results) = (Arc::clone(&jobs), result_sender.clone());
            let work = move || work_all::<F, W>(&mut worker, &jobs, &results, base);
            threads.push(spawn(scope, format!("sv2-worker-{number}"), work));
        }
        // The workers own the receiver of jobs: when they are gone, the reader notices instead of waiting for ever.
        drop(jobs);
        let stop = &stop;
        let read = move || read_all::<F>(reader, &permits, &job_sender, &result_sender, stop, base);
        threads.push(spawn(scope, "sv2-reader".into(), read));
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
    reader: &mut (impl ReadSide<F> + Send),
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
        let next = guarded_future(Stage::Source, Some(base + place), reader.next_job(base + place, permit));
        let last = match ready(next) {
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

/// A worker thread: jobs to results until there are no more, or until one failed.
fn work_all<F: Flow, W: WorkSide<F>>(
    worker: &mut W,
    jobs: &Mutex<Receiver<Numbered<F::Job>>>,
    results: &SyncSender<Numbered<Arrival<F::Done>>>,
    base: u64,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((place, job)) = job else { return };
        let result = guarded(Stage::Worker, Some(base + place), || worker.work(job));
        // Nobody asks for what follows a segment that failed; what is before it was taken before.
        let failed = result.is_err();
        let arrival = result.map_or_else(Arrival::Failed, Arrival::Done);
        if results.send((place, arrival)).is_err() || failed {
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
    let mut writer = OrderedWriter::<F, _>::new(writer, window, base);
    while let Ok(result) = results.recv() {
        if matches!(result.1, Arrival::Failed(_)) {
            // What is before the failed segment is still written; nothing after it needs to be read.
            stop.store(true, Ordering::Release);
        }
        // Never waits: there is room for every permit.
        let give_back = |permit| drop(permits.try_send(permit));
        if ready(writer.take(result, give_back))?.is_break() {
            return Ok(());
        }
    }
    Err(writer.defect("all threads ended before the stream did"))
}

#[cfg(test)]
mod tests {
    use super::Threads;
    use crate::counting;
    use crate::ready::ready;

    #[test]
    fn a_stalled_worker_fills_the_window_and_no_more() {
        ready(counting::a_stalled_worker_fills_the_window_and_no_more(&Threads));
    }

    #[test]
    fn a_panic_is_one_error_after_everything_before_it() {
        ready(counting::a_panic_is_one_error_after_everything_before_it(&Threads));
    }

    #[test]
    fn a_failing_sink_ends_everything() {
        ready(counting::a_failing_sink_ends_everything(&Threads));
    }
}
