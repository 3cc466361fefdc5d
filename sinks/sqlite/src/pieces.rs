//! Reads a content piece by piece.
//!
//! The rows are not trusted: pieces must follow each other without a gap, and end with the content.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::{Connection, Error, MAIN_DB, OptionalExtension, Row, params};

use crate::errors::{Named, changed, damaged};

/// The reason why a content cannot be read.
pub(super) enum Fault {
    /// An error of SQLite.
    Sqlite(Error),
    /// The content is gone.
    Gone,
    /// Rows that contradict each other.
    Damaged(&'static str),
    /// An error while reading a row.
    Io(io::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Fault {
    pub(super) fn named(self, database: &Path) -> io::Error {
        match self {
            Self::Gone => changed(database),
            Self::Damaged(what) => damaged(database, what),
            Self::Sqlite(error) => {
                Err::<(), _>(error).named(database).err().unwrap_or_else(|| ErrorKind::Other.into())
            }
            Self::Io(error) => io::Error::new(error.kind(), format!("{}: {error}", database.display())),
        }
    }
}

/// A row: its id, and its bytes.
struct Piece {
    row: i64,
    begin: u64,
    end: u64,
}

/// Returns the bytes in a content.
pub(super) fn len(connection: &Connection, content: i64) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached("SELECT len FROM contents WHERE id = ?1")?;
    let len: Option<i64> = statement.query_row([content], |row| row.get(0)).optional()?;
    u64::try_from(len.ok_or(Fault::Gone)?).map_err(|_| Fault::Damaged("a stream has a negative length"))
}

/// Reads into `buffer` from one piece. Returns 0 at the end of the content.
pub(super) fn read(
    connection: &Connection,
    content: i64,
    position: u64,
    buffer: &mut [u8],
) -> Result<usize, Fault> {
    // All rows are read at one moment.
    let _snapshot = connection.unchecked_transaction()?;
    let len = len(connection, content)?;
    if position >= len {
        return Ok(0);
    }
    let piece = piece_at(connection, content, position)?
        .filter(|piece| (piece.begin..piece.end).contains(&position))
        .ok_or(Fault::Damaged("a stream has a gap between its pieces"))?;
    if next(connection, content, &piece)?.unwrap_or(len) != piece.end {
        return Err(Fault::Damaged("the pieces of a stream do not follow each other"));
    }
    let left = usize::try_from(piece.end - position).unwrap_or(usize::MAX);
    let wanted = left.min(buffer.len());
    let mut blob = connection.blob_open(MAIN_DB, "pieces", "bytes", piece.row, true)?;
    blob.seek(SeekFrom::Start(position - piece.begin))?;
    blob.read_exact(&mut buffer[..wanted])?;
    Ok(wanted)
}

/// Returns the piece that holds the byte at `position`, or the last one before it.
fn piece_at(connection: &Connection, content: i64, position: u64) -> Result<Option<Piece>, Fault> {
    let sql = "SELECT id, position, octet_length(bytes) FROM pieces \
               WHERE content = ?1 AND position <= ?2 ORDER BY position DESC LIMIT 1";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![content, position.cast_signed()], row).optional()?;
    found.map(|(row, begin, len)| Piece::new(row, begin, len)).transpose()
}

/// Returns the begin of the piece after this one.
fn next(connection: &Connection, content: i64, piece: &Piece) -> Result<Option<u64>, Fault> {
    let sql = "SELECT position FROM pieces \
               WHERE content = ?1 AND position > ?2 ORDER BY position LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let next = statement.query_row(params![content, piece.begin.cast_signed()], |row| row.get(0));
    Ok(next.optional()?.map(i64::unsigned_abs))
}

impl Piece {
    fn new(row: i64, begin: i64, len: i64) -> Result<Self, Fault> {
        let begin = u64::try_from(begin).map_err(|_| Fault::Damaged("a piece has a negative position"))?;
        Ok(Self { row, begin, end: begin.saturating_add(len.unsigned_abs()) })
    }
}
