//! Reading from an `AsyncRead`.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use ::tokio::io::{AsyncRead, ReadBuf};

use crate::Shutdown;
use crate::ready::Source;
use crate::shutdown::Interruption;

/// A source that is awaited, and not longer than until a shutdown is requested.
pub(crate) struct Awaited<R> {
    source: R,
    shutdown: Shutdown,
}

impl<R> Awaited<R> {
    pub(crate) fn new(source: R, shutdown: &Shutdown) -> Self {
        Self { source, shutdown: shutdown.clone() }
    }
}

impl<R: AsyncRead + Unpin> Source for Awaited<R> {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut raised = pin!(self.shutdown.raised());
        let mut buffer = ReadBuf::new(buffer);
        poll_fn(|context| {
            if raised.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::Error::other(Interruption)));
            }
            ready!(Pin::new(&mut self.source).poll_read(context, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }
}
