//! `OutputSink`: the destination of a stream or its plaintext.
//!
//! It is a small state machine that a crash can hit anywhere. §19.7 has the rules for sinks, and
//! each sink begins with its assumptions and its crash table.

mod file;
mod writer;

use std::fmt;
use std::io;

use stream_v2_format::SegmentIndex;

use crate::engine::shutdown::Interruption;
use crate::error::{Error, Stage};
use crate::observe::shown::Len;

pub use file::FileSink;
pub use writer::WriterSink;

/// One piece for a sink: the stream header, or one whole segment.
#[derive(Clone, Copy)]
pub struct SinkUnit<'a> {
    /// The segment, or `None` for the stream header.
    pub index: Option<SegmentIndex>,
    /// Bytes that the sink was given before this piece.
    pub position: u64,
    /// The segment header, or the magic of a stream header.
    ///
    /// The magic must be durable before the rest of the stream header is there (SV2-RES-040).
    pub head: &'a [u8],
    /// The wire, the plaintext, or the rest of the stream header.
    pub body: &'a [u8],
}

impl fmt::Debug for SinkUnit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkUnit")
            .field("index", &self.index)
            .field("position", &self.position)
            .field("head", &Len(self.head.len()))
            .field("body", &Len(self.body.len()))
            .finish()
    }
}

impl SinkUnit<'_> {
    /// Returns the bytes of the piece.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.head.len() as u64 + self.body.len() as u64
    }

    /// Returns whether the piece is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes pieces in order, makes them durable, and publishes the result as a whole.
///
/// It sees bytes, an index and a position, never the inside of a segment. After an error only
/// `suspend` or `abort` may follow.
pub trait OutputSink {
    /// Takes the next piece. It is not durable yet.
    ///
    /// # Errors
    ///
    /// - any error that prevents the sink from taking the whole piece.
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()>;

    /// Makes all pieces survive a crash of the machine, as far as the sink can promise it.
    ///
    /// # Errors
    ///
    /// - any error that prevents the pieces from becoming durable.
    fn make_durable(&mut self) -> io::Result<()>;

    /// Takes back everything after the first `position` bytes.
    ///
    /// The run was asked to stop before it was certain that its source had ended. Only
    /// [`suspend`](Self::suspend) follows. The default does nothing, for a sink that cannot take
    /// anything back.
    ///
    /// # Errors
    ///
    /// - any error while taking the bytes back.
    fn take_back(&mut self, position: u64) -> io::Result<()> {
        let _ = position;
        Ok(())
    }

    /// Makes everything durable and publishes it under its final name. Nothing follows.
    ///
    /// # Errors
    ///
    /// - any error that prevents publication. The result is then still unpublished.
    fn seal(&mut self) -> io::Result<()>;

    /// Leaves the pieces for a resume or a salvage to find. Nothing follows.
    ///
    /// # Errors
    ///
    /// - any error that prevents the pieces from becoming durable.
    fn suspend(&mut self) -> io::Result<()>;

    /// Suspends the sink after a durability point that has failed. Nothing follows.
    ///
    /// Only the first `recorded` bytes are known to be durable. A sink that can be cut is cut
    /// there, and is not synced again.
    ///
    /// # Errors
    ///
    /// - any I/O error while cutting.
    fn roll_back(&mut self, recorded: u64) -> io::Result<()> {
        let _ = recorded;
        self.suspend()
    }

    /// Discards the pieces, as far as possible. Nothing follows.
    ///
    /// # Errors
    ///
    /// - any error while removing the pieces.
    fn abort(&mut self) -> io::Result<()>;
}

/// Returns the error of a sink.
///
/// A sink that waits for another party stops waiting when a shutdown is requested.
pub(crate) fn sink_fault(segment: Option<u64>, error: io::Error) -> Error {
    if Interruption::is(&error) {
        Error::interrupted(segment)
    } else {
        Error::io(Stage::Sink, segment, error)
    }
}
