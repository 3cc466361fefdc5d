//! One upload: its parts are planned, sent by threads of its own, and become the object.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use md5::{Digest, Md5};

use super::names::Names;
use super::parts::Cutting;
use super::record::{Facts, Record, Sent, hex};
use crate::s3::multipart::{Found, Listed, Multipart, PartBody, UploadId};
use crate::shutdown::Interruption;
use crate::{Shutdown, Storage};

/// Planned bytes that may wait for S3 before the run waits too: what the parts that are being sent do not exceed.
const WAITING_MIN: u64 = 64 << 20;
/// How often somebody who waits looks whether a shutdown was requested.
const LOOK: Duration = Duration::from_millis(100);

/// What is told of the bytes that S3 has, whenever it has more.
pub(super) type Told = Box<dyn Fn(u64) + Send + Sync>;

/// Everything that does not change, and the state.
pub(super) struct Shared {
    pub(super) remote: Arc<dyn Multipart>,
    pub(super) local: Arc<dyn Storage>,
    pub(super) names: Names,
    pub(super) key: String,
    pub(super) cutting: Cutting,
    /// Parts that are sent at once; with none, whoever makes the output durable sends them itself.
    pub(super) lanes: usize,
    pub(super) shutdown: Shutdown,
    pub(super) told: Option<Told>,
    pub(super) state: Mutex<Option<State>>,
    pub(super) changed: Condvar,
    pub(super) stops: AtomicBool,
}

/// What the owner of the output holds.
pub(super) struct State {
    pub(super) record: Record,
    /// Ends of pieces that are in no part yet.
    ends: VecDeque<u64>,
    /// Numbers of the parts that nobody sends yet.
    queue: VecDeque<u16>,
    sending: usize,
    failed: Option<(ErrorKind, String)>,
    threads: Vec<JoinHandle<()>>,
    /// Whether the record was compared with what S3 has.
    is_confirmed: bool,
    /// Whether the object is there.
    pub(super) is_complete: bool,
}

impl State {
    fn check(&self) -> io::Result<()> {
        let failed = self.failed.as_ref();
        failed.map_or(Ok(()), |(kind, what)| Err(io::Error::new(*kind, what.clone())))
    }

    fn waiting(&self) -> u64 {
        let facts = &self.record.facts;
        facts.planned_end() - facts.sent_len()
    }
}

/// A part, read from this machine.
struct Staged<'a> {
    shared: &'a Shared,
    begin: u64,
    len: u64,
    md5: [u8; 16],
}

/// Bytes of a part, until the upload is stopped.
struct Stoppable<'a, R> {
    source: R,
    stops: &'a AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stops.load(Ordering::Acquire) {
            return Err(io::Error::other(Interruption));
        }
        self.source.read(buffer)
    }
}

impl<'a> Staged<'a> {
    /// Reads a part once, for its MD5.
    fn read(shared: &'a Shared, begin: u64, end: u64) -> io::Result<Self> {
        let mut part = Self { shared, begin, len: end - begin, md5: [0; 16] };
        let mut md5 = Md5::new();
        let mut buffer = vec![0; 128 << 10];
        let mut source = part.open()?;
        let mut read = 0;
        loop {
            match source.read(&mut buffer)? {
                0 => break,
                len => {
                    md5.update(&buffer[..len]);
                    read += len as u64;
                }
            }
        }
        drop(source);
        if read < part.len {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "what was to be uploaded is not there any more",
            ));
        }
        part.md5 = md5.finalize().into();
        Ok(part)
    }
}

impl PartBody for Staged<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn md5(&self) -> [u8; 16] {
        self.md5
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut file = self.shared.local.open(&self.shared.names.partial())?;
        file.seek(SeekFrom::Start(self.begin))?;
        Ok(Box::new(Stoppable { source: file.take(self.len), stops: &self.shared.stops }))
    }
}

impl Shared {
    pub(super) fn name(&self) -> String {
        self.remote.name_of(&self.key)
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something as the owner.
    fn owned<T>(&self, does: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut locked = self.locked();
        let state = locked.as_mut().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
        state.check()?;
        does(state)
    }

    /// Becomes the owner, with a record that nobody else has.
    pub(super) fn own(&self, record: Record) {
        self.stops.store(false, Ordering::Release);
        *self.locked() = Some(State {
            record,
            ends: VecDeque::new(),
            queue: VecDeque::new(),
            sending: 0,
            failed: None,
            threads: Vec::new(),
            is_confirmed: false,
            is_complete: false,
        });
    }

    /// Stops sending. What is on its way is given up.
    pub(super) fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        let threads = self.locked().as_mut().map(|state| std::mem::take(&mut state.threads));
        self.changed.notify_all();
        for thread in threads.unwrap_or_default() {
            // What it had to say stands in the state.
            let _ = thread.join();
        }
    }

    /// Whether an upload has failed meanwhile.
    pub(super) fn check(&self) -> io::Result<()> {
        self.owned(|_| Ok(()))
    }

    /// A piece was appended. Where a run goes on, one has ended before it.
    pub(super) fn appended(&self, begin: u64, end: u64) {
        if let Some(state) = self.locked().as_mut() {
            let before = Some(begin).filter(|begin| state.ends.back().is_none_or(|end| end < begin));
            state.ends.extend(before.into_iter().chain([end]));
        }
    }

    /// What followed was cut. What is planned as parts cannot be.
    pub(super) fn cut(&self, len: u64) -> io::Result<()> {
        self.owned(|state| {
            if len < state.record.facts.planned_end() {
                return Err(io::Error::new(ErrorKind::InvalidInput, "what is uploaded cannot be cut"));
            }
            state.ends.retain(|end| *end <= len);
            Ok(())
        })
    }

    /// Plans parts of what is committed, up to the last end of a piece that is not beyond `upto`, or all of it, and has them sent.
    pub(super) fn plan(self: &Arc<Self>, upto: u64, all: bool) -> io::Result<()> {
        self.owned(|state| {
            let begun = state.record.facts.planned_end();
            let is_due = all || upto - begun.min(upto) >= self.cutting.least(1)?;
            if state.is_confirmed || is_due || !state.record.facts.parts.is_empty() {
                self.confirm(state)?;
            }
            let cuts = self.cuts(&state.record.facts, &mut state.ends, upto, all)?;
            if cuts.is_empty() {
                return Ok(());
            }
            for (begin, end) in cuts {
                state.record.planned(begin, end)?;
                state.queue.extend(u16::try_from(state.record.facts.parts.len()));
            }
            // Whatever S3 may get is known here first.
            state.record.sync()
        })?;
        self.send_on()
    }

    fn cuts(
        &self,
        facts: &Facts,
        ends: &mut VecDeque<u64>,
        upto: u64,
        all: bool,
    ) -> io::Result<Vec<(u64, u64)>> {
        let mut cuts = Vec::new();
        let mut begin = facts.planned_end();
        let next = |cuts: &Vec<_>| u16::try_from(facts.parts.len() + cuts.len() + 1).unwrap_or(u16::MAX);
        while let Some(end) = ends.pop_front_if(|end| *end <= upto) {
            if end > begin && end - begin >= self.cutting.least(next(&cuts))? {
                cuts.push((begin, end));
                begin = end;
            }
        }
        if all && begin < upto {
            self.cutting.least(next(&cuts))?;
            cuts.push((begin, upto));
        }
        Ok(cuts)
    }

    /// Begins the upload, or compares the record of an interrupted run with what S3 has.
    fn confirm(&self, state: &mut State) -> io::Result<()> {
        if state.is_confirmed {
            return Ok(());
        }
        match state.record.facts.id.clone() {
            None => self.begin(state)?,
            Some(id) => match self.remote.parts(UploadId { key: &self.key, id: &id })? {
                Some(listed) => self.reconcile(state, &listed)?,
                None if state.record.facts.forgotten == 0 => self.begin(state)?,
                None => return Err(self.gone()),
            },
        }
        state.is_confirmed = true;
        Ok(())
    }

    fn begin(&self, state: &mut State) -> io::Result<()> {
        state.record.begins()?;
        state.queue.clear();
        let id = self.remote.begin(&self.key, &state.record.facts.mark)?;
        state.record.begun(id)
    }

    /// Takes from the list of S3 what the record does not know, and queues what S3 does not have.
    fn reconcile(&self, state: &mut State, listed: &[Listed]) -> io::Result<()> {
        for number in 1..=u16::try_from(state.record.facts.parts.len()).map_err(io::Error::other)? {
            let Some(part) = state.record.facts.part(number) else { break };
            let has = |etag: &str| {
                let is = |part_of: &&Listed| part_of.number == number && part_of.len == part.end - part.begin;
                listed.iter().filter(is).any(|listed| bare(&listed.etag) == bare(etag))
            };
            match &part.sent {
                Some(sent) if has(&sent.etag) => continue,
                _ if part.begin < state.record.facts.forgotten => return Err(self.gone()),
                Some(_) => state.record.facts.lost(number),
                None => {
                    // Uploaded, and the answer is not in the record: S3 tells the MD5 of what it has.
                    let md5 = Staged::read(self, part.begin, part.end)?.md5;
                    let etag = format!("\"{}\"", hex(&md5));
                    if has(&etag) {
                        state.record.sent(number, Sent { md5, etag })?;
                        continue;
                    }
                }
            }
            state.queue.push_back(number);
        }
        Ok(())
    }

    fn gone(&self) -> io::Error {
        let what =
            "what was uploaded is gone at S3 (aborted, or expired), and is not on this machine any more";
        io::Error::new(ErrorKind::NotFound, format!("{}: {what}", self.name()))
    }

    /// Has what is queued sent by threads.
    fn send_on(self: &Arc<Self>) -> io::Result<()> {
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
        let part = Staged::read(self, begin, end)?;
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

    /// Notes that what S3 has of the bytes before `upto` is given up here, where it is worth it; returns up to where.
    pub(super) fn forgets(&self, upto: u64) -> io::Result<Option<u64>> {
        self.owned(|state| {
            let upto = upto.min(state.record.facts.sent_end());
            if upto < state.record.facts.forgotten + self.cutting.first / 2 {
                return Ok(None);
            }
            state.record.forgets(upto)?;
            Ok(Some(upto))
        })
    }

    /// Waits until no more than that waits for S3.
    ///
    /// # Errors
    /// Why a part cannot be sent; a shutdown that was requested.
    pub(super) fn settle(&self, most: u64) -> io::Result<()> {
        loop {
            let mut locked = self.locked();
            let state = locked.as_mut().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
            state.check()?;
            if state.waiting() <= most {
                return Ok(());
            }
            if self.shutdown.requested() {
                return Err(io::Error::other(Interruption));
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

    /// What may wait for S3 while the run goes on.
    pub(super) fn room(&self) -> io::Result<u64> {
        if self.lanes == 0 {
            return Ok(0);
        }
        let next = self.owned(|state| Ok(state.record.facts.parts.len() + 1))?;
        let least = self.cutting.least(u16::try_from(next).unwrap_or(u16::MAX))?;
        Ok((2 * self.lanes as u64 * least).max(WAITING_MIN))
    }

    /// Makes the object: everything is sent, and S3 is asked for it once. What it answers is believed only where the object is there.
    pub(super) fn complete(self: &Arc<Self>, len: u64, replace: bool) -> io::Result<()> {
        if len > 0 {
            self.plan(len, true)?;
            self.settle(0)?;
        }
        self.owned(|state| {
            state.record.completes(len)?;
            let facts = &state.record.facts;
            let completed = match len {
                0 => self.remote.put_empty(&self.key, &facts.mark, replace),
                _ => self.complete_parts(facts, replace),
            };
            match (completed, self.remote.find(&self.key)) {
                (_, Ok(Some(found))) if is_of(facts, &found) => {
                    state.is_complete = true;
                    Ok(())
                }
                (Err(error), _) | (Ok(()), Err(error)) => Err(error),
                (Ok(()), Ok(_)) => {
                    let what = "S3 says that it is complete, and it is not there, or is another one";
                    Err(io::Error::new(ErrorKind::InvalidData, format!("{}: {what}", self.name())))
                }
            }
        })
    }

    fn complete_parts(&self, facts: &Facts, replace: bool) -> io::Result<()> {
        let etags: Vec<_> = facts.parts.iter().filter_map(|part| Some(&*part.sent.as_ref()?.etag)).collect();
        let id = facts.id.as_deref().ok_or(ErrorKind::NotFound)?;
        self.remote.complete(UploadId { key: &self.key, id }, &etags, replace)
    }

    /// Whether the object is what this upload was to become.
    pub(super) fn is_published(&self) -> io::Result<bool> {
        self.owned(|state| {
            if !state.is_complete && state.record.facts.completing.is_some() {
                let found = self.remote.find(&self.key)?;
                state.is_complete = found.is_some_and(|found| is_of(&state.record.facts, &found));
            }
            Ok(state.is_complete)
        })
    }
}

/// Whether an object was made by the upload of a record.
fn is_of(facts: &Facts, found: &Found) -> bool {
    let same =
        found.mark.as_ref().map_or_else(|| bare(&found.etag) == composite(facts), |mark| *mark == facts.mark);
    facts.completing == Some(found.len) && same
}

/// The entity tag that S3 gives to what was uploaded in parts.
fn composite(facts: &Facts) -> String {
    let mut md5 = Md5::new();
    facts.parts.iter().filter_map(|part| part.sent.as_ref()).for_each(|sent| md5.update(sent.md5));
    format!("{}-{}", hex(&md5.finalize()), facts.parts.len())
}

fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
