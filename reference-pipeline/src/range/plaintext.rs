//! The plaintext of a stream as a file: `Read` and `Seek`.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use super::RangeReader;
use crate::error::{Cause, Error};
use crate::source::ReadAt;
use crate::source::resolve_seek;

/// Reads the plaintext of a stream from a position that can be moved.
///
/// A read stops at the end of a segment at the latest. The error of a read is an [`io::Error`] that
/// holds an [`Error`].
pub struct PlaintextReader<S> {
    ranges: RangeReader<S>,
    position: u64,
}

impl<S: ReadAt> PlaintextReader<S> {
    /// Returns a reader at the first byte of the plaintext.
    #[must_use]
    pub const fn new(ranges: RangeReader<S>) -> Self {
        Self { ranges, position: 0 }
    }

    /// Returns the range reader that it reads from.
    #[must_use]
    pub const fn ranges(&self) -> &RangeReader<S> {
        &self.ranges
    }

    /// Returns the range reader, and drops the position.
    #[must_use]
    pub fn into_ranges(self) -> RangeReader<S> {
        self.ranges
    }
}

impl<S: ReadAt> Read for PlaintextReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.ranges.read_at(self.position, buffer).map_err(as_io)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// A position beyond the end of the plaintext is allowed. Reads there return nothing.
impl<S: ReadAt> Seek for PlaintextReader<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = resolve_seek(to, self.position, || Ok(self.ranges.plaintext_len()))?;
        Ok(self.position)
    }
}

/// Converts the error of a read. The result is never `Interrupted`, which callers would try again.
fn as_io(error: Error) -> io::Error {
    let kind = match error.cause() {
        Cause::Format(_) => ErrorKind::InvalidData,
        Cause::Io(error) if error.kind() != ErrorKind::Interrupted => error.kind(),
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
