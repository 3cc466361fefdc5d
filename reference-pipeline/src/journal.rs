//! §18 A journal in a file beside an output: `NAME.journal`.
//!
//! # Assumptions
//! Those of the file sink: `fdatasync` makes bytes durable, `fsync` of the folder names; `rename` is atomic. The lock on the
//! output's partial file keeps other owners away from the journal too.
//!
//! # Crash table
//! | killed | on disk | what is found |
//! |---|---|---|
//! | before the rename of a new journal | the old journal, or none, and `NAME.journal.new` | the old journal, or none |
//! | while a record is appended | the records before it, and a torn tail | the records before it |

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use stream_v2_format::crypto::{Journal, JournalEntry, StreamOpener, StreamSealer, fingerprint};
use stream_v2_format::limits::JOURNAL_RECORDS_MAX;
use stream_v2_format::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_RECORD_LEN, JournalHeader, JournalRecord, JournalRole, Trailer,
};
use stream_v2_format::{self as format, SegmentIndex};

use crate::salts::draw;
use crate::sinks::sync_folder;
use crate::{Commit, CrashManager};

/// A longer journal is none that this crate has written; what is behind is not read.
const LEN_MAX: u64 = JOURNAL_HEADER_LEN as u64 + (JOURNAL_RECORDS_MAX as u64 + 1) * JOURNAL_RECORD_LEN as u64;

/// What is known of a source from outside (§18.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStamp {
    /// Length in bytes.
    pub len: Option<u64>,
    /// Time of modification, in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime: Option<i64>,
}

/// The name of the journal of an output: `NAME.journal`.
#[must_use]
pub fn journal_path(target: &Path) -> PathBuf {
    with_suffix(target, ".journal")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The journal of a writer, kept in a file.
pub struct FileJournal {
    path: PathBuf,
    source: SourceStamp,
    open: Option<Open>,
}

struct Open {
    file: File,
    journal: Journal,
    stream: StreamSealer,
}

impl FileJournal {
    /// A journal for the output `target`, to be written when its stream begins.
    #[must_use]
    pub fn new(target: &Path, source: SourceStamp) -> Self {
        Self { path: journal_path(target), source, open: None }
    }

    /// Opens the journal that an interrupted writer of `stream` has left, and cuts its torn tail. The inner error says why a journal is
    /// not to be used (SV2-JRN-006); `None` is no journal.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn find(target: &Path, stream: &StreamOpener) -> io::Result<Option<Result<Self, format::Error>>> {
        let path = journal_path(target);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        (&mut file).take(LEN_MAX).read_to_end(&mut bytes)?;
        let journal = match Journal::read(stream, JournalRole::Encrypt, &bytes) {
            Ok(journal) => journal,
            Err(error) => return Ok(Some(Err(error))),
        };
        file.set_len(journal.valid_len())?;
        file.seek(SeekFrom::Start(journal.valid_len()))?;
        let header = journal.header();
        let source = SourceStamp { len: header.source_len, mtime: header.source_mtime };
        let stream = StreamSealer::resuming(stream);
        Ok(Some(Ok(Self { path, source, open: Some(Open { file, journal, stream }) })))
    }

    /// The source when the journal was begun.
    #[must_use]
    pub const fn source(&self) -> &SourceStamp {
        &self.source
    }

    /// The last commit.
    #[must_use]
    pub fn last_commit(&self) -> Option<&JournalRecord> {
        self.open.as_ref()?.journal.last_commit()
    }

    /// The ending, where the last record is one.
    #[must_use]
    pub fn ending(&self) -> Option<&JournalRecord> {
        self.open.as_ref()?.journal.ending()
    }

    /// Removes the journal: the output is sealed and published (SV2-RES-003).
    ///
    /// # Errors
    /// Whatever keeps it from being removed.
    pub fn remove(target: &Path) -> io::Result<()> {
        match fs::remove_file(journal_path(target)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Writes a journal beside the old one, and renames it over that one.
    fn replace(&mut self, journal: Journal, records: &[u8], stream: StreamSealer) -> io::Result<()> {
        let new = with_suffix(&self.path, ".new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        file.write_all(&[&journal.header_bytes()[..], records].concat())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        sync_folder(&self.path)?;
        self.open = Some(Open { file, journal, stream });
        Ok(())
    }

    fn append(&mut self, entry: &JournalEntry) -> io::Result<()> {
        if let Some(open) = self.open.take_if(|open| open.journal.is_full()) {
            let (journal, record) = open.journal.compacted(draw()?);
            self.replace(journal, &record.map_or(Vec::new(), |record| record.to_vec()), open.stream)?;
        }
        let open = self.open.as_mut().ok_or(ErrorKind::NotFound)?;
        open.file.write_all(&open.journal.append(entry))?;
        open.file.sync_data()
    }
}

impl CrashManager for FileJournal {
    fn began(&mut self, stream: &StreamSealer) -> io::Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        let header = JournalHeader {
            role: JournalRole::Encrypt,
            stream_header: stream.header_bytes(),
            source_len: self.source.len,
            source_mtime: self.source.mtime,
            journal_salt: draw()?,
        };
        self.replace(Journal::begin(stream, header), &[], stream.clone())
    }

    fn committed(&mut self, _: &Commit) -> io::Result<()> {
        Ok(())
    }

    fn durable(&mut self, commit: &Commit, plaintext: &[u8]) -> io::Result<()> {
        let stream = &self.open.as_ref().ok_or(ErrorKind::NotFound)?.stream;
        let fingerprint = fingerprint(stream, commit.index, plaintext);
        let position = commit.position - commit.segment_len;
        let Commit { index, segment_tag, plaintext_len, transcript, .. } = *commit;
        self.append(&JournalEntry::commit(
            index,
            segment_tag,
            position,
            plaintext_len,
            transcript,
            fingerprint,
        ))
    }

    fn ending(&mut self, index: SegmentIndex, trailer: &Trailer) -> io::Result<()> {
        self.append(&JournalEntry::ending(index, trailer))
    }
}
