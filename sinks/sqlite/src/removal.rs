//! Frees the rows of contents that have no name any more.
//!
//! Freed bytes are overwritten with zeros (`secure_delete`), and zeros go through the log like
//! other data. So the rows are deleted in transactions of bounded size, after the name is gone. A
//! crash in between leaves a content without a name, which the next writer frees.

use std::io;

use rusqlite::{Error, OptionalExtension, Transaction};

use crate::checkpoint::empty_log;
use crate::database::Database;
use crate::errors::Named;

/// Bytes that one transaction frees, and the piece that passes this.
const BATCH: u64 = 16 << 20;

impl Database {
    /// Frees a content, unless it has a name. Returns whether it was freed.
    pub(super) fn clear(&self, content: i64) -> io::Result<bool> {
        loop {
            match self.transact(false, |transaction| free_some(transaction, content))? {
                Freed::Some => {}
                freed => return Ok(freed == Freed::All),
            }
        }
    }

    /// Frees the contents that killed writers were about to free.
    pub(super) fn clear_unnamed(&self) -> io::Result<()> {
        let sql = "SELECT id FROM contents WHERE NOT EXISTS \
                   (SELECT 1 FROM names WHERE content = contents.id)";
        let unnamed = || {
            let connection = self.held();
            let mut statement = connection.prepare(sql)?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()
        };
        unnamed().named(&self.place.shown)?.into_iter().try_for_each(|content| self.clear(content).map(drop))
    }

    /// Removes deleted bytes from the database and the log.
    ///
    /// Another process that reads an earlier state prevents the log from being emptied.
    pub(super) fn forget_removed(&self) -> io::Result<()> {
        let connection = self.held();
        let emptied = empty_log(&connection);
        if emptied.is_err() {
            self.give_up(&connection);
        }
        emptied.named(&self.place.shown)
    }
}

/// The result of a transaction that frees a content.
#[derive(PartialEq, Eq)]
enum Freed {
    Nothing,
    Some,
    All,
}

/// Frees pieces from the end on, then the content.
fn free_some(transaction: &Transaction<'_>, content: i64) -> Result<Freed, Error> {
    let named = "SELECT 1 FROM names WHERE content = ?1";
    if transaction.query_row(named, [content], |_| Ok(())).optional()?.is_some() {
        return Ok(Freed::Nothing);
    }
    let pieces = last_pieces(transaction, content)?;
    if pieces.is_empty() {
        transaction.execute("DELETE FROM contents WHERE id = ?1", [content])?;
        return Ok(Freed::All);
    }
    let mut delete = transaction.prepare_cached("DELETE FROM pieces WHERE id = ?1")?;
    for piece in pieces {
        delete.execute([piece])?;
    }
    Ok(Freed::Some)
}

/// Returns the last pieces of a content, as many as one transaction frees.
fn last_pieces(transaction: &Transaction<'_>, content: i64) -> Result<Vec<i64>, Error> {
    let sql = "SELECT id, octet_length(bytes) FROM pieces WHERE content = ?1 ORDER BY position DESC";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query([content])?;
    let (mut pieces, mut bytes) = (Vec::new(), 0);
    while bytes < BATCH
        && let Some(row) = rows.next()?
    {
        pieces.push(row.get(0)?);
        // A row takes space, too.
        bytes += row.get::<_, i64>(1)?.unsigned_abs().saturating_add(64);
    }
    Ok(pieces)
}
