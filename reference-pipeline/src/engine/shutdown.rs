//! The shared flag that asks a run to stop, and sources and writers that obey it.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::atomic::Ordering;

use super::sync::{Arc, AtomicBool};
use crate::error::Error;

/// Asks a run to stop.
///
/// Segments that workers have begun are finished, and written with all before them. No other
/// segment is begun. The run ends with `Interrupted` and can be resumed. Clones share the flag,
/// and each can be raised from any thread.
///
/// # Examples
///
/// ```
/// use stream_v2_pipeline::{Cause, ContentKey, EncryptPipeline, Managers, Shutdown, WriterSink};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let shutdown = Shutdown::new();
/// let mut pipeline = EncryptPipeline::new(&key);
/// pipeline.shutdown = shutdown.clone();
/// shutdown.request(); // usually from another thread
/// let mut sink = WriterSink::new(Vec::new());
/// let error = pipeline.run(&b"hello"[..], &mut sink, Managers::none()).unwrap_err();
/// assert!(matches!(error.cause(), Cause::Interrupted));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    raised: Arc<AtomicBool>,
    /// Wakes the sources of tasks.
    #[cfg(feature = "tokio")]
    wake: Arc<::tokio::sync::Notify>,
}

impl Shutdown {
    /// Returns a flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag. It stays raised.
    pub fn request(&self) {
        self.raised.store(true, Ordering::Release);
        #[cfg(feature = "tokio")]
        self.wake.notify_waiters();
    }

    /// Returns the flag itself, for a signal handler.
    ///
    /// A handler may store `true` in it and do little else. That does not wake the sources of
    /// tasks.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.raised.clone()
    }

    /// Returns whether the flag is raised.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Returns the error of a caller's source, sink or storage that obeys a shutdown request.
    ///
    /// A run that meets it ends as interrupted.
    #[must_use]
    pub fn interruption() -> io::Error {
        io::Error::other(Interruption)
    }

    /// Ends a run after so many segments, if the flag is raised.
    pub(crate) fn look(&self, segments: u64) -> Result<(), Error> {
        if self.requested() { Err(Error::interrupted(Some(segments))) } else { Ok(()) }
    }

    /// Replaces `error` by an interruption, if the input ended too early and the flag is raised.
    ///
    /// The signal that raised the flag may also have ended the program that feeds this run. Such an
    /// end of the input proves nothing about the stream.
    pub(crate) fn unless_cut_off(&self, error: Error) -> Error {
        if error.is_truncated() && self.requested() { Error::interrupted(error.segment()) } else { error }
    }

    /// Waits until the flag is raised.
    #[cfg(feature = "tokio")]
    pub(crate) async fn raised(&self) {
        let mut woken = std::pin::pin!(self.wake.notified());
        // From here on, raising the flag wakes this future.
        woken.as_mut().enable();
        if !self.requested() {
            woken.await;
        }
    }
}

/// Wraps a source or a writer: after a shutdown request its interrupted calls are not tried again.
pub(crate) struct Watched<T> {
    inner: T,
    shutdown: Shutdown,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, shutdown: &Shutdown) -> Self {
        Self { inner, shutdown: shutdown.clone() }
    }

    fn heed<N>(&self, result: io::Result<N>) -> io::Result<N> {
        match result {
            Err(error) if error.kind() == ErrorKind::Interrupted && self.shutdown.requested() => {
                Err(io::Error::other(Interruption))
            }
            result => result,
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        self.heed(read)
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer);
        self.heed(written)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.inner.write_vectored(buffers);
        self.heed(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.heed(flushed)
    }
}

/// The error of a watched source or writer whose call was interrupted for the shutdown.
#[derive(Debug)]
pub(crate) struct Interruption;

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shutdown requested")
    }
}

impl std::error::Error for Interruption {}

impl Interruption {
    /// Returns whether `error` is an interruption.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}
