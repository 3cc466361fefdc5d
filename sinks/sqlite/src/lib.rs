//! Streams in an SQLite database: a [`Storage`](stream_v2_pipeline::Storage), so that sinks,
//! journals and resuming are those of files.
//!
//! A database holds any number of streams under names. What is a piece of a file elsewhere is a row
//! here: a row of `pieces` is the stream header, a segment with its segment_index, or a record of
//! the journal. While a stream is written it has the name `NAME.partial`, its journal is
//! `NAME.journal`, and it gets its own name when it is complete, as in a folder.
//!
//! # Assumptions
//! - A transaction of SQLite is atomic. In WAL mode a transaction that was committed with
//!   `synchronous=FULL` survives a loss of power, with everything that was committed before it, if
//!   the syncs of the log up to there succeeded. One that was committed with `NORMAL` survives the
//!   death of the process.
//! - A process that has the log open when a write-back of it fails is told by its next sync of it
//!   (Linux 4.13 and later). A process that opens it afterwards is not told.
//! - The database is on a local disk: WAL does not work over a network.
//! - The advisory lock on `DATABASE-ID.lock`, a file beside the database, keeps a second writer of
//!   this crate from the same stream. A second writer without it would find that the length or the
//!   next segment is not the one that it expects.
//! - The file may have been made by an attacker. Its tables are compared with ours before anything
//!   else is asked of it, and a statement that takes more steps than the file has bytes is ended.
//!
//! # Transactions
//! | step | transaction | durable |
//! |---|---|---|
//! | a segment is appended | `BEGIN IMMEDIATE`; length and next segment_index from what was expected to what they become, or nothing; the row of the segment | against the death of the process |
//! | a tail is cut | what is behind the cut, overwritten with zeros; length and next segment_index from what is left | as a segment |
//! | a durability point | the length that is durable, with `synchronous=FULL` | all of it, and what was committed before |
//! | a record of the journal | as a segment; then a durability point | all of it |
//! | names given, taken, removed | one each, with `synchronous=FULL` | all of it |
//! | a content without a name is freed | up to 16 MiB each, overwritten with zeros, after its name was removed | as a segment |
//!
//! # Crash table
//! | killed | in the database | what a reader sees |
//! |---|---|---|
//! | before the name is created | nothing | nothing |
//! | while a segment is appended | `NAME.partial` with the segments before it: never a torn one | an unsealed stream |
//! | power lost | `NAME.partial` as at the last durability point, or with whole segments more | an unsealed stream |
//! | after the last segment, before the name | `NAME.partial`, complete | a sealed stream under the partial name |
//! | between link and removal (no overwriting) | `NAME` and `NAME.partial`, the same rows | the complete stream |
//! | after a name was removed, before its content is freed | a content without a name, which the next writer frees | nothing |
//!
//! # A sync that fails
//! Linux reports a failed write-back once. The pages of the log count as written afterwards, and
//! the next sync succeeds without them. Recovery cuts the log at the first frame that is not whole,
//! so nothing behind such a hole is durable, whatever later syncs say. Therefore:
//!
//! - After a failed durable transaction, or an I/O error in any transaction or checkpoint, a
//!   [`Database`] writes, syncs and reads no content any more, and does not copy the log into the
//!   database when it is closed.
//! - Checkpoints are made by this crate and not by SQLite, which ignores their errors.
//! - A writer that opens a database, or resumes in it, first writes all valid frames of the log
//!   again, byte for byte, while it holds the lock of the database, and syncs the log. It fails if
//!   that fails.
//!
//! | then | on the disk | what the next writer does |
//! |---|---|---|
//! | the run ends, or is killed | the log up to the hole | writes the log again from memory: nothing is lost |
//! | power is lost before that | the log up to the hole, with all recorded commits | resumes there |
//! | another process writes a stream meanwhile | the log up to the hole | its own next sync fails, and it ends |
//! | memory has lost the pages, and another process still reads the log | the log up to the hole | refuses: every process has to close the database |
//!
//! # Errors
//! Of kind `ResourceBusy` if another process holds the lock of the database for too long,
//! `StorageFull`, `ReadOnlyFilesystem`, `InvalidData` for a file that is not a database, a damaged
//! one, and one of something else, `Unsupported` for one of another layout; `InvalidFilename` if
//! the name of the file leaves no room for the names of locks; `NotFound`, `AlreadyExists`.

mod checkpoint;
mod content;
mod create;
mod database;
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
    /// The name: that of a stream, or with `.partial` of one that is not complete.
    pub name: String,
    /// Bytes.
    pub len: u64,
    /// Segments, the final one included.
    pub segments: u64,
}

impl Database {
    /// Opens a database for writing, and creates it if it does not exist. Only its owner can read a
    /// database that is created.
    ///
    /// # Errors
    /// Those of the module.
    pub fn create(path: &Path) -> io::Result<Self> {
        let place = Place::new(path)?;
        let opened = create::create(&place)?;
        Self::written(place, opened)
    }

    /// Opens a database that exists for writing.
    ///
    /// # Errors
    /// Those of the module.
    pub fn open(path: &Path) -> io::Result<Self> {
        let place = Place::new(path)?;
        let opened = create::open(&place)?;
        Self::written(place, opened)
    }

    /// Opens a database that exists for reading. Nothing in the file or beside it is changed,
    /// except that SQLite keeps its own files there while the database is open, if it can. If it
    /// cannot, the file is read alone, which takes that nothing is in its write-ahead log.
    ///
    /// # Errors
    /// Those of the module.
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

    /// Removes what killed writers have left: contents without a name, and locks of contents that
    /// are complete or gone.
    fn written(place: Place, opened: Opened) -> io::Result<Self> {
        let database = Self::opened(place, opened, None)?;
        database.clear_unnamed()?;
        let ids = 1..=database.last_id();
        lock::sweep(&database.place.path, &ids, |content| database.is_unfinished(content));
        Ok(database)
    }

    /// The highest id that a content has had.
    fn last_id(&self) -> i64 {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'contents'";
        self.held().query_row(sql, [], |row| row.get(0)).unwrap_or(0)
    }

    /// Whether a content may be resumed: then the file of its lock is kept.
    fn is_unfinished(&self, content: i64) -> bool {
        let sql = "SELECT count(*) FROM names WHERE content = ?1 AND name LIKE '%.partial'";
        let named = self.held().query_row(sql, [content], |row| row.get::<_, i64>(0));
        named.map_or(true, |names| names > 0)
    }

    /// Sets how long to wait for another process that holds the lock of the database; ten seconds
    /// by default.
    ///
    /// # Errors
    /// Those of the module.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.held().busy_timeout(patience).named(&self.place.shown)
    }

    /// The file of the database, without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The stream `name` as an output. It replaces nothing. Its target is called
    /// `sqlite:PATH?stream=NAME`.
    #[must_use]
    pub fn output(&self, name: &str) -> OutputFile {
        OutputFile::stored(Arc::new(self.clone()), format!("{}{name}", self.prefix))
    }

    /// What is in the database, in the order of the names; journals are left out.
    ///
    /// # Errors
    /// Those of the module.
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
    /// `NotFound`, and those of the module.
    pub fn read(&self, name: &str) -> io::Result<Content> {
        let id = self.content_of(name)?;
        Ok(Content::new(self, id))
    }

    /// Deletes the complete stream `name`, and overwrites its bytes in the database. A partial
    /// output is discarded with [`OutputFile::discard`].
    ///
    /// The write-ahead log is cut afterwards, unless another process is reading from it. What the
    /// file system, the disk, or a copy of either keeps of earlier bytes is not overwritten.
    ///
    /// # Errors
    /// `NotFound`, and those of the module.
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
