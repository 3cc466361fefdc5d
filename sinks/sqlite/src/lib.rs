//! Streams in an SQLite database, which resume as in files.
//!
//! Use it with `stream-v2-pipeline`: a [`Database`] is one of its storages
//! ([`Storage`](stream_v2_pipeline::Storage)), so that sinks, journals and resuming are those of
//! files. The crate `stream-v2` includes it as its feature `sqlite`.
//!
//! | job | items |
//! |---|---|
//! | create or open a database | [`Database::create`], [`Database::open`] |
//! | write a stream, and resume after an interruption | [`Database::output`] |
//! | read a stream: in order, with seeks, or in ranges | [`Database::read`], [`Content`] |
//! | list and delete streams | [`Database::entries`], [`Database::delete`] |
//! | replace an envelope | [`Database::replace_head`] |
//!
//! A database holds any number of streams under names. While a stream is written it has the name
//! `NAME.partial`, and its journal is `NAME.journal`. It is renamed to `NAME` when it is complete,
//! as in a folder. A row of the table `pieces` is a stream header, a segment with its
//! segment_index, or a record of a journal. The rules for sinks are in section 19.7 of the
//! specification (`spec/stream-v2.md` in the repository).
//!
//! The crate needs std, a C compiler for SQLite, and Rust 1.95 or later. It has no features.
//!
//! # Examples
//!
//! ```
//! use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, FileSink, Managers};
//! use stream_v2_pipeline::{SourceStamp, WriterSink};
//! use stream_v2_sqlite::Database;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("all.db");
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let database = Database::create(&path)?;
//! let sink = FileSink::create(&database.output("dump"))?;
//! EncryptPipeline::new(&key).run_to_file(&b"hello"[..], SourceStamp::default(), sink, None)?;
//!
//! let mut plaintext = Vec::new();
//! let mut sink = WriterSink::new(&mut plaintext);
//! DecryptPipeline::new(&key).run(database.read("dump")?, &mut sink, Managers::none())?;
//! assert_eq!((plaintext, database.entries()?.len()), (b"hello".to_vec(), 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Assumptions
//!
//! - A transaction of SQLite is atomic. In WAL mode a transaction that was committed with
//!   `synchronous=FULL` survives a loss of power, if the syncs of the log up to there succeeded. So
//!   does everything that was committed before it. A transaction that was committed with `NORMAL`
//!   survives the death of the process.
//! - If a process has the log open when a write-back of it fails, its next sync of the log reports
//!   that (Linux 4.13 and later). A process that opens the log afterwards gets no report.
//! - The database is on a local disk: WAL does not work over a network.
//! - The advisory lock on `DATABASE-ID.lock`, a file next to the database, keeps a second writer of
//!   this crate from the same stream. A second writer without it would find that the length or the
//!   next segment is not the one that it expects.
//! - The file may have been made by an attacker. Its tables are compared with ours before any other
//!   statement, and a statement that takes more steps than the file has bytes is ended.
//!
//! # Transactions
//!
//! - A segment is appended. `BEGIN IMMEDIATE` begins the transaction. Length and next segment_index
//!   advance from their expected values, or nothing changes. The row of the segment is added. It
//!   survives the death of the process.
//! - A tail is cut. The bytes behind the cut are overwritten with zeros. Length and next
//!   segment_index become those of the rest. It survives as a segment does.
//! - A durability point: the length that is durable, with `synchronous=FULL`. Everything is
//!   durable, with all that was committed before.
//! - A record of the journal: as a segment, followed by a durability point. All of it is durable.
//! - An envelope is replaced: one row, with `synchronous=FULL`. A reader sees the old one or the
//!   new one.
//! - Names given, taken, removed: one each, with `synchronous=FULL`. All of it is durable.
//! - A content without a name is freed: up to 16 MiB each, overwritten with zeros, after its name
//!   was removed. It survives as a segment does.
//!
//! # Crash table
//!
//! | killed | in the database | stream that a reader sees |
//! |---|---|---|
//! | before the name is created | nothing | none |
//! | while a segment is appended | `NAME.partial` with the whole segments before it | unsealed |
//! | power lost | `NAME.partial` as at the last durability point, or longer | unsealed |
//! | before the name | `NAME.partial`, complete | sealed, with partial name |
//! | between link and removal (no overwriting) | both names for the same rows | complete |
//! | before the content of a removed name is freed | a content without a name | none |
//!
//! A torn segment is never in the database, also after a loss of power. The next writer frees a
//! content without a name.
//!
//! # A sync that fails
//!
//! Linux reports a failed write-back once. The pages of the log count as written afterwards, and
//! the next sync succeeds without them. Recovery cuts the log at the first frame that is not whole,
//! so nothing behind such a hole is durable, even after later syncs. Therefore:
//!
//! - After a failed durable transaction, or an I/O error in any transaction or checkpoint, a
//!   [`Database`] stops writing, syncing and reading content. It does not copy the log into the
//!   database when it is closed.
//! - This crate makes checkpoints, because SQLite ignores the errors of its own.
//! - A writer that opens a database, or resumes in it, first writes all valid frames of the log
//!   again, byte for byte. It holds the lock of the database meanwhile, and syncs the log. It fails
//!   if that fails.
//!
//! In each case the log up to the hole is on the disk:
//!
//! - If the run ends, or is killed, the next writer writes the log again from memory, and nothing
//!   is lost.
//! - If power is lost before that, the log up to the hole has all recorded commits, and the next
//!   writer resumes there.
//! - If another process writes a stream meanwhile, its own next sync fails, and it ends.
//! - If memory has lost the pages, and another process still reads the log, the next writer
//!   refuses. Every process has to close the database.
//!
//! # Errors
//!
//! - `ResourceBusy` if another process holds the lock of the database for too long.
//! - `StorageFull` or `ReadOnlyFilesystem` from the file system.
//! - `InvalidData` for a file that is not a database, a damaged one, and one of another program.
//! - `Unsupported` for a database of another layout.
//! - `InvalidFilename` if the name of the file leaves no room for the names of locks.
//! - `NotFound` or `AlreadyExists` for names.

mod checkpoint;
mod content;
mod create;
mod database;
mod envelope;
mod errors;
mod guard;
mod lock;
mod log;
mod names;
mod open;
mod pieces;
mod place;
mod plain;
mod removal;
mod schema;
mod transactions;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stream_v2_pipeline::OutputFile;

use self::database::Shared;
use self::errors::{Named, damaged};
use self::open::{Opened, Tidy};
use self::place::Place;

pub use content::Content;
pub use database::Database;

/// A stream, complete or partial, under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of a stream, or with `.partial` that of an incomplete one.
    pub name: String,
    /// The bytes of the stream.
    pub len: u64,
    /// The number of its segments, including the final one.
    pub segments: u64,
}

impl Database {
    /// Opens a database for writing, and creates it if it does not exist.
    ///
    /// Only its owner can read a database that is created.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    pub fn create(path: &Path) -> io::Result<Self> {
        let place = Place::new(path)?;
        let opened = create::create(&place)?;
        Self::written(place, opened)
    }

    /// Opens an existing database for writing.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    pub fn open(path: &Path) -> io::Result<Self> {
        let place = Place::new(path)?;
        let opened = create::open(&place)?;
        Self::written(place, opened)
    }

    /// Opens an existing database for reading.
    ///
    /// Nothing in the file or next to it is changed, except that SQLite keeps its own files there
    /// while the database is open, if it can. If it cannot, the file is read alone, which requires
    /// an empty write-ahead log.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    pub fn open_read_only(path: &Path) -> io::Result<Self> {
        let place = Place::new(path)?;
        let opened = open::for_reading(&place)?;
        let tidy = opened.still.is_none().then(|| Tidy(place.path.clone()));
        Self::opened(place, opened, tidy)
    }

    fn opened(place: Place, opened: Opened, tidy: Option<Tidy>) -> io::Result<Self> {
        let prefix = format!("sqlite:{}?stream=", place.shown.display());
        let shared = Shared::new(opened, tidy).named(&place.shown)?;
        Ok(Self { place, prefix, shared: Arc::new(shared) })
    }

    /// Removes the leftovers of killed writers: contents without a name, and locks of contents that
    /// are complete or gone.
    fn written(place: Place, opened: Opened) -> io::Result<Self> {
        let database = Self::opened(place, opened, None)?;
        database.clear_unnamed()?;
        let ids = 1..=database.last_id();
        lock::sweep(&database.place.path, &ids, |content| database.is_unfinished(content));
        Ok(database)
    }

    /// Returns the highest id that a content has had.
    fn last_id(&self) -> i64 {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'contents'";
        self.held().query_row(sql, [], |row| row.get(0)).unwrap_or(0)
    }

    /// Returns whether a content may be resumed. If so, the file of its lock is kept.
    fn is_unfinished(&self, content: i64) -> bool {
        let sql = "SELECT count(*) FROM names WHERE content = ?1 AND name LIKE '%.partial'";
        let named = self.held().query_row(sql, [content], |row| row.get::<_, i64>(0));
        named.map_or(true, |names| names > 0)
    }

    /// Sets how long to wait for another process that holds the lock of the database.
    ///
    /// The default is ten seconds.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.held().busy_timeout(patience).named(&self.place.shown)
    }

    /// Returns the file of the database, without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// Returns the stream `name` as an output, which does not replace a stream.
    ///
    /// Its target is called `sqlite:PATH?stream=NAME`.
    #[must_use]
    pub fn output(&self, name: &str) -> OutputFile {
        OutputFile::stored(Arc::new(self.clone()), format!("{}{name}", self.prefix))
    }

    /// Returns the streams in the database, in the order of their names.
    ///
    /// Partial streams are included, and journals are left out.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let entries = self.all_entries().named(&self.place.shown)?;
        self.refuse_changed()?;
        if entries.iter().any(|entry| entry.len < 0 || !names::is_name(&entry.name)) {
            return Err(damaged(&self.place.shown, "a stream has a negative length, or no name"));
        }
        let entries = entries.into_iter().filter(|entry| !names::is_journal(&entry.name));
        let entry = |row: Row| Entry {
            name: row.name,
            len: row.len.unsigned_abs(),
            segments: row.segments.unsigned_abs(),
        };
        Ok(entries.map(entry).collect())
    }

    fn all_entries(&self) -> Result<Vec<Row>, rusqlite::Error> {
        let connection = self.held();
        let sql = "SELECT name, len, (SELECT count(*) FROM pieces \
                   WHERE pieces.content = contents.id AND segment IS NOT NULL) \
                   FROM names JOIN contents ON contents.id = names.content ORDER BY name";
        let mut statement = connection.prepare(sql)?;
        let rows = statement
            .query_map([], |row| Ok(Row { name: row.get(0)?, len: row.get(1)?, segments: row.get(2)? }))?;
        rows.collect()
    }

    /// Opens the stream `name` for reading.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no such stream.
    /// - those of the [crate](crate#errors).
    pub fn read(&self, name: &str) -> io::Result<Content> {
        let id = self.content_of(name)?;
        Ok(Content::new(self, id))
    }

    /// Deletes the complete stream `name`, and overwrites its bytes in the database.
    ///
    /// [`OutputFile::discard`] discards a partial output. The write-ahead log is cut afterwards,
    /// unless another process is reading from it. Earlier bytes that the file system, the disk, or
    /// a copy of either keeps are not overwritten.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no such stream.
    /// - those of the [crate](crate#errors).
    pub fn delete(&self, name: &str) -> io::Result<()> {
        self.remove_name(self.name_of(Path::new(name))?)
    }
}

/// A row of the list, as it is in the database.
struct Row {
    name: String,
    len: i64,
    segments: i64,
}
