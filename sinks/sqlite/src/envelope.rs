//! Replaces the envelope of a stream (§12.4): one row, in one transaction.
//!
//! The length stays, and so do all positions. A reader sees the old envelope or the new one.

use std::io;

use rusqlite::{OptionalExtension, params};

use crate::database::Database;
use crate::errors::changed;

impl Database {
    /// Replaces the bytes before segment 0 of the stream `name`, if they are `old`, by as many.
    ///
    /// They are the stream header and the envelope. The call is durable when it returns.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no such stream, or it begins otherwise: it was replaced, or its
    ///   envelope was.
    /// - `InvalidInput` if `new` has another length.
    /// - those of the [crate](crate#errors).
    pub fn replace_head(&self, name: &str, old: &[u8], new: &[u8]) -> io::Result<()> {
        if old.len() != new.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a head is replaced by one of its length",
            ));
        }
        let content = self.content_of(name)?;
        let is_replaced = self.transact(true, |transaction| {
            let sql = "SELECT content FROM names WHERE name = ?1";
            let named: Option<i64> = transaction.query_row(sql, [name], |row| row.get(0)).optional()?;
            let sql = "UPDATE pieces SET bytes = ?3 \
                       WHERE content = ?1 AND position = 0 AND segment IS NULL AND bytes = ?2";
            Ok(named == Some(content) && transaction.execute(sql, params![content, old, new])? == 1)
        })?;
        if is_replaced { Ok(()) } else { Err(changed(&self.place.shown)) }
    }
}
