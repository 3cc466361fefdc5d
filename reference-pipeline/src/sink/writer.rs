//! A sink on any writer: a pipe, a socket, standard output, a `Vec`.
//!
//! # Assumptions
//!
//! None. A writer cannot take back what it was given, and promises nothing about durability.
//!
//! # Crash table
//!
//! | killed | what a reader sees |
//! |---|---|
//! | at any time | a prefix of the stream, or of the plaintext |
//!
//! A prefix of the stream is unsealed, and salvage reads its committed part.

use std::fmt;
use std::io::{self, Write};

use super::{OutputSink, SinkUnit};
use crate::engine::Shutdown;
use crate::engine::shutdown::Watched;
use crate::io::write_both;

/// Appends to a writer and flushes it at the end.
pub struct WriterSink<W: Write> {
    writer: Watched<W>,
}

impl<W: Write> fmt::Debug for WriterSink<W> {
    /// Omits the writer, which may be a buffer of plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterSink").finish_non_exhaustive()
    }
}

impl<W: Write> WriterSink<W> {
    /// Returns a sink that appends to `writer`.
    pub fn new(writer: W) -> Self {
        Self::with_shutdown(writer, &Shutdown::new())
    }

    /// Returns a sink on a writer that may have to wait for its reader.
    ///
    /// The writer must report `Interrupted` now and then while it waits. The write is tried again,
    /// unless `shutdown` is requested: that ends the run.
    pub fn with_shutdown(writer: W, shutdown: &Shutdown) -> Self {
        Self { writer: Watched::new(writer, shutdown) }
    }

    /// Flushes the writer. Like an interrupted write, an interrupted flush is tried again.
    fn flush(&mut self) -> io::Result<()> {
        loop {
            match self.writer.flush() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl<W: Write> OutputSink for WriterSink<W> {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        write_both(&mut self.writer, unit.head, unit.body)
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn seal(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn abort(&mut self) -> io::Result<()> {
        self.flush()
    }
}
