//! Names in a database, as in a folder.

use std::io;
use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::errors::{Named, not_found, taken};
use super::schema::{durability, is_durable};
use super::{Content, Database, lock};
use crate::{Storage, StoredFile};

impl Database {
    /// Does something in one transaction that takes the lock of the database at once.
    pub(super) fn transact<T>(
        &self,
        durable: bool,
        does: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> io::Result<T> {
        let mut connection = self.held();
        let transacted = || {
            if durable {
                durability(&connection, true)?;
            }
            debug_assert_eq!(is_durable(&connection), Ok(durable));
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = does(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        let done = transacted();
        if durable {
            durability(&connection, false).named(&self.shown)?;
        }
        done.named(&self.shown)
    }

    /// Takes a name away, and the content with its last name.
    pub(super) fn remove_name(&self, name: &str) -> io::Result<()> {
        let found = self.transact(true, |transaction| {
            let content = content(transaction, name)?;
            if let Some(content) = content {
                transaction.execute("DELETE FROM names WHERE name = ?1", [name])?;
                drop_unnamed(transaction, content)?;
            }
            Ok(content)
        })?;
        let content = found.ok_or_else(|| not_found(&self.shown, name))?;
        lock::remove(&self.path, content);
        Ok(())
    }
}

fn content(transaction: &Transaction<'_>, name: &str) -> Result<Option<i64>, rusqlite::Error> {
    transaction.query_row("SELECT content FROM names WHERE name = ?1", [name], |row| row.get(0)).optional()
}

/// Deletes a content that no name stands for.
fn drop_unnamed(transaction: &Transaction<'_>, content: i64) -> Result<(), rusqlite::Error> {
    let sql = "SELECT count(*) FROM names WHERE content = ?1";
    if transaction.query_row(sql, [content], |row| row.get::<_, i64>(0))? == 0 {
        transaction.execute("DELETE FROM pieces WHERE content = ?1", [content])?;
        transaction.execute("DELETE FROM contents WHERE id = ?1", [content])?;
    }
    Ok(())
}

impl Storage for Database {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let name = self.name_of(path)?;
        let created = self.transact(true, |transaction| {
            if content(transaction, name)?.is_some() {
                return Ok(None);
            }
            transaction.execute("INSERT INTO contents DEFAULT VALUES", [])?;
            let id = transaction.last_insert_rowid();
            transaction.execute("INSERT INTO names (name, content) VALUES (?1, ?2)", params![name, id])?;
            Ok(Some(id))
        })?;
        let id = created.ok_or_else(|| taken(&self.shown, name))?;
        Ok(Box::new(Content::new(self, id)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.read(self.name_of(path)?).map(|content| Box::new(content) as _)
    }

    fn exists(&self, path: &Path) -> bool {
        // What cannot be asked for may be there.
        self.name_of(path)
            .and_then(|name| self.content_of(name))
            .map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.name_of(from)?, self.name_of(to)?);
        let renamed = self.transact(true, |transaction| {
            let (Some(renamed), replaced) = (content(transaction, from)?, content(transaction, to)?) else {
                return Ok(false);
            };
            transaction.execute("DELETE FROM names WHERE name = ?1", [to])?;
            transaction.execute("UPDATE names SET name = ?2 WHERE name = ?1", [from, to])?;
            if let Some(replaced) = replaced.filter(|replaced| *replaced != renamed) {
                drop_unnamed(transaction, replaced)?;
            }
            Ok(true)
        })?;
        if renamed { Ok(()) } else { Err(not_found(&self.shown, from)) }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.name_of(from)?, self.name_of(to)?);
        let linked = self.transact(true, |transaction| {
            let (Some(linked), free) = (content(transaction, from)?, content(transaction, to)?.is_none())
            else {
                return Ok(None);
            };
            if free {
                transaction
                    .execute("INSERT INTO names (name, content) VALUES (?1, ?2)", params![to, linked])?;
            }
            Ok(Some(free))
        })?;
        match linked {
            Some(true) => Ok(()),
            Some(false) => Err(taken(&self.shown, to)),
            None => Err(not_found(&self.shown, from)),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.remove_name(self.name_of(path)?)
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        // Every change of a name is durable when it returns.
        Ok(())
    }

    fn has_durable_names(&self) -> bool {
        true
    }

    fn is_private(&self) -> bool {
        true
    }
}
