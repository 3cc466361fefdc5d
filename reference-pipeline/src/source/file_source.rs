//! A source that is a file: each worker reads its own segment at its offset, in parallel with the
//! others.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use stream_v2_format::Offset;

use super::Source;
use super::blocking::fill;
use super::read_at::ReadFrom;

/// A source, and the file that it reads, if it is one.
pub(crate) struct FileSource<S> {
    source: S,
    /// Shares its position with `source`.
    file: Option<Arc<File>>,
    /// Bytes of the file at the last check.
    len: u64,
    readahead: Readahead,
}

impl<S> FileSource<S> {
    pub(crate) fn new(source: S, file: Option<&Arc<File>>) -> Self {
        Self { source, file: file.cloned(), len: 0, readahead: Readahead::default() }
    }
}

impl<S: Source> Source for FileSource<S> {
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.source.read(buffer)
    }

    fn is_nonblocking(&self) -> bool {
        self.file.is_some()
    }

    /// Falls back to reading `source` if anything prevents this. That read reports the problem.
    fn defer(&mut self, len: usize) -> Option<PendingRead> {
        let mut file = &**self.file.as_ref()?;
        let offset = file.stream_position().ok()?;
        let end = offset.checked_add(len as u64)?;
        if end > self.len {
            self.len = file.metadata().ok()?.len();
        }
        if end > self.len {
            return None;
        }
        file.seek(SeekFrom::Start(end)).ok()?;
        while let Some(begin) = self.readahead.next(offset, end, self.len) {
            will_need(file, begin, AT_A_TIME);
        }
        Some(PendingRead { file: self.file.clone()?, offset, len })
    }
}

/// Bytes of a file that were not read yet.
pub(crate) struct PendingRead {
    file: Arc<File>,
    offset: u64,
    len: usize,
}

/// Bytes of a file that are read before they are sealed or opened: as many whole frames as fit.
///
/// They are then still in a cache next to the processor.
pub(crate) const PIECE: usize = 1 << 18;

/// The bytes of a segment: read already, or left to the worker.
pub(crate) enum SegmentInput {
    Read(Bytes),
    Pending(PendingRead, BytesMut),
}

impl PendingRead {
    /// Reads the bytes from `at` on into `piece`, and returns how many there still were.
    pub(crate) fn read(&self, at: usize, piece: &mut [u8]) -> io::Result<usize> {
        fill(&mut ReadFrom::new(&*self.file, Offset(self.offset).plus(at as u64)), piece)
    }

    /// Returns how many bytes there were.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

/// Bytes that the kernel is asked to read ahead, at a time. Of larger requests Linux may read only
/// a part.
const AHEAD: u64 = 8 << 20;
const AT_A_TIME: u64 = 1 << 20;

/// The end of the range that the kernel was asked to read ahead.
///
/// By itself the kernel sees no order in the reads of several workers. It would ask a disk for each
/// piece alone, while the workers wait.
#[derive(Default)]
struct Readahead(u64);

impl Readahead {
    /// Returns the begin of the next bytes to announce, when `begin..end` of a file of `len` bytes
    /// is read.
    fn next(&mut self, begin: u64, end: u64, len: u64) -> Option<u64> {
        let until = end.saturating_add(AHEAD).min(len);
        let next = self.0.max(begin);
        let least = if until == len { 1 } else { AT_A_TIME };
        if until.saturating_sub(next) < least {
            return None;
        }
        self.0 = next + AT_A_TIME;
        Some(next)
    }
}

/// Announces that these bytes will be read. Without the announcement, reading only takes longer.
#[cfg(target_os = "linux")]
fn will_need(file: &File, offset: u64, len: u64) {
    use rustix::fs::{Advice, fadvise};
    let _ = fadvise(file, offset, std::num::NonZeroU64::new(len), Advice::WillNeed);
}

#[cfg(not(target_os = "linux"))]
fn will_need(_: &File, _: u64, _: u64) {}

/// Returns a file that every worker may read at any place, if `file` is a regular one.
///
/// On other files a position means nothing, and a read may wait.
pub(crate) fn shared(file: File) -> Option<Arc<File>> {
    let is_file = cfg!(unix) && file.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file.then(|| Arc::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_announced_once_shortly_before() {
        const SEGMENT: u64 = 300_000;
        for (start, len) in [(0, 40 * SEGMENT + 17), (77, 3 * SEGMENT), (5, 400 * SEGMENT)] {
            let (mut readahead, mut next) = (Readahead::default(), start);
            for begin in (start..len - SEGMENT).step_by(300_000) {
                let end = begin + SEGMENT;
                while let Some(at) = readahead.next(begin, end, len) {
                    assert_eq!(at, next);
                    next += AT_A_TIME;
                }
                assert!(next >= end && next <= end + AHEAD + AT_A_TIME, "{begin}: {next}");
            }
            assert!(next >= len, "{next}");
        }
    }
}
