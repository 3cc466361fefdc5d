//! Who writes a content: the lock on a file beside the database, which the operating system drops with the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// `DATABASE-ID.lock`.
fn path(database: &Path, content: i64) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!("-{content}.lock"));
    path.into()
}

/// Takes the lock, or says `WouldBlock` where another writer has it.
pub(super) fn take(database: &Path, content: i64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path(database, content))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes what is left of a lock: ids are never used again.
pub(super) fn remove(database: &Path, content: i64) {
    let _ = fs::remove_file(path(database, content));
}
