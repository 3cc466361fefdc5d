//! Sources that are awaited.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead, ReadBuf};
use bytes::BytesMut;

use crate::engine::Shutdown;
use crate::engine::shutdown::Interruption;
use crate::segment::buffers::resize;
use crate::source::{self, Source};

/// A source of bytes: every `AsyncRead`, and [`ReadAhead`](super::ReadAhead).
///
/// Only this crate implements it.
pub trait AsyncSource: Send + sealed::Sealed {
    /// Reads up to `buffer.len()` bytes. 0 means the end. An `Interrupted` read is tried again.
    ///
    /// # Errors
    ///
    /// - any error that prevents the read.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Exchanges `buffer` for another of the same length, which holds the next bytes of the source.
    ///
    /// Returns `false` if it reads nothing. It saves copying if the source has buffers itself.
    /// `next` bytes will be read before another buffer is to be exchanged.
    ///
    /// # Errors
    ///
    /// - any error that prevents the read.
    fn poll_exchange(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        next: usize,
    ) -> Poll<io::Result<bool>> {
        let _ = (context, buffer, next);
        Poll::Ready(Ok(false))
    }
}

pub(super) mod sealed {
    /// Keeps other crates from implementing [`AsyncSource`](super::AsyncSource).
    pub trait Sealed {}
}

impl<R: AsyncRead + Unpin + Send> sealed::Sealed for R {}

impl<R: AsyncRead + Unpin + Send> AsyncSource for R {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(self).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

/// A source that is awaited until a shutdown is requested.
///
/// It has one type for all sources of callers, so less is compiled for each.
pub(crate) struct Awaited<'s> {
    source: &'s mut dyn AsyncSource,
    shutdown: Shutdown,
}

impl<'s> Awaited<'s> {
    pub(crate) fn new(source: &'s mut dyn AsyncSource, shutdown: &Shutdown) -> Self {
        Self { source, shutdown: shutdown.clone() }
    }

    async fn unless_shut_down<T>(
        &mut self,
        mut poll: impl FnMut(&mut dyn AsyncSource, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let mut raised = pin!(self.shutdown.raised());
        poll_fn(|context| {
            if raised.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::Error::other(Interruption)));
            }
            poll(self.source, context)
        })
        .await
    }
}

impl Source for Awaited<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.unless_shut_down(|source, context| source.poll_read(context, buffer)).await
    }

    async fn fill(&mut self, buffer: &mut BytesMut, len: usize, next: usize) -> io::Result<usize> {
        resize(buffer, len);
        match self.unless_shut_down(|source, context| source.poll_exchange(context, buffer, next)).await {
            Ok(true) => Ok(buffer.len()),
            Ok(false) => source::fill(self, buffer).await,
            Err(error) if error.kind() == ErrorKind::Interrupted => source::fill(self, buffer).await,
            Err(error) => Err(error),
        }
    }
}
