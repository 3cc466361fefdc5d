//! What a name in a database stands for: pieces in rows, read and written as a file.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::{MAIN_DB, OptionalExtension, params};
use stream_v2_format::SegmentIndex;

use super::errors::{Named, changed};
use super::{Database, lock};
use crate::StoredFile;
use crate::io::sought;

/// Takes a content from what is expected of it to what it becomes with a piece of `?3` bytes, segment `?4` or none, or does nothing.
/// Every segment of a stream has a row, so that its next one is the one. A plaintext, which has no header, may have had segments without bytes in between.
const ADVANCE: &str = "
    UPDATE contents SET len = len + ?3, next = coalesce(?4 + 1, next)
    WHERE id = ?1 AND len = ?2 AND (?4 IS NULL OR next = ?4 OR (next < ?4 AND NOT EXISTS (
        SELECT 1 FROM pieces WHERE content = ?1 AND position = 0 AND segment IS NULL)))";

/// The same for a content that was cut to `?2` bytes.
const RETREAT: &str = "
    UPDATE contents SET len = min(len, ?2),
        next = coalesce((SELECT max(segment) + 1 FROM pieces WHERE content = ?1), 0)
    WHERE id = ?1";

/// The bytes of a stream in a database, to be read at any position.
pub struct Content {
    database: Database,
    id: i64,
    position: u64,
    /// The piece that was read last.
    piece: Option<Piece>,
    /// Where head and body of a piece are put together.
    whole: Vec<u8>,
    lock: Option<File>,
}

/// A row: its id, and the bytes that it holds.
#[derive(Clone, Copy)]
struct Piece {
    row: i64,
    begin: u64,
    len: u64,
}

impl Content {
    pub(super) fn new(database: &Database, id: i64) -> Self {
        let (database, whole) = (database.clone(), Vec::new());
        Self { database, id, position: 0, piece: None, whole, lock: None }
    }

    fn len(&self) -> io::Result<u64> {
        let sql = "SELECT len FROM contents WHERE id = ?1";
        let len = self
            .database
            .held()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([self.id], |row| row.get::<_, i64>(0)).optional())
            .named(&self.database.shown)?;
        len.map(i64::unsigned_abs).ok_or_else(|| changed(&self.database.shown))
    }

    /// The piece that holds the byte at `position`, or the last one before it.
    fn piece_at(&self, position: u64) -> io::Result<Option<Piece>> {
        let sql = "SELECT id, position, length(bytes) FROM pieces \
                   WHERE content = ?1 AND position <= ?2 ORDER BY position DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| {
            let (begin, len): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(Piece { row: row.get(0)?, begin: begin.unsigned_abs(), len: len.unsigned_abs() })
        };
        self.database
            .held()
            .prepare_cached(sql)
            .and_then(|mut statement| {
                statement.query_row(params![self.id, position.cast_signed()], row).optional()
            })
            .named(&self.database.shown)
    }

    /// Appends one piece, where the content is as long as this writer has left it, and a segment where it is the next one.
    fn append_piece(&mut self, index: Option<SegmentIndex>, bytes: &[u8]) -> io::Result<()> {
        let (id, position, segment) = (self.id, self.position.cast_signed(), index.map(|index| index.0));
        let len = i64::try_from(bytes.len()).map_err(io::Error::other)?;
        let as_expected = self.database.transact(false, |transaction| {
            let mut advance = transaction.prepare_cached(ADVANCE)?;
            let as_expected = advance.execute(params![id, position, len, segment])? == 1;
            if as_expected {
                let sql = "INSERT INTO pieces (content, position, segment, bytes) VALUES (?1, ?2, ?3, ?4)";
                transaction.prepare_cached(sql)?.execute(params![id, position, segment, bytes])?;
            }
            Ok(as_expected)
        })?;
        if !as_expected {
            return Err(changed(&self.database.shown));
        }
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let covers = |piece: &Piece| (piece.begin..piece.begin + piece.len).contains(&self.position);
        let piece = match self.piece.filter(covers) {
            Some(piece) => piece,
            None => match self.piece_at(self.position)?.filter(covers) {
                Some(piece) => piece,
                None => return Ok(0),
            },
        };
        self.piece = Some(piece);
        let within = self.position - piece.begin;
        let left = usize::try_from(piece.len - within).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let connection = self.database.held();
        let mut blob =
            connection.blob_open(MAIN_DB, "pieces", "bytes", piece.row, true).named(&self.database.shown)?;
        blob.seek(SeekFrom::Start(within))?;
        blob.read_exact(&mut buffer[..wanted])?;
        self.position += wanted as u64;
        Ok(wanted)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = sought(to, self.position, || self.len())?;
        Ok(self.position)
    }
}

impl Write for Content {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append_piece(None, bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StoredFile for Content {
    fn append(&mut self, index: Option<SegmentIndex>, head: &[u8], body: &[u8]) -> io::Result<()> {
        let mut whole = std::mem::take(&mut self.whole);
        whole.clear();
        whole.extend_from_slice(head);
        whole.extend_from_slice(body);
        let appended = if whole.is_empty() { Ok(()) } else { self.append_piece(index, &whole) };
        self.whole = whole;
        appended
    }

    fn size(&self) -> io::Result<u64> {
        self.len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.piece = None;
        let (id, cut) = (self.id, len.cast_signed());
        self.database.transact(false, |transaction| {
            transaction
                .execute("DELETE FROM pieces WHERE content = ?1 AND position >= ?2", params![id, cut])?;
            // What is left of a segment is none.
            let sql = "UPDATE pieces SET bytes = substr(bytes, 1, ?2 - position), segment = NULL \
                       WHERE content = ?1 AND position + length(bytes) > ?2";
            transaction.execute(sql, params![id, cut])?;
            transaction.execute(RETREAT, params![id, cut])
        })?;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let id = self.id;
        // With nothing to write there is nothing that SQLite would make durable.
        self.database.transact(true, |transaction| {
            transaction.execute("UPDATE contents SET durable = len WHERE id = ?1", [id])
        })?;
        Ok(())
    }

    fn rewrite(&mut self, _: u64) -> io::Result<()> {
        // Whether a transaction is believed is up to SQLite and its log.
        Ok(())
    }

    fn lock(&mut self) -> io::Result<()> {
        self.lock = Some(lock::take(&self.database.path, self.id)?);
        Ok(())
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        match self.database.content_of(self.database.name_of(path)?) {
            Ok(id) => Ok(id == self.id),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        if self.lock.take().is_some() && !self.database.is_unfinished(self.id) {
            lock::remove(&self.database.path, self.id);
        }
    }
}
