//! The shared flag that asks a run to stop, and sources that heed it.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::atomic::Ordering;

use crate::threads::{Arc, AtomicBool};

/// Asks a run to stop: the segments that are being sealed or opened are finished and written with all before them, no other is begun, and the run
/// ends with `Interrupted`, resumable. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    raised: Arc<AtomicBool>,
    /// Wakes the sources of tasks.
    #[cfg(feature = "tokio")]
    wake: Arc<::tokio::sync::Notify>,
}

impl Shutdown {
    /// A flag that nobody has raised.
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

    /// The flag itself, for a signal handler, which may store `true` in it and do little else. That wakes no source of tasks.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.raised.clone()
    }

    /// Whether the flag is raised.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Waits until the flag is raised.
    #[cfg(feature = "tokio")]
    pub(crate) async fn raised(&self) {
        let mut woken = std::pin::pin!(self.wake.notified());
        // Whoever raises the flag from here on wakes this.
        woken.as_mut().enable();
        if !self.requested() {
            woken.await;
        }
    }
}

/// A source whose interrupted reads are not tried again once a shutdown was requested.
pub(crate) struct Watched<R> {
    source: R,
    shutdown: Shutdown,
}

impl<R> Watched<R> {
    pub(crate) fn new(source: R, shutdown: &Shutdown) -> Self {
        Self { source, shutdown: shutdown.clone() }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.source.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted && self.shutdown.requested() => {
                Err(io::Error::other(Interruption))
            }
            result => result,
        }
    }
}

/// What a watched source reports in the place of a read that was interrupted for the shutdown.
#[derive(Debug)]
pub(crate) struct Interruption;

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shutdown requested")
    }
}

impl std::error::Error for Interruption {}

impl Interruption {
    /// Whether `error` is one.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}
