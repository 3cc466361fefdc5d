//! A journal in a file next to an output: `NAME.journal` (§18).
//!
//! # Assumptions
//!
//! Those of the file sink: `fdatasync` makes bytes durable, and `fsync` of the folder makes names
//! durable. `rename` is atomic. The lock on the output's partial file keeps other owners away from
//! the journal too.
//!
//! # Crash table
//!
//! | killed | on disk | what is found |
//! |---|---|---|
//! | before a new journal's rename | old journal or none, `NAME.journal.new` | the old, or none |
//! | while a record is appended | the records before it, and a torn tail | the records before it |
//! | after a record failed to become durable | the records before it, or that one too | the same |
//!
//! In the last case, a run that resumes writes a new journal.

use std::io::{self, ErrorKind, Read};

use stream_v2_format::crypto::{Journal, JournalKey, ResumeKey};
use stream_v2_format::limits::JOURNAL_RECORDS_MAX;
use stream_v2_format::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_MAGIC, JOURNAL_RECORD_LEN, JournalHeader, JournalRecord, JournalRecordType,
    JournalRole, Trailer,
};
use stream_v2_format::{self as format, SegmentIndex};

use super::recovered::JournalState;
use super::source_check::{Check, Checks};
use crate::keys::salts::draw;
use crate::observe::{Commit, CrashManager};
use crate::storage::output_file::not_ours;
use crate::storage::{OutputFile, StoredFile};

/// The longest journal that this crate writes. Bytes behind it are not read.
const LEN_MAX: u64 = JOURNAL_HEADER_LEN as u64 + (JOURNAL_RECORDS_MAX as u64 + 1) * JOURNAL_RECORD_LEN as u64;

/// The known properties of a source, apart from its content (§18.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStamp {
    /// Length in bytes.
    pub len: Option<u64>,
    /// Time of modification, in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime: Option<i64>,
}

/// The journal of an output, kept in a file.
pub struct FileJournal {
    output: OutputFile,
    role: JournalRole,
    source: SourceStamp,
    open: Option<Open>,
    /// The checks, for a writer whose output cannot be read back.
    checks: Option<Checks>,
    /// The resume key of a new stream, until it is written.
    resume_key: Option<ResumeKey>,
    /// True for a stream of which nothing is committed.
    is_new: bool,
}

struct Open {
    file: Box<dyn StoredFile>,
    journal: Journal,
    /// True if more than one record is behind the last valid one, which no crash leaves.
    damaged: bool,
}

impl FileJournal {
    /// Returns a journal for `output`. It is written when its stream begins.
    #[must_use]
    pub fn new(output: &OutputFile, role: JournalRole, source: SourceStamp) -> Self {
        let (output, open, checks, resume_key) = (output.clone(), None, None, None);
        Self { output, role, source, open, checks, resume_key, is_new: true }
    }

    /// Keeps this resume key, from the beginning of the journal to its end (§19.9).
    pub(crate) fn with_resume_key(self, resume_key: Option<ResumeKey>) -> Self {
        Self { resume_key, ..self }
    }

    /// Opens the journal of an interrupted run, and changes nothing.
    ///
    /// Returns `None` if there is no journal. The inner error is the reason why a journal must not
    /// be used (SV2-JRN-006).
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    pub fn find(
        output: &OutputFile,
        role: JournalRole,
        key: JournalKey,
    ) -> io::Result<Option<Result<Self, format::Error>>> {
        let Some(mut file) = output.open_if_there(&output.journal())? else { return Ok(None) };
        let mut bytes = Vec::new();
        (&mut file).take(LEN_MAX).read_to_end(&mut bytes)?;
        if !bytes.starts_with(&JOURNAL_MAGIC) {
            return Err(not_ours(&output.journal(), "is not a journal"));
        }
        Ok(Some(Journal::read(key, role, &bytes).map(|journal| {
            let source = stamp(journal.header());
            let tail = bytes.len() as u64 - journal.valid_len();
            let damaged = tail > JOURNAL_RECORD_LEN as u64;
            let open = Some(Open { file, journal, damaged });
            let (output, checks, resume_key) = (output.clone(), None, None);
            Self { output, role, source, open, checks, resume_key, is_new: false }
        })))
    }

    /// Returns the source as it was when the journal was begun.
    #[must_use]
    pub const fn source(&self) -> &SourceStamp {
        &self.source
    }

    /// Replaces the source, if its owner resumes with a changed one.
    pub(crate) const fn set_source(&mut self, source: SourceStamp) {
        self.source = source;
    }

    /// Returns the last commit.
    #[must_use]
    pub fn last_commit(&self) -> Option<&JournalRecord> {
        self.open.as_ref()?.journal.last_commit()
    }

    /// Returns whether records in it are damaged: more is missing than a crash can take.
    pub(crate) fn is_damaged(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.damaged)
    }

    /// Returns the checks for a source whose committed plaintext cannot be read back.
    pub(crate) fn checks(&self) -> io::Result<Option<Checks>> {
        let Some(open) = self.open.as_ref().filter(|_| self.output.storage().discards_uploaded()) else {
            return Ok(None);
        };
        match open.journal.last_commit() {
            Some(commit) => Checks::find(&self.output, open.journal.key(), commit),
            None => Ok(None),
        }
    }

    /// Continues with these checks, or with none.
    pub(crate) fn set_checks(&mut self, checks: Option<Checks>) {
        (self.checks, self.is_new) = (checks, false);
    }

    /// Returns the state of the output according to its journal, if there is one.
    pub(crate) fn vouched(journal: Option<&Self>) -> JournalState<'_> {
        journal.map_or(JournalState::Missing, |journal| {
            journal.last_commit().map_or(JournalState::Empty, JournalState::Committed)
        })
    }

    /// Returns the ending, if the last record is one.
    #[must_use]
    pub fn ending(&self) -> Option<&JournalRecord> {
        self.open.as_ref()?.journal.ending()
    }

    /// Writes a journal next to the old one, and renames it over that one.
    fn replace(&mut self, journal: Journal, record: Option<[u8; JOURNAL_RECORD_LEN]>) -> io::Result<()> {
        let (storage, path) = (self.output.storage(), self.output.journal());
        let new = self.output.new_journal();
        self.output.remove_own(&new)?;
        self.output.refuse_foreign(&path)?;
        let mut file = storage.create(&new)?;
        let header = journal.header_bytes();
        let (magic, rest) = header.split_at(JOURNAL_MAGIC.len());
        let rest = [rest, record.as_ref().map_or(&[], |record| record)].concat();
        //= spec/stream-v2.md#sv2-res-040
        //# An owner MUST make the magic of a stream header or of a journal durable before it hands
        //# over what follows it.
        file.append(None, magic, &rest)?;
        file.sync()?;
        storage.rename(&new, &path)?;
        storage.sync_folder(&path)?;
        self.open = Some(Open { file, journal, damaged: false });
        Ok(())
    }

    /// Replaces the journal by one that holds its last commit alone.
    fn compact(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let SourceStamp { len, mtime } = self.source;
        //= spec/stream-v2.md#sv2-jrn-003
        //= type=implication
        //= reason=Where random bytes come from is seen here alone.
        //# An owner MUST draw journal_salt from the operating system's cryptographic random
        //# generator for each journal header that it writes.
        let (journal, record) = open.journal.compacted((len, mtime), draw()?);
        self.replace(journal, record)
    }

    fn append(&mut self, record: &JournalRecord) -> io::Result<()> {
        //= spec/stream-v2.md#sv2-jrn-005
        //# An owner MUST compact a journal of JOURNAL_RECORDS_MAX records before it appends another
        //# one.
        if self.open.as_ref().is_some_and(|open| open.journal.is_full()) {
            self.compact()?;
        }
        let mut open = self.open.take().ok_or(ErrorKind::NotFound)?;
        let before = open.journal.valid_len();
        let bytes = open.journal.append(record);
        match open.file.write_all(&bytes).and_then(|()| open.file.sync()) {
            Ok(()) => self.open = Some(open),
            //= spec/stream-v2.md#sv2-jrn-010
            //# An owner MUST NOT append a record to a journal of which a durability point has
            //# failed.
            Err(error) => {
                // The record may or may not be read again.
                let _ = open.file.set_len(before);
                return Err(error);
            }
        }
        Ok(())
    }
}

fn stamp(header: &JournalHeader) -> SourceStamp {
    SourceStamp { len: header.source_len, mtime: header.source_mtime }
}

impl CrashManager for FileJournal {
    fn began(&mut self, key: &JournalKey) -> io::Result<()> {
        //= spec/stream-v2.md#sv2-res-018
        //# A resume key MUST be durable after the stream header is, and before the journal is
        //# begun.
        if let Some(resume_key) = self.resume_key.take() {
            self.output.keep_resume_key(&resume_key)?;
        }
        if self.is_new && self.role == JournalRole::Encrypt && self.output.storage().discards_uploaded() {
            self.checks = Some(Checks::begin(&self.output, Check::NOTHING)?);
        }
        match &self.open {
            //= spec/stream-v2.md#sv2-jrn-008
            //# An owner that resumes MUST replace the journal that it finds, as for compacting,
            //# before it appends a record.
            Some(_) => self.compact(),
            None => {
                let SourceStamp { len, mtime } = self.source;
                //= spec/stream-v2.md#sv2-jrn-003
                //= type=implication
                //= reason=Where random bytes come from is seen here alone.
                //# An owner MUST draw journal_salt from the operating system's cryptographic random
                //# generator for each journal header that it writes.
                self.replace(Journal::begin(key.clone(), key.header(self.role, (len, mtime), draw()?)), None)
            }
        }
    }

    fn committed(&mut self, _: &Commit) -> io::Result<()> {
        Ok(())
    }

    fn wants_plaintext(&self) -> bool {
        self.checks.is_some()
    }

    fn holds(&mut self, commit: &Commit, plaintext: &[u8]) -> io::Result<()> {
        if let (Some(checks), Some(open)) = (&mut self.checks, &self.open) {
            checks.check.follow(open.journal.key(), commit.index, plaintext);
        }
        Ok(())
    }

    fn durable(&mut self, commit: &Commit) -> io::Result<()> {
        let journal = &self.open.as_ref().ok_or(ErrorKind::NotFound)?.journal;
        // A segment_index is sealed once (SV2-RES-009), and the last commit was confirmed.
        if journal.last_commit().is_some_and(|last| last.index == commit.index) {
            return Ok(());
        }
        // Every recorded commit has its check.
        if let Some(checks) = &mut self.checks {
            checks.add(journal.key(), commit.index, commit.transcript.bytes())?;
        }
        self.append(&JournalRecord {
            sequence: 0,
            record_type: JournalRecordType::Commit,
            index: commit.index,
            position: commit.position - commit.segment_len,
            plaintext_len: commit.plaintext_len,
            segment_tag: commit.segment_tag,
            transcript: *commit.transcript.bytes(),
            run_first: commit.run_first,
        })
    }

    fn ending(&mut self, index: SegmentIndex, trailer: &Trailer) -> io::Result<()> {
        self.append(&JournalRecord::ending(index, trailer))
    }

    fn ended(&mut self) -> io::Result<()> {
        //= spec/stream-v2.md#sv2-res-020
        //# A writer MUST remove its resume key durably after the other name of the output and
        //# before the journal.
        // An object has no other name: its resume key is gone since before its partial file.
        if !self.output.storage().discards_uploaded() {
            self.output.remove_resume_key()?;
        }
        let open = self.open.take();
        self.checks = None;
        // Once its output has its name, another run may have begun a journal of its own.
        let is_replaced = |open: &Open| open.file.is_named(&self.output.journal()).map(|named| !named);
        if open.as_ref().map_or(Ok(false), is_replaced)? { Ok(()) } else { self.output.remove_journal() }
    }
}
