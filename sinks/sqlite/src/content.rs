//! The content of a name in a database: pieces in rows, read and written as a file.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::params;
use stream_v2_format::SegmentIndex;
use stream_v2_pipeline::{StoredFile, resolve_seek};

use crate::database::Database;
use crate::errors::changed;
use crate::lock::{self, Lock};
use crate::pieces;

/// Advances a content by a piece of `?3` bytes, segment `?4` or none, if its state is the expected
/// one.
///
/// Every segment of a stream has a row, so only its next one can follow. A plaintext, which has no
/// header, may have had segments without bytes in between.
const ADVANCE: &str = "
    UPDATE contents SET len = len + ?3, next = coalesce(?4 + 1, next)
    WHERE id = ?1 AND len = ?2 AND (?4 IS NULL OR next = ?4 OR (next < ?4 AND NOT EXISTS (
        SELECT 1 FROM pieces WHERE content = ?1 AND position = 0 AND segment IS NULL)))";

/// Changes a content that was cut to `?2` bytes, under the same condition.
const RETREAT: &str = "
    UPDATE contents SET len = min(len, ?2),
        next = coalesce((SELECT max(segment) + 1 FROM pieces WHERE content = ?1), 0)
    WHERE id = ?1";

/// The bytes of a stream in a database, to be read at any position.
pub struct Content {
    database: Database,
    id: i64,
    position: u64,
    /// Buffer in which head and body of a piece are joined.
    whole: Vec<u8>,
    lock: Option<Lock>,
}

impl Content {
    pub(super) fn new(database: &Database, id: i64) -> Self {
        Self { database: database.clone(), id, position: 0, whole: Vec::new(), lock: None }
    }

    /// Appends one piece, if the content is as long as this writer has left it. A segment must be
    /// the next one.
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
            return Err(changed(&self.database.place.shown));
        }
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.database.refuse_lost()?;
        let read = pieces::read(&self.database.held(), self.id, self.position, buffer);
        let len = read.map_err(|fault| fault.named(&self.database.place.shown))?;
        self.database.refuse_changed()?;
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = resolve_seek(to, self.position, || self.size())?;
        Ok(self.position)
    }
}

impl Write for Content {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.append_piece(None, bytes)?;
        }
        Ok(bytes.len())
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
        self.database.refuse_lost()?;
        let len = pieces::len(&self.database.held(), self.id);
        len.map_err(|fault| fault.named(&self.database.place.shown))
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let (id, cut) = (self.id, len.cast_signed());
        self.database.transact(false, |transaction| {
            transaction
                .execute("DELETE FROM pieces WHERE content = ?1 AND position >= ?2", params![id, cut])?;
            // A part of a segment is not a segment.
            let sql = "UPDATE pieces SET bytes = substr(bytes, 1, ?2 - position), segment = NULL \
                       WHERE content = ?1 AND position + length(bytes) > ?2";
            transaction.execute(sql, params![id, cut])?;
            transaction.execute(RETREAT, params![id, cut])
        })?;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let id = self.id;
        let found = self.database.transact(true, |transaction| {
            // SQLite does not write an unchanged page, and syncs nothing if it writes nothing.
            transaction.execute("UPDATE contents SET durable = -1 WHERE id = ?1", [id])?;
            transaction.execute("UPDATE contents SET durable = len WHERE id = ?1", [id])
        })?;
        if found == 1 { Ok(()) } else { Err(changed(&self.database.place.shown)) }
    }

    fn rewrite(&mut self, _: u64) -> io::Result<()> {
        // Bytes cannot be told apart in the log, so all of it is written again.
        self.database.rewrite_log()
    }

    fn lock(&mut self) -> io::Result<()> {
        self.lock = Some(lock::take(&self.database.place.path, self.id)?);
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
        if let Some(lock) = self.lock.take()
            && !self.database.is_unfinished(self.id)
        {
            lock.remove();
        }
    }
}
