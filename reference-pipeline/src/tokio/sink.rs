//! Sinks that are awaited.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use ::tokio::io::AsyncWrite;
use bytes::Bytes;
use stream_v2_format::SegmentIndex;

use super::offload::Offloaded;
use crate::engine::Shutdown;
use crate::engine::shutdown::Interruption;
use crate::observe::shown::Len;
use crate::pipeline::output::Chunk;
use crate::sink::{OutputSink, SinkUnit};

/// One piece for a sink: the stream header, or one whole segment.
#[derive(Clone)]
pub struct OwnedUnit {
    /// The segment, or `None` for the stream header.
    pub index: Option<SegmentIndex>,
    /// Bytes that the sink was given before this piece.
    pub position: u64,
    /// The segment header, or the magic of a stream header.
    ///
    /// The magic must be durable before the rest of the stream header is there (SV2-RES-040).
    pub head: Bytes,
    /// The wire, the plaintext, or the rest of the stream header.
    pub body: Bytes,
}

impl fmt::Debug for OwnedUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedUnit")
            .field("index", &self.index)
            .field("position", &self.position)
            .field("head", &Len(self.head.len()))
            .field("body", &Len(self.body.len()))
            .finish()
    }
}

impl OwnedUnit {
    pub(crate) fn of(chunk: &Chunk<'_>) -> Self {
        let (head, body) = (Bytes::copy_from_slice(chunk.head), chunk.body.clone());
        Self { index: chunk.index, position: chunk.position, head, body }
    }
}

/// The awaited form of [`OutputSink`], with the same promises.
///
/// [`Offloaded`] makes one of every blocking sink.
pub trait AsyncOutputSink {
    /// Takes the next piece. It is not durable yet.
    ///
    /// A sink that keeps `body` keeps its memory from being used again.
    ///
    /// # Errors
    ///
    /// - any error that prevents the sink from taking the whole piece.
    fn append(&mut self, unit: OwnedUnit) -> impl Future<Output = io::Result<()>> + Send;

    /// Makes all pieces survive a crash of the machine, as far as the sink can promise it.
    ///
    /// # Errors
    ///
    /// - any error that prevents the pieces from becoming durable.
    fn make_durable(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Takes back everything after the first `position` bytes, as [`OutputSink::take_back`] does.
    ///
    /// # Errors
    ///
    /// - any error while taking the bytes back.
    fn take_back(&mut self, position: u64) -> impl Future<Output = io::Result<()>> + Send {
        let _ = position;
        std::future::ready(Ok(()))
    }

    /// Makes everything durable and publishes it under its final name. Nothing follows.
    ///
    /// # Errors
    ///
    /// - any error that prevents publication. The result is then still unpublished.
    fn seal(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Leaves the pieces for a resume or a salvage to find. Nothing follows.
    ///
    /// # Errors
    ///
    /// - any error that prevents the pieces from becoming durable.
    fn suspend(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Suspends the sink after a durability point that has failed. Nothing follows.
    ///
    /// Only the first `recorded` bytes are known to be durable. A sink that can be cut is cut
    /// there, and is not synced again.
    ///
    /// # Errors
    ///
    /// - any I/O error while cutting.
    fn roll_back(&mut self, recorded: u64) -> impl Future<Output = io::Result<()>> + Send {
        let _ = recorded;
        self.suspend()
    }

    /// Discards the pieces, as far as possible. Nothing follows.
    ///
    /// # Errors
    ///
    /// - any error while removing the pieces.
    fn abort(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

impl<S: OutputSink + Send + 'static> AsyncOutputSink for Offloaded<S> {
    async fn append(&mut self, unit: OwnedUnit) -> io::Result<()> {
        let OwnedUnit { index, position, head, body } = unit;
        self.call(move |sink| sink.append(&SinkUnit { index, position, head: &head, body: &body })).await
    }

    async fn make_durable(&mut self) -> io::Result<()> {
        self.call(OutputSink::make_durable).await
    }

    async fn take_back(&mut self, position: u64) -> io::Result<()> {
        self.call(move |sink| sink.take_back(position)).await
    }

    async fn seal(&mut self) -> io::Result<()> {
        self.call(OutputSink::seal).await
    }

    async fn suspend(&mut self) -> io::Result<()> {
        self.call(OutputSink::suspend).await
    }

    async fn roll_back(&mut self, recorded: u64) -> io::Result<()> {
        self.call(move |sink| sink.roll_back(recorded)).await
    }

    async fn abort(&mut self) -> io::Result<()> {
        self.call(OutputSink::abort).await
    }
}

/// Appends to an `AsyncWrite`, and flushes it at the end.
///
/// It is the awaited form of [`WriterSink`](crate::WriterSink).
///
/// It does not shut the writer down. A run that is dropped while a piece is written leaves a part
/// of the piece.
pub struct AsyncWriterSink<W> {
    writer: W,
    shutdown: Option<Shutdown>,
}

impl<W> fmt::Debug for AsyncWriterSink<W> {
    /// Omits the writer, which may be a buffer of plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncWriterSink").finish_non_exhaustive()
    }
}

impl<W: AsyncWrite + Unpin + Send> AsyncWriterSink<W> {
    /// Returns a sink on `writer`.
    #[must_use]
    pub const fn new(writer: W) -> Self {
        Self { writer, shutdown: None }
    }

    /// Returns a sink on a writer that may have to wait for its reader.
    ///
    /// It waits until `shutdown` is requested at most. That ends the run.
    #[must_use]
    pub fn with_shutdown(writer: W, shutdown: &Shutdown) -> Self {
        Self { writer, shutdown: Some(shutdown.clone()) }
    }

    /// Polls the writer, as long as no shutdown is requested while it waits.
    async fn unless_shut_down<T>(
        &mut self,
        mut poll: impl FnMut(Pin<&mut W>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let shutdown = self.shutdown.clone().unwrap_or_default();
        let mut raised = pin!(shutdown.raised());
        poll_fn(|context| match poll(Pin::new(&mut self.writer), context) {
            Poll::Pending => raised.as_mut().poll(context).map(|()| Err(io::Error::other(Interruption))),
            ready => ready,
        })
        .await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.unless_shut_down(|writer, context| writer.poll_flush(context)).await
    }
}

impl<W: AsyncWrite + Unpin + Send> AsyncOutputSink for AsyncWriterSink<W> {
    async fn append(&mut self, unit: OwnedUnit) -> io::Result<()> {
        let mut slices = [IoSlice::new(&unit.head), IoSlice::new(&unit.body)];
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let written = self.unless_shut_down(|writer, context| writer.poll_write_vectored(context, rest));
            match written.await {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn make_durable(&mut self) -> io::Result<()> {
        self.flush().await
    }

    async fn seal(&mut self) -> io::Result<()> {
        self.flush().await
    }

    async fn suspend(&mut self) -> io::Result<()> {
        self.flush().await
    }

    async fn abort(&mut self) -> io::Result<()> {
        self.flush().await
    }
}
