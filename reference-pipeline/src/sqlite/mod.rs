//! Streams in an SQLite database (feature `sqlite`): a [`Storage`](crate::Storage), so that sinks, journals and resuming are those of files.
//!
//! A database holds any number of streams under names. What stands in a file in pieces stands in rows here: a row of `pieces` is the stream
//! header, a segment with its segment_index, or a record of the journal. While a stream is written it has the name `NAME.partial`, its journal
//! is `NAME.journal`, and it has its own name once it is complete, as in a folder.
//!
//! # Assumptions
//! - A transaction of SQLite is atomic. In WAL mode one that was committed with `synchronous=FULL` survives a loss of power, with everything
//!   that was committed before it; one committed with `NORMAL` survives the death of the process.
//! - The database is on a local disk: WAL does not work over a network.
//! - The advisory lock on `DATABASE-ID.lock`, a file beside the database, keeps a second writer of this crate from the same stream; a second
//!   writer that got past it would find that the length or the next segment is not the one that it expects.
//!
//! # Transactions
//! | step | transaction | durable |
//! |---|---|---|
//! | a segment is appended | `BEGIN IMMEDIATE`; length and next segment_index from what was expected to what they become, or nothing; the row of the segment | against the death of the process |
//! | a tail is cut | what is behind the cut; length and next segment_index from what is left | as a segment |
//! | a durability point | the length that is durable, with `synchronous=FULL` | all of it, and what was committed before |
//! | a record of the journal | as a segment; then a durability point | all of it |
//! | names given, taken, removed | one each, with `synchronous=FULL` | all of it |
//!
//! # Crash table
//! | killed | in the database | what a reader sees |
//! |---|---|---|
//! | before the name is created | nothing | nothing |
//! | while a segment is appended | `NAME.partial` with the segments before it: never a torn one | an unsealed stream |
//! | power lost | `NAME.partial` as at the last durability point, or with whole segments more | an unsealed stream |
//! | after the last segment, before the name | `NAME.partial`, complete | a sealed stream under the partial name |
//! | between link and removal (no overwriting) | `NAME` and `NAME.partial`, the same rows | the complete stream |
//!
//! # Errors
//! Of kind `ResourceBusy` where another process holds the lock of the database for too long, `StorageFull`, `ReadOnlyFilesystem`, `InvalidData` for a
//! file that is no database, a damaged one, and one of something else, `Unsupported` for one of another layout; `NotFound`, `AlreadyExists`.

mod content;
mod errors;
mod lock;
mod names;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use rusqlite::{Connection, OptionalExtension};

pub use content::Content;

use self::errors::{Named, file_name};
use crate::OutputFile;

/// A database of streams. Clones share the connection.
#[derive(Clone)]
pub struct Database {
    /// As it was given, for people.
    shown: PathBuf,
    /// Without links.
    path: PathBuf,
    /// What the names of outputs begin with, for people: `sqlite:PATH?stream=`.
    prefix: String,
    connection: Arc<Mutex<Connection>>,
}

/// A stream, or what an interrupted run has left of one, under its name.
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
    /// Opens a database for writing, and creates it where there is none.
    ///
    /// # Errors
    /// Those of the module.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::opened(path, schema::create(path)?).map(Self::swept)
    }

    /// Opens a database that is there, for writing.
    ///
    /// # Errors
    /// Those of the module.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::opened(path, schema::open(path, true)?).map(Self::swept)
    }

    /// Opens a database that is there, for reading.
    ///
    /// # Errors
    /// Those of the module.
    pub fn open_read_only(path: &Path) -> io::Result<Self> {
        Self::opened(path, schema::open(path, false)?)
    }

    fn opened(path: &Path, connection: Connection) -> io::Result<Self> {
        let prefix = format!("sqlite:{}?stream=", path.display());
        // Beside a file that is reached by another name there would be other locks.
        let (shown, path) = (path.to_owned(), path.canonicalize()?);
        Ok(Self { shown, path, prefix, connection: Arc::new(Mutex::new(connection)) })
    }

    /// Removes the files of locks that killed writers have left of what is complete or gone.
    fn swept(self) -> Self {
        lock::sweep(&self.path, |content| self.is_unfinished(content));
        self
    }

    /// Whether somebody may want to go on with a content: then the file of its lock stays where it is.
    fn is_unfinished(&self, content: i64) -> bool {
        let sql = "SELECT count(*) FROM names WHERE content = ?1 AND name LIKE '%.partial'";
        let named = self.held().query_row(sql, [content], |row| row.get::<_, i64>(0));
        named.map_or(true, |names| names > 0)
    }

    /// How long another process that holds the lock of the database is waited for; by default ten seconds.
    ///
    /// # Errors
    /// Those of the module.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.held().busy_timeout(patience).named(&self.shown)
    }

    /// The file of the database, without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The stream `name` as an output. It replaces nothing. Its target is called `sqlite:PATH?stream=NAME`.
    #[must_use]
    pub fn output(&self, name: &str) -> OutputFile {
        OutputFile::stored(Arc::new(self.clone()), format!("{}{name}", self.prefix))
    }

    /// What is in the database, in the order of the names; journals are left out.
    ///
    /// # Errors
    /// Those of the module.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let connection = self.held();
        let sql = "SELECT name, len, (SELECT count(*) FROM pieces WHERE pieces.content = contents.id AND segment IS NOT NULL) \
                   FROM names JOIN contents ON contents.id = names.content ORDER BY name";
        let mut statement = connection.prepare(sql).named(&self.shown)?;
        let entries = statement.query_map([], |row| {
            let (len, segments): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(Entry { name: row.get(0)?, len: len.unsigned_abs(), segments: segments.unsigned_abs() })
        });
        let entries = entries.and_then(Iterator::collect::<Result<Vec<_>, _>>).named(&self.shown)?;
        let is_journal = |name: &str| name.ends_with(".journal") || name.ends_with(".journal.new");
        Ok(entries.into_iter().filter(|entry| !is_journal(&entry.name)).collect())
    }

    /// Opens the stream `name` for reading.
    ///
    /// # Errors
    /// `NotFound`, and those of the module.
    pub fn read(&self, name: &str) -> io::Result<Content> {
        let id = self.content_of(name)?;
        Ok(Content::new(self, id))
    }

    /// Deletes the complete stream `name`. What an interrupted run has left is given up by [`OutputFile::discard`].
    ///
    /// # Errors
    /// `NotFound`, and those of the module.
    pub fn delete(&self, name: &str) -> io::Result<()> {
        self.remove_name(name)
    }

    fn held(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn content_of(&self, name: &str) -> io::Result<i64> {
        let found = self
            .held()
            .prepare_cached("SELECT content FROM names WHERE name = ?1")
            .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
            .named(&self.shown)?;
        found.ok_or_else(|| errors::not_found(&self.shown, name))
    }

    fn name_of<'p>(&self, path: &'p Path) -> io::Result<&'p str> {
        let name = path.to_str().ok_or_else(|| file_name(path))?;
        Ok(name.strip_prefix(&self.prefix).unwrap_or(name))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}
