//! Sources of bytes: read on threads, awaited on tasks, or read at an offset by workers (§15.5).

pub(crate) mod blocking;
pub(crate) mod file_source;
pub(crate) mod read_at;

use std::io::{self, ErrorKind};

use bytes::BytesMut;

use self::file_source::PendingRead;
use crate::segment::buffers::resize;

pub use read_at::{ReadAt, resolve_seek};

/// A source of bytes.
pub(crate) trait Source {
    /// Reads like [`std::io::Read::read`].
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;

    /// Extends `buffer` up to `len` bytes and reads until it is full, or the source ends.
    ///
    /// Returns the number of bytes that were read. The buffer may be another one then. `next` is
    /// the number of bytes that will be requested before the next buffer is.
    fn fill(
        &mut self,
        buffer: &mut BytesMut,
        len: usize,
        next: usize,
    ) -> impl Future<Output = io::Result<usize>> {
        let _ = next;
        fill_growing(self, buffer, len)
    }

    /// Returns whether the source returns its bytes at once, and never waits for another party.
    fn is_nonblocking(&self) -> bool {
        false
    }

    /// Skips the next `len` bytes, which are all there, and leaves the reading to a worker.
    ///
    /// Returns `None` if that is not possible, and does not move.
    fn defer(&mut self, len: usize) -> Option<PendingRead> {
        let _ = len;
        None
    }
}

/// Bytes that are read before a buffer becomes larger than it was. So a short source takes no more
/// memory.
const FIRST: usize = 1 << 16;

/// Does the same as [`Source::fill`]. The buffer takes new memory only once there are bytes for it.
async fn fill_growing(
    source: &mut (impl Source + ?Sized),
    buffer: &mut BytesMut,
    len: usize,
) -> io::Result<usize> {
    let first = len.min(buffer.capacity().max(FIRST));
    resize(buffer, first);
    let filled = fill(source, buffer).await?;
    if filled < first || first == len {
        return Ok(filled);
    }
    resize(buffer, len);
    Ok(filled + fill(source, &mut buffer[filled..]).await?)
}

/// Reads until `buffer` is full or the source ends, and returns the number of bytes.
///
/// An interrupted read is tried again.
pub(crate) async fn fill(source: &mut (impl Source + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    //= spec/stream-v2.md#sv2-rdr-002
    //# A reader MUST give the same result, the same released bytes and the same error for an input
    //# however the input is cut into reads.
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
