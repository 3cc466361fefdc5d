//! The tables, and the check that a file has exactly these.

use std::io;
use std::path::Path;

use rusqlite::{Connection, Error, TransactionBehavior};

use crate::errors::{Named, foreign, other_layout, other_schema};

/// `SV2D`, which tells our databases from others.
const APPLICATION_ID: i64 = 0x5356_3244;
const LAYOUT: i64 = 2;

/// The statements that create the tables.
///
/// SQLite keeps them word for word, including comments, and [`check`] compares them. So a change
/// here is a new layout.
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

/// A row of `sqlite_schema`, without the page that it points to.
#[derive(PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    table: String,
    sql: Option<String>,
}

/// Returns whether nothing was ever stored in a database.
pub(super) fn is_empty(connection: &Connection) -> Result<bool, Error> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0 && pragma(connection, "application_id")? == 0)
}

/// Makes the tables, unless another process was faster.
pub(super) fn make(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    if is_empty(&transaction)? {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()
}

/// Refuses a database of another program, of another layout, or with anything but our tables.
///
/// A view in place of a table would be code of its author's, run by our statements.
pub(super) fn check(connection: &Connection, path: &Path) -> io::Result<()> {
    if pragma(connection, "application_id").named(path)? != APPLICATION_ID {
        return Err(foreign(path));
    }
    let layout = pragma(connection, "user_version").named(path)?;
    if layout != LAYOUT {
        return Err(other_layout(path, layout, LAYOUT));
    }
    let (ours, found) = (ours().named(path)?, objects(connection).named(path)?);
    if let Some(other) = found.iter().find(|object| !ours.contains(object)) {
        return Err(other_schema(path, "has", &other.kind, &other.name));
    }
    match ours.iter().find(|object| !found.contains(object)) {
        Some(missing) => Err(other_schema(path, "lacks", &missing.kind, &missing.name)),
        None => Ok(()),
    }
}

/// Returns the objects that [`make`] makes, as SQLite describes them.
fn ours() -> Result<Vec<Object>, Error> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    objects(&connection)
}

fn objects(connection: &Connection) -> Result<Vec<Object>, Error> {
    let mut statement = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let objects = statement.query_map([], |row| {
        Ok(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
    })?;
    objects.collect()
}

pub(super) fn pragma(connection: &Connection, name: &str) -> Result<i64, Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
