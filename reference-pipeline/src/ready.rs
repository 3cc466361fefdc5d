//! One code for threads and for tasks: the writer and the framing are written as futures. On threads all that they wait for blocks, so that they
//! are ready at the first poll; nothing there knows a runtime.

use std::io::{self, ErrorKind, Read};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;

#[cfg(not(feature = "tokio-engine"))]
pub(crate) use crate::engine::Threads as BlockingEngine;
/// With the feature `tokio-engine` every test of the threads is one of the tasks (`.ci/tasks`).
#[cfg(feature = "tokio-engine")]
pub(crate) use crate::tokio::Tasks as BlockingEngine;

/// The value of a future that waits for nothing but [`Blocking`].
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The result of a run whose caller waits for it.
pub(crate) fn wait<T>(run: impl Future<Output = T>) -> T {
    #[cfg(not(feature = "tokio-engine"))]
    return ready(run);
    #[cfg(feature = "tokio-engine")]
    crate::tokio::wait(run)
}

/// What is not awaited anywhere else is suspended here, where tests want to see that.
pub(crate) async fn suspend() {
    #[cfg(feature = "tokio-engine")]
    crate::tokio::suspend_once().await;
}

/// What bytes come from.
pub(crate) trait Source {
    /// As [`Read::read`].
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;

    /// Reads until `buffer` is full or the source ends; returns how many bytes there are. The buffer may be another one of the same length then.
    /// `next` bytes will be asked for before the next buffer is.
    fn fill(&mut self, buffer: &mut BytesMut, next: usize) -> impl Future<Output = io::Result<usize>> {
        let _ = next;
        fill(self, buffer)
    }
}

/// Something that makes its caller wait instead of being awaited.
pub(crate) struct Blocking<T>(pub(crate) T);

impl<R: Read> Source for Blocking<R> {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        suspend().await;
        self.0.read(buffer)
    }
}

/// Reads until `buffer` is full or the source ends; returns how many bytes there are.
///
/// An interrupted read is tried again.
pub(crate) async fn fill(source: &mut (impl Source + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    //= spec/stream-v2.md#sv2-rdr-002
    //# A reader MUST give the same result, the same released bytes and the same error for an input however
    //# the input is cut into reads.
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]).await {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
