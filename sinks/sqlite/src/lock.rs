//! The writer's lock on a content: a lock on a file next to the database, which the operating
//! system drops with the process.
//!
//! The file is `DATABASE-ID.lock`, and its text marks it as ours. Only a file with this text is
//! removed, under its lock, so that no process holds a lock on a file that has lost its name. An
//! empty file is locked, and neither written nor removed. Any other file prevents writing the
//! content.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::plain;

/// Most times that another process may remove the file while this one opens it.
const ATTEMPTS: u32 = 16;
/// Length of the longest ending of a database's name, `-9223372036854775807.lock`.
pub(super) const ENDING_MAX: usize = 25;

/// A lock that this process holds.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    ours: bool,
}

/// Returns `DATABASE-ID.lock`.
fn path(database: &Path, content: i64) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!("-{content}.lock"));
    path.into()
}

/// Returns the text in the file of a lock.
fn words(content: i64) -> String {
    format!("sv2 writes content {content}\n")
}

/// Takes the lock.
///
/// # Errors
///
/// - `WouldBlock` if another writer has it.
/// - `InvalidInput` or `AlreadyExists` if its file is not ours.
pub(super) fn take(database: &Path, content: i64) -> io::Result<Lock> {
    let path = path(database, content);
    for _ in 0..ATTEMPTS {
        match plain::create(&path, database.metadata()?.permissions()) {
            Ok(mut file) => {
                let words = words(content);
                let taken = lock(&file).and_then(|()| file.write_all(words.as_bytes()));
                taken.map_err(|error| of(&path, &error))?;
                return Ok(Lock { file, path, ours: true });
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(of(&path, &error)),
        }
        match take_existing(path.clone(), content) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            taken => return taken,
        }
    }
    Err(ErrorKind::WouldBlock.into())
}

/// Takes the lock on an existing file. Returns `NotFound` if it was removed meanwhile.
fn take_existing(path: PathBuf, content: i64) -> io::Result<Lock> {
    let file = plain::open(&path).map_err(|error| of(&path, &error))?;
    lock(&file).map_err(|error| of(&path, &error))?;
    if !plain::is_named(&file, &path)? {
        return Err(ErrorKind::NotFound.into());
    }
    let words = words(content);
    let mut found = String::new();
    // A file that is not text is not ours either.
    let read = (&file).take(words.len() as u64 + 1).read_to_string(&mut found);
    match found == words {
        true => Ok(Lock { file, path, ours: true }),
        false if read.is_ok() && found.is_empty() => Ok(Lock { file, path, ours: false }),
        false => {
            Err(of(&path, &io::Error::new(ErrorKind::AlreadyExists, "is not a lock of sv2; move it away")))
        }
    }
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => ErrorKind::WouldBlock.into(),
        TryLockError::Error(error) => error,
    })
}

impl Lock {
    /// Removes the file while it is locked. Ids are never used again.
    pub(super) fn remove(self) {
        if self.ours && plain::is_named(&self.file, &self.path).is_ok_and(|named| named) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the file of a lock that no process holds.
pub(super) fn clear(database: &Path, content: i64) {
    if let Ok(lock) = take_existing(path(database, content), content) {
        lock.remove();
    }
}

/// Removes the files of locks that no process holds, except those of contents that are `kept`.
///
/// `ids` are the contents that the database has or had.
pub(super) fn sweep(database: &Path, ids: &RangeInclusive<i64>, kept: impl Fn(i64) -> bool) {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name().and_then(OsStr::to_str)) else {
        return;
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(content) = entry.file_name().to_str().and_then(|lock| id_of(lock, name)) else { continue };
        // A lock that is kept is not even taken, because its writer may need it at this moment.
        if !ids.contains(&content) || kept(content) {
            continue;
        }
        // Content written until now may have become complete, and nothing else.
        if let Ok(lock) = take_existing(path(database, content), content)
            && !kept(content)
        {
            lock.remove();
        }
    }
}

/// Returns the content of a lock whose file has this name.
fn id_of(lock: &str, database: &str) -> Option<i64> {
    let id = lock.strip_prefix(database)?.strip_prefix('-')?.strip_suffix(".lock")?;
    id.parse().ok().filter(|parsed: &i64| parsed.to_string() == id)
}

/// Names the file of a lock in an error, except in errors that have a meaning of their own.
fn of(path: &Path, error: &io::Error) -> io::Error {
    match error.kind() {
        kind @ (ErrorKind::NotFound | ErrorKind::WouldBlock) => kind.into(),
        kind => io::Error::new(kind, format!("{}: {error}", path.display())),
    }
}
