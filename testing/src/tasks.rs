//! Runtimes, and sources that are awaited.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::{Builder, Runtime};

pub fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread().build(), Builder::new_multi_thread().worker_threads(2).build()]
        .map(Result::unwrap)
}

/// Gives at most `most` bytes a call, and nothing at every other one.
pub struct Sips<R> {
    source: R,
    most: usize,
    waits: bool,
}

impl<R> Sips<R> {
    pub fn new(source: R, most: usize) -> Self {
        Self { source, most, waits: false }
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

/// Polls a future so many times, and drops it.
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

/// As [`poll_times`], without waiting for what would wake the future.
pub async fn poll_at_once<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let waking = poll_fn(|context| {
        context.waker().wake_by_ref();
        future.as_mut().poll(context)
    });
    poll_times(waking, times).await
}
