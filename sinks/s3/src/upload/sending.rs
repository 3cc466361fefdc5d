//! Sends parts with threads, and waits for them.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use sha2::Sha256;
use stream_v2_pipeline::Shutdown;

use super::facts::Sent;
use super::state::Shared;
use crate::multipart::{PartBody, UploadId};

/// Planned bytes that may wait for S3 before the run waits too. Large parts allow more.
const WAITING_MIN: u64 = 64 << 20;
/// Interval at which a waiting thread checks for a shutdown request.
const LOOK: Duration = Duration::from_millis(100);

/// Time for S3 to answer for parts that it has received, when nothing more is sent.
const GRACE: Duration = Duration::from_secs(5);

/// A part, read from this machine.
pub(super) struct StagedPart<'a> {
    shared: &'a Shared,
    begin: u64,
    len: u64,
    pub(super) md5: [u8; 16],
    sha256: [u8; 32],
}

/// Bytes of a part, until the upload is stopped.
struct Stoppable<'a, R> {
    source: R,
    stops: &'a AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stops.load(Ordering::Acquire) {
            return Err(Shutdown::interruption());
        }
        self.source.read(buffer)
    }
}

impl<'a> StagedPart<'a> {
    /// Reads a part once, for its digests.
    pub(super) fn read(shared: &'a Shared, begin: u64, end: u64) -> io::Result<Self> {
        let mut part = Self { shared, begin, len: end - begin, md5: [0; 16], sha256: [0; 32] };
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        let mut buffer = vec![0; 128 << 10];
        let mut source = part.open()?;
        let mut read = 0;
        loop {
            match source.read(&mut buffer)? {
                0 => break,
                len => {
                    md5.update(&buffer[..len]);
                    sha256.update(&buffer[..len]);
                    read += len as u64;
                }
            }
        }
        drop(source);
        if read < part.len {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "data not yet uploaded is missing from the state folder",
            ));
        }
        (part.md5, part.sha256) = (md5.finalize().into(), sha256.finalize().into());
        Ok(part)
    }
}

impl PartBody for StagedPart<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn md5(&self) -> [u8; 16] {
        self.md5
    }

    fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut file = self.shared.local.open(&self.shared.names.partial())?;
        file.seek(SeekFrom::Start(self.begin))?;
        Ok(Box::new(Stoppable { source: file.take(self.len), stops: &self.shared.stops }))
    }
}

impl Shared {
    /// Starts threads that send the queued parts.
    pub(super) fn send_on(self: &Arc<Self>) -> io::Result<()> {
        self.owned(|state| {
            let wanted = self.lanes.min(state.threads.len() + state.queue.len());
            while state.threads.len() < wanted {
                let shared = Arc::clone(self);
                let thread = thread::Builder::new().name("sv2-upload".into());
                state.threads.push(thread.spawn(move || shared.send_queued())?);
            }
            Ok(())
        })?;
        self.changed.notify_all();
        Ok(())
    }

    /// Sends part after part, until it is stopped.
    fn send_queued(&self) {
        while let Some(number) = self.next() {
            let sent = catch_unwind(AssertUnwindSafe(|| self.send(number)));
            let sent = sent
                .unwrap_or_else(|_| Err(io::Error::other("internal defect in an upload, please report it")));
            let mut locked = self.locked();
            if let Some(state) = locked.as_mut() {
                state.sending -= 1;
                if let Err(error) = sent {
                    state.failed.get_or_insert((error.kind(), error.to_string()));
                }
            }
            drop(locked);
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<u16> {
        let mut locked = self.locked();
        loop {
            let state = locked.as_mut().filter(|state| state.failed.is_none())?;
            if self.stops.load(Ordering::Acquire) {
                return None;
            }
            if let Some(number) = state.queue.pop_front() {
                state.sending += 1;
                return Some(number);
            }
            locked = self.changed.wait(locked).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn send(&self, number: u16) -> io::Result<()> {
        let (begin, end, id) = self.owned(|state| {
            let facts = &state.record.facts;
            let part = facts.part(number).zip(facts.id.clone());
            part.map(|(part, id)| (part.begin, part.end, id)).ok_or_else(|| ErrorKind::NotFound.into())
        })?;
        let part = StagedPart::read(self, begin, end)?;
        let etag = self.remote.send(UploadId { key: &self.key, id: &id }, number, &part)?;
        let len = self.owned(|state| {
            state.record.sent(number, Sent { md5: part.md5, etag })?;
            Ok(state.record.facts.sent_len())
        })?;
        if let Some(told) = &self.told {
            told(len);
        }
        Ok(())
    }

    /// Waits until no more than `most` bytes wait for S3.
    ///
    /// # Errors
    ///
    /// - the reason why a part cannot be sent.
    /// - an interruption if a shutdown was requested.
    pub(super) fn settle(&self, most: u64) -> io::Result<()> {
        loop {
            let mut locked = self.locked();
            let state = locked.as_mut().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
            state.check()?;
            if state.waiting() <= most {
                return Ok(());
            }
            if self.shutdown.requested() {
                return Err(Shutdown::interruption());
            }
            if self.lanes > 0 {
                drop(self.changed.wait_timeout(locked, LOOK));
            } else if let Some(number) = state.queue.pop_front() {
                drop(locked);
                self.send(number)?;
            } else {
                return Err(ErrorKind::NotFound.into());
            }
        }
    }

    /// Returns how many bytes may wait for S3 while the run continues.
    pub(super) fn room(&self) -> io::Result<u64> {
        if self.lanes == 0 {
            return Ok(0);
        }
        let next = self.owned(|state| Ok(state.record.facts.parts.len() + 1))?;
        let least = self.cutting.least(u16::try_from(next).unwrap_or(u16::MAX))?;
        Ok((2 * self.lanes as u64 * least).max(WAITING_MIN))
    }

    /// Stops sending. Parts in progress are given up.
    pub(super) fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        let threads = self.locked().as_mut().map(|state| std::mem::take(&mut state.threads));
        self.changed.notify_all();
        self.wait_or_interrupt();
        for thread in threads.unwrap_or_default() {
            // Its result is in the state.
            let _ = thread.join();
        }
    }

    /// Waits for a short time until the sent parts are answered.
    fn wait_or_interrupt(&self) {
        let end = Instant::now() + GRACE;
        let mut locked = self.locked();
        while locked.as_ref().is_some_and(|state| state.sending > 0) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(locked);
                return self.remote.interrupt();
            }
            let waited = self.changed.wait_timeout(locked, left);
            locked = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
