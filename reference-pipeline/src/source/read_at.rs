//! Positioned reads, by which a range reader reads a stored stream.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use stream_v2_format::Offset;

/// Bytes that can be read anywhere: a file, an object in a store, a row of a table, memory.
///
/// A range reader asks for exactly the bytes that it needs, in as few calls as possible. It calls
/// [`stream_len`](Self::stream_len) once. It calls [`read_at`](Self::read_at) once each for the
/// stream header, an envelope and the final segment, and twice for any other segment or link. A
/// segment header contains the length of the rest, and is authenticated before (SV2-SEG-023). Only
/// after a short read does it ask again.
pub trait ReadAt {
    /// Reads some of the bytes at `offset`, counted from the beginning, and returns how many.
    ///
    /// 0 is the end, if `buffer` is not empty.
    ///
    /// # Errors
    ///
    /// - any error that prevents the read. `Interrupted` is tried again.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Returns the number of bytes.
    ///
    /// # Errors
    ///
    /// - any error that prevents finding the length.
    fn stream_len(&self) -> io::Result<u64>;
}

/// Forwards to the value that it points to.
macro_rules! read_at_through {
    ($($pointer:ty),+) => {$(
        impl<T: ReadAt + ?Sized> ReadAt for $pointer {
            fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
                (**self).read_at(offset, buffer)
            }

            fn stream_len(&self) -> io::Result<u64> {
                (**self).stream_len()
            }
        }
    )+};
}

read_at_through!(&T, Box<T>, Arc<T>);

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let mut rest = &self[begin..];
        rest.read(buffer)
    }

    fn stream_len(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// Reads from its slice.
macro_rules! read_at_as_slice {
    ($($owner:ty),+) => {$(
        impl ReadAt for $owner {
            fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
                self[..].read_at(offset, buffer)
            }

            fn stream_len(&self) -> io::Result<u64> {
                Ok(self.len() as u64)
            }
        }
    )+};
}

read_at_as_slice!(Vec<u8>, Bytes);

/// On Windows a read moves the position of the file.
impl ReadAt for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, buffer, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(self, buffer, offset);
        #[cfg(not(any(unix, windows)))]
        {
            let mut file = self;
            file.seek(SeekFrom::Start(offset))?;
            file.read(buffer)
        }
    }

    fn stream_len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}

/// Any seekable source, one read at a time. Its position moves.
impl<R: Read + Seek> ReadAt for Mutex<R> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // Every read begins with a seek, so the position after a panic does not matter.
        let mut source = self.lock().unwrap_or_else(PoisonError::into_inner);
        source.seek(SeekFrom::Start(offset))?;
        source.read(buffer)
    }

    fn stream_len(&self) -> io::Result<u64> {
        self.lock().unwrap_or_else(PoisonError::into_inner).seek(SeekFrom::End(0))
    }
}

/// Returns the position after a seek from `position`, to implement `Seek` over [`ReadAt`].
///
/// `len` returns the number of bytes, and is called only if the seek counts from the end. A
/// position beyond the end is allowed.
///
/// # Errors
///
/// - `InvalidInput` for a position before the beginning.
/// - any error of `len`.
pub fn resolve_seek(to: SeekFrom, position: u64, len: impl FnOnce() -> io::Result<u64>) -> io::Result<u64> {
    let sought = match to {
        SeekFrom::Start(position) => Some(position),
        SeekFrom::Current(by) => position.checked_add_signed(by),
        SeekFrom::End(by) => len()?.checked_add_signed(by),
    };
    sought.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a position before the beginning"))
}

/// Reads from an offset on.
pub(crate) struct ReadFrom<'a, S: ?Sized> {
    source: &'a S,
    offset: u64,
}

impl<'a, S: ReadAt + ?Sized> ReadFrom<'a, S> {
    pub(crate) const fn new(source: &'a S, offset: Offset) -> Self {
        Self { source, offset: offset.0 }
    }
}

impl<S: ReadAt + ?Sized> Read for ReadFrom<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.offset, buffer)?.min(buffer.len());
        self.offset = self.offset.saturating_add(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn whole(source: &dyn ReadAt, begin: u64) -> Vec<u8> {
        let mut read = Vec::new();
        ReadFrom::new(source, Offset(begin)).read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn every_source_reads_the_same() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let seeking = Mutex::new(Cursor::new(bytes.clone()));
        let shared = Bytes::from(bytes.clone());
        let through: Box<dyn ReadAt> = Box::new(Arc::new(bytes.clone()));
        let sources: [&dyn ReadAt; 6] = [&&bytes[..], &bytes, &shared, &file, &seeking, &through];
        for source in sources {
            assert_eq!(source.stream_len().unwrap(), 256);
            for begin in [0, 1, 255, 256] {
                assert_eq!(whole(source, begin), bytes[usize::try_from(begin).unwrap()..]);
            }
            assert_eq!(whole(source, 1 << 40), b"");
        }
    }
}
