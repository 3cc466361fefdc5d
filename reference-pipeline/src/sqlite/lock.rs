//! Who writes a content: the lock on a file beside the database, which the operating system drops with the process.

use std::ffi::OsStr;
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

/// Removes the files of locks that nobody holds, but those of contents that are `kept`.
pub(super) fn sweep(database: &Path, kept: impl Fn(i64) -> bool) {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name().and_then(OsStr::to_str)) else {
        return;
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let lock = entry.file_name();
        let content =
            lock.to_str().and_then(|lock| lock.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".lock"));
        let Some(content) = content.and_then(|content| content.parse().ok()) else { continue };
        // Asked only once nobody can be at work on it.
        if take(database, content).is_ok_and(|_lock| !kept(content)) {
            remove(database, content);
        }
    }
}
