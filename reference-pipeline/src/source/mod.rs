//! What bytes come from: read on threads, awaited on tasks, or read at a position by whoever works on them.

pub(crate) mod blocking;
pub(crate) mod file_source;
pub(crate) mod read_at;

use std::io::{self, ErrorKind};

use bytes::BytesMut;

use self::file_source::PendingRead;
use crate::segment::buffers::resize;

pub use read_at::{ReadAt, resolve_seek};

/// What bytes come from.
pub(crate) trait Source {
    /// As [`std::io::Read::read`].
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;

    /// Makes `buffer` up to `len` bytes long and reads until it is, or the source ends; returns how many bytes were read. The buffer may be another one
    /// then. `next` bytes will be asked for before the next buffer is.
    fn fill(
        &mut self,
        buffer: &mut BytesMut,
        len: usize,
        next: usize,
    ) -> impl Future<Output = io::Result<usize>> {
        let _ = next;
        fill_growing(self, buffer, len)
    }

    /// Whether it gives what it has at once, and waits for nobody.
    fn is_nonblocking(&self) -> bool {
        false
    }

    /// Goes on behind the next `len` bytes, which are all there, and leaves reading them to others; `None` where it cannot, and stays where it is.
    fn defer(&mut self, len: usize) -> Option<PendingRead> {
        let _ = len;
        None
    }
}

/// Bytes that are read before a buffer becomes larger than it has been: a source that is short takes no more memory.
const FIRST: usize = 1 << 16;

/// As [`Source::fill`]. The buffer takes new memory only once there is something to put into it.
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
