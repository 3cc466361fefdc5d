//! An object, read in pieces from front to back or from a seek on, or at an offset.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};
use stream_v2_pipeline::{ReadAt, SourceStamp, resolve_seek};

use crate::client::Bucket;
use crate::client::check_key;
use crate::reading::{Head, Range};

const SECOND: i64 = 1_000_000_000;

/// Bytes of the first request after a seek. A reader may need no more than a header.
const PIECE_MIN: usize = 256 << 10;
/// Most bytes of a request, and so of the memory that is held.
const PIECE_MAX: usize = 8 << 20;

/// One version of an object: the one that was there when it was opened.
pub struct Object {
    bucket: Bucket,
    key: String,
    head: Head,
    position: u64,
    /// The begin of the piece that is held.
    begin: u64,
    piece: Vec<u8>,
    /// The number of bytes of the last request.
    ahead: usize,
}

impl Bucket {
    /// Opens an object: asks for its length and its version.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    pub fn object(&self, key: &str) -> io::Result<Object> {
        check_key(key, &self.name_of(key))?;
        let name = self.name_of(key);
        let head = self.0.retry.run(|| self.head(key).map_err(|refused| refused.failed(&name)))?;
        Ok(Object::new(self.clone(), key, head))
    }
}

impl Object {
    fn new(bucket: Bucket, key: &str, head: Head) -> Self {
        Self { bucket, key: key.into(), head, position: 0, begin: 0, piece: Vec::new(), ahead: 0 }
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.head.len
    }

    /// Returns the time when it was written, in nanoseconds since 1970-01-01T00:00:00Z, in whole
    /// seconds.
    #[must_use]
    pub const fn modified(&self) -> Option<i64> {
        self.head.modified
    }

    /// Returns a stamp that tells this version of the object from another one when a run is
    /// resumed.
    ///
    /// It contains the length, and the second in which the object was written. The nanoseconds
    /// encode its entity tag. S3 tells the time in seconds, and within one second an object can be
    /// replaced by one of the same length.
    #[must_use]
    pub fn stamp(&self) -> SourceStamp {
        let digest = Sha256::digest(&self.head.etag);
        let number = digest.iter().take(7).fold(0, |number, byte| number << 8 | i64::from(*byte));
        let mtime = self.head.modified.unwrap_or(0) / SECOND * SECOND + number % SECOND;
        SourceStamp { len: Some(self.head.len), mtime: Some(mtime) }
    }

    /// Returns `s3://BUCKET/KEY`.
    #[must_use]
    pub fn name(&self) -> String {
        self.bucket.name_of(&self.key)
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn etag(&self) -> &str {
        &self.head.etag
    }

    /// Fetches exactly these bytes, which are all there.
    pub(super) fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self.read_at(offset, buffer)? {
            len if len == buffer.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn fetch(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let Head { len, ref etag, .. } = self.head;
        self.bucket.read_range(Range { key: &self.key, etag, object_len: len, offset }, buffer)
    }

    /// Returns the held bytes from the position on.
    fn held(&self) -> &[u8] {
        let within = self.position.checked_sub(self.begin).and_then(|within| usize::try_from(within).ok());
        within.and_then(|within| self.piece.get(within..)).unwrap_or_default()
    }

    /// Fetches the piece that begins at the position.
    fn fetch_piece(&mut self) -> io::Result<()> {
        let reads_on = self.position == self.begin + self.piece.len() as u64;
        self.ahead = if reads_on { (self.ahead * 4).clamp(PIECE_MIN, PIECE_MAX) } else { PIECE_MIN };
        let mut piece = std::mem::take(&mut self.piece);
        piece.resize(at_most(self.head.len - self.position, self.ahead), 0);
        self.begin = self.position;
        self.fetch(self.position, &mut piece)?;
        self.piece = piece;
        Ok(())
    }
}

impl Read for Object {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.head.len || buffer.is_empty() {
            return Ok(0);
        }
        if self.held().is_empty() {
            self.fetch_piece()?;
        }
        let held = self.held();
        let len = held.len().min(buffer.len());
        buffer[..len].copy_from_slice(&held[..len]);
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for Object {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = resolve_seek(to, self.position, || Ok(self.head.len))?;
        Ok(self.position)
    }
}

/// Fetches exactly the requested bytes.
impl ReadAt for Object {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let len = at_most(self.head.len.saturating_sub(offset), buffer.len());
        self.fetch(offset, &mut buffer[..len])?;
        Ok(len)
    }

    fn stream_len(&self) -> io::Result<u64> {
        Ok(self.head.len)
    }
}

fn at_most(left: u64, len: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(len)
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("name", &self.name())
            .field("len", &self.head.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::io::ErrorKind;

    #[test]
    fn keys_that_others_resolve_are_refused() {
        let bucket = Bucket::new("bucket", &Config::new("eu-west-1", "key", "hidden").unwrap()).unwrap();
        for key in ["", ".", "..", "a/../b", "../other/key", "a/."] {
            let kind = bucket.object(key).err().map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::InvalidInput), "{key}");
        }
        assert!(!format!("{bucket:?}").contains("hidden"));
    }
}
