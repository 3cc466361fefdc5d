//! The items that flow through an engine, and the three stages that it connects: reader, workers,
//! writer.

use super::parallelism::Parallelism;
use crate::error::Error;
use crate::segment::buffers::Buffers;

/// The types that flow: jobs from the reader to the workers, results from them to the writer.
pub(crate) trait Flow: 'static {
    /// A segment that was read, with its permit.
    type Job: Send + 'static;
    /// A segment that was sealed or opened, with its permit.
    type Done: Send + 'static;
}

/// The reader: returns the job for segment `place` of the stream and a permit, or `None` at the
/// end.
pub(crate) trait ReaderStage<F: Flow> {
    fn next_job(
        &mut self,
        place: u64,
        permit: Buffers,
    ) -> impl Future<Output = Result<Option<F::Job>, Error>>;

    /// Returns whether the last segment read was less than a full one, so that little or nothing
    /// follows.
    fn is_short(&self) -> bool;

    /// Returns whether reading never waits for another party.
    ///
    /// If so, a thread with other duties may read as well.
    fn is_nonblocking(&self) -> bool;
}

/// A worker: pure.
pub(crate) trait WorkerStage<F: Flow>: Send + 'static {
    fn work(&mut self, job: F::Job) -> Result<F::Done, Error>;
}

/// The writer: takes finished segments in order and gives their permits back.
pub(crate) trait WriterStage<F: Flow> {
    fn write(&mut self, done: F::Done) -> impl Future<Output = Result<Buffers, Error>>;
}

/// The message that the writer receives for one place in the order.
pub(crate) enum Outcome<D> {
    Done(D),
    End,
    Failed(Error),
}

/// An item with its place in the order, from 0 for the first segment of a run.
pub(crate) type Sequenced<T> = (u64, T);

/// Runs flows on threads or on tasks.
pub(crate) trait Engine {
    /// Runs a flow to its end: all segments written, or one error.
    ///
    /// Every thread or task has ended when this returns. `parallelism` sets the width, and `worker`
    /// makes each worker. `base` is the number of segments before the first one of this run.
    fn run<F: Flow, W: WorkerStage<F>>(
        &self,
        parallelism: Parallelism,
        base: u64,
        reader: &mut (impl ReaderStage<F> + Send),
        worker: impl FnMut() -> W,
        writer: &mut impl WriterStage<F>,
    ) -> impl Future<Output = Result<(), Error>>;

    /// Calls a function that computes for long, such as Argon2id, where it delays no other task.
    ///
    /// `keys` is copied only if another thread calls it.
    fn compute<K: Clone + Send + 'static, T: Send + 'static>(
        &self,
        keys: &K,
        call: impl FnOnce(&K) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>>;
}
