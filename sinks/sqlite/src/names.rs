//! Names in a database, as in a folder.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Transaction, params};
use stream_v2_pipeline::{Storage, StoredFile};

use crate::content::Content;
use crate::database::Database;
use crate::errors::{Named, file_name, not_found, taken};
use crate::lock;

impl Database {
    /// Removes a name, and the content with its last name.
    pub(super) fn remove_name(&self, name: &str) -> io::Result<()> {
        let found = self.transact(true, |transaction| {
            let content = content(transaction, name)?;
            transaction.execute("DELETE FROM names WHERE name = ?1", [name])?;
            Ok(content)
        })?;
        let content = found.ok_or_else(|| not_found(&self.place.shown, name))?;
        if self.clear(content)? && !is_journal(name) {
            self.forget_removed()?;
        }
        lock::clear(&self.place.path, content);
        Ok(())
    }

    pub(super) fn content_of(&self, name: &str) -> io::Result<i64> {
        let found = self
            .held()
            .prepare_cached("SELECT content FROM names WHERE name = ?1")
            .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
            .named(&self.place.shown)?;
        found.ok_or_else(|| not_found(&self.place.shown, name))
    }

    pub(super) fn name_of<'p>(&self, path: &'p Path) -> io::Result<&'p str> {
        let name = path.to_str().ok_or_else(|| file_name(path))?;
        let name = name.strip_prefix(&self.prefix).unwrap_or(name);
        if is_name(name) { Ok(name) } else { Err(file_name(path)) }
    }
}

/// Returns whether a text can be the name of a stream.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Returns whether a name is that of a journal, and not of a stream or a plaintext.
pub(super) fn is_journal(name: &str) -> bool {
    name.ends_with(".journal") || name.ends_with(".journal.new")
}

fn content(transaction: &Transaction<'_>, name: &str) -> Result<Option<i64>, rusqlite::Error> {
    transaction.query_row("SELECT content FROM names WHERE name = ?1", [name], |row| row.get(0)).optional()
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
        let id = created.ok_or_else(|| taken(&self.place.shown, name))?;
        Ok(Box::new(Content::new(self, id)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.read(self.name_of(path)?).map(|content| Box::new(content) as _)
    }

    fn exists(&self, path: &Path) -> bool {
        // A name that cannot be checked may be there.
        self.try_exists(path).unwrap_or(true)
    }

    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        match self.content_of(self.name_of(path)?) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.name_of(from)?, self.name_of(to)?);
        let renamed = self.transact(true, |transaction| {
            let (Some(renamed), replaced) = (content(transaction, from)?, content(transaction, to)?) else {
                return Ok(None);
            };
            transaction.execute("DELETE FROM names WHERE name = ?1", [to])?;
            transaction.execute("UPDATE names SET name = ?2 WHERE name = ?1", [from, to])?;
            Ok(Some(replaced.filter(|replaced| *replaced != renamed)))
        })?;
        let replaced = renamed.ok_or_else(|| not_found(&self.place.shown, from))?;
        if let Some(replaced) = replaced {
            // The name is given. The next writer clears the rest after a failure.
            let _ = self.clear(replaced);
        }
        Ok(())
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
            Some(false) => Err(taken(&self.place.shown, to)),
            None => Err(not_found(&self.place.shown, from)),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.remove_name(self.name_of(path)?)
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        // Every change of a name is durable when it returns.
        Ok(())
    }

    fn address(&self, path: &Path) -> PathBuf {
        match self.name_of(path) {
            Ok(name) => format!("sqlite:{}?stream={name}", self.place.path.display()).into(),
            Err(_) => path.into(),
        }
    }

    fn names_at_risk(&self) -> Option<&str> {
        self.shared.disk.names_at_risk()
    }

    fn has_durable_names(&self) -> bool {
        true
    }

    fn is_private(&self) -> bool {
        true
    }
}
