//! One upload: its parts are planned, are sent (`sending.rs`), and become the object.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use stream_v2_pipeline::{Shutdown, Storage};

use super::facts::Facts;
use super::names::Names;
use super::parts::Cutting;
use super::record::Record;
use crate::multipart::Multipart;

/// Receives the number of bytes that S3 has, whenever it has more.
pub(super) type Told = Box<dyn Fn(u64) + Send + Sync>;

/// Receives notices.
pub(super) type Noticed = Box<dyn Fn(UploadNotice) + Send + Sync>;

/// A notice for the owner of an upload, which continues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadNotice {
    /// The server refuses to create an object on the condition that there is none.
    ///
    /// Its absence was checked just before, so another writer at the same moment is not noticed.
    NotAtomic,
    /// S3 refuses to abort an upload that was given up.
    ///
    /// Its parts stay, and are billed, until the upload is aborted or expires by a rule of the
    /// bucket.
    NotAborted(String),
}

/// The constant settings, and the state.
pub(super) struct Shared {
    pub(super) remote: Arc<dyn Multipart>,
    pub(super) local: Arc<dyn Storage>,
    pub(super) names: Names,
    pub(super) key: String,
    pub(super) cutting: Cutting,
    /// Parts that are sent at once. With 0, the caller that makes the output durable sends them
    /// itself.
    pub(super) lanes: usize,
    pub(super) shutdown: Shutdown,
    pub(super) told: Option<Told>,
    pub(super) noticed: Option<Noticed>,
    pub(super) state: Mutex<Option<State>>,
    pub(super) changed: Condvar,
    pub(super) stops: AtomicBool,
}

/// The state that the owner of the output holds.
pub(super) struct State {
    pub(super) record: Record,
    /// Ends of pieces that are in no part yet.
    ends: VecDeque<u64>,
    /// Numbers of the parts that no thread has taken.
    pub(super) queue: VecDeque<u16>,
    pub(super) sending: usize,
    pub(super) failed: Option<(ErrorKind, String)>,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// True once the record was compared with the parts at S3.
    pub(super) is_confirmed: bool,
    /// True if the object is there.
    pub(super) is_complete: bool,
}

impl State {
    pub(super) fn check(&self) -> io::Result<()> {
        let failed = self.failed.as_ref();
        failed.map_or(Ok(()), |(kind, what)| Err(io::Error::new(*kind, what.clone())))
    }

    pub(super) fn waiting(&self) -> u64 {
        let facts = &self.record.facts;
        facts.planned_end() - facts.sent_len()
    }
}

impl Shared {
    pub(super) fn name(&self) -> String {
        self.remote.name_of(&self.key)
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `does` as the owner.
    pub(super) fn owned<T>(&self, does: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut locked = self.locked();
        let state = locked.as_mut().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
        state.check()?;
        does(state)
    }

    /// Becomes the owner, with a locked record.
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

    /// Returns an error if an upload has failed meanwhile.
    pub(super) fn check(&self) -> io::Result<()> {
        self.owned(|_| Ok(()))
    }

    /// Notes an appended piece. In a resumed run, a piece has ended before it.
    pub(super) fn appended(&self, begin: u64, end: u64) {
        if let Some(state) = self.locked().as_mut() {
            let before = Some(begin).filter(|begin| state.ends.back().is_none_or(|end| end < begin));
            state.ends.extend(before.into_iter().chain([end]));
        }
    }

    /// Notes that the bytes after `len` were cut. Planned parts cannot be cut.
    pub(super) fn cut(&self, len: u64) -> io::Result<()> {
        self.owned(|state| {
            if len < state.record.facts.planned_end() {
                return Err(io::Error::new(ErrorKind::InvalidInput, "what is uploaded cannot be cut"));
            }
            state.ends.retain(|end| *end <= len);
            Ok(())
        })
    }

    /// Plans parts of committed bytes, and starts sending them.
    ///
    /// They go up to the last end of a piece that is not beyond `upto`, or to the end of the file.
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
            // Every part that S3 may get is recorded here first.
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

    /// Notes that the bytes before `upto` that S3 has are given up here, if it is worth it.
    ///
    /// Returns the end of the bytes that are given up.
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

    pub(super) fn notice(&self, notice: UploadNotice) {
        if let Some(noticed) = &self.noticed {
            noticed(notice);
        }
    }
}

pub(super) fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
