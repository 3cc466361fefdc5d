//! The tables, and how a connection is set up.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::errors::{Named, foreign, other_layout};

/// `SV2D`: what tells our databases from those of others.
const APPLICATION_ID: i64 = 0x5356_3244;
const LAYOUT: i64 = 2;

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Large pages, because rows are large. It must be set before anything is in the database.
const PAGE_SIZE: i64 = 65_536;
/// Pages of the write-ahead log after which it is copied into the database: 64 MiB, as often as files are made durable.
const CHECKPOINT_PAGES: i64 = (64 << 20) / PAGE_SIZE;

const TABLES: &str = "
    -- What a name stands for: a stream, a plaintext or a journal. Ids are never used again.
    CREATE TABLE contents (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        len     INTEGER NOT NULL DEFAULT 0,  -- bytes: the sum of its pieces
        next    INTEGER NOT NULL DEFAULT 0,  -- the segment_index after the last segment; 0 where there is none
        durable INTEGER NOT NULL DEFAULT 0   -- bytes at the last durability point
    ) STRICT;
    CREATE TABLE names (
        name    TEXT PRIMARY KEY,
        content INTEGER NOT NULL REFERENCES contents (id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pieces (
        id       INTEGER PRIMARY KEY,
        content  INTEGER NOT NULL REFERENCES contents (id),
        position INTEGER NOT NULL,           -- bytes of the content before this piece
        segment  INTEGER,                    -- segment_index; NULL for a stream header and in a journal
        bytes    BLOB NOT NULL,
        UNIQUE (content, position),
        UNIQUE (content, segment)
    ) STRICT;
    CREATE INDEX names_by_content ON names (content);
";

/// Opens a database for writing, and makes its tables where it is empty.
pub(super) fn create(path: &Path) -> io::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(path, flags)?;
    if is_empty(&connection).named(path)? {
        connection.pragma_update(None, "page_size", PAGE_SIZE).named(path)?;
        connection.pragma_update(None, "journal_mode", "WAL").named(path)?;
        make(&mut connection).named(path)?;
    }
    ready(path, connection, true)
}

/// Opens a database that is there.
pub(super) fn open(path: &Path, write: bool) -> io::Result<Connection> {
    // SQLite would say that it cannot open it, whatever the reason.
    path.metadata()?;
    let flags = match write {
        true => OpenFlags::SQLITE_OPEN_READ_WRITE,
        false => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    ready(path, connect(path, flags)?, write)
}

fn connect(path: &Path, flags: OpenFlags) -> io::Result<Connection> {
    // The connection is behind a lock of this crate.
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).named(path)?;
    connection.busy_timeout(PATIENCE).named(path)?;
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0 && pragma(connection, "application_id")? == 0)
}

/// Makes the tables, unless another process was faster.
fn make(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    if is_empty(&transaction)? {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()
}

/// Refuses what is none of ours, and sets the connection up.
fn ready(path: &Path, connection: Connection, write: bool) -> io::Result<Connection> {
    if pragma(&connection, "application_id").named(path)? != APPLICATION_ID {
        return Err(foreign(path));
    }
    let layout = pragma(&connection, "user_version").named(path)?;
    if layout != LAYOUT {
        return Err(other_layout(path, layout, LAYOUT));
    }
    if write {
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).named(path)?;
        durability(&connection, false).named(path)?;
    }
    Ok(connection)
}

/// Whether the transactions that follow survive a loss of power.
pub(super) fn durability(connection: &Connection, durable: bool) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
}

/// Whether they do.
pub(super) fn is_durable(connection: &Connection) -> Result<bool, rusqlite::Error> {
    const FULL: i64 = 2;
    pragma(connection, "synchronous").map(|level| level == FULL)
}
