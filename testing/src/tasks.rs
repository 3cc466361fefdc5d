//! Runtimes, and sources and sinks that are awaited.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use stream_v2_pipeline::tokio::{AsyncOutputSink, OwnedUnit};
use stream_v2_pipeline::{OutputSink, SinkUnit};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().unwrap();
}

/// Returns the value of a future, on the runtime of this thread.
pub fn on_tasks<T>(run: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(run))
}

pub fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread().build(), Builder::new_multi_thread().worker_threads(2).build()]
        .map(Result::unwrap)
}

/// Gives at most `most` bytes a call, and is pending at every other poll.
pub struct Sips<R> {
    source: R,
    most: usize,
    waits: bool,
}

impl<R> Sips<R> {
    pub fn new(source: R, most: usize) -> Self {
        Self { source, most, waits: false }
    }

    /// Gives as many bytes a call as requested.
    pub fn all(source: R) -> Self {
        Self::new(source, usize::MAX)
    }
}

impl<R: io::Read + Unpin> AsyncRead for Sips<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let sips = self.get_mut();
        sips.waits = !sips.waits;
        if sips.waits {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = sips.most.min(buffer.remaining());
        let read = sips.source.read(buffer.initialize_unfilled_to(most))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

/// A sink that is not ready at once.
pub struct AwaitedSink<'a, S: ?Sized>(pub &'a mut S);

impl<S: OutputSink + Send + ?Sized> AsyncOutputSink for AwaitedSink<'_, S> {
    async fn append(&mut self, unit: OwnedUnit) -> io::Result<()> {
        pending_once().await;
        let OwnedUnit { index, position, head, body } = &unit;
        self.0.append(&SinkUnit { index: *index, position: *position, head, body })
    }

    async fn make_durable(&mut self) -> io::Result<()> {
        pending_once().await;
        self.0.make_durable()
    }

    async fn take_back(&mut self, position: u64) -> io::Result<()> {
        pending_once().await;
        self.0.take_back(position)
    }

    async fn seal(&mut self) -> io::Result<()> {
        pending_once().await;
        self.0.seal()
    }

    async fn suspend(&mut self) -> io::Result<()> {
        pending_once().await;
        self.0.suspend()
    }

    async fn roll_back(&mut self, recorded: u64) -> io::Result<()> {
        pending_once().await;
        self.0.roll_back(recorded)
    }

    async fn abort(&mut self) -> io::Result<()> {
        pending_once().await;
        self.0.abort()
    }
}

async fn pending_once() {
    let mut was_polled = false;
    poll_fn(|context| match std::mem::replace(&mut was_polled, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Polls a future this many times, and drops it.
pub async fn poll_times<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = times;
    poll_fn(|context| {
        let Some(fewer) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = fewer;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Does the same as [`poll_times`], but does not wait for the future to be woken.
pub async fn poll_at_once<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let waking = poll_fn(|context| {
        context.waker().wake_by_ref();
        future.as_mut().poll(context)
    });
    poll_times(waking, times).await
}
