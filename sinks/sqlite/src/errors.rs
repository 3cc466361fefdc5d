//! Errors of SQLite, as the errors that sinks report.

use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::{Error, ErrorCode};

/// Converts an error of SQLite into an I/O error that names the database.
pub(super) trait Named<T> {
    fn named(self, database: &Path) -> io::Result<T>;
}

impl<T> Named<T> for Result<T, Error> {
    fn named(self, database: &Path) -> io::Result<T> {
        self.map_err(|error| {
            let kind = kind(&error);
            let what = match kind {
                ErrorKind::ResourceBusy => "another process holds the lock of the database".to_owned(),
                _ if is_interrupted(&error) => {
                    "is damaged: reading it takes more steps than its size allows".to_owned()
                }
                _ => printable(&error.to_string()),
            };
            of(kind, database, &what)
        })
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        // A value that our tables cannot hold.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => return ErrorKind::InvalidData,
        _ => {}
    }
    match error.sqlite_error_code() {
        _ if is_busy(error) => ErrorKind::ResourceBusy,
        Some(ErrorCode::DiskFull) => ErrorKind::StorageFull,
        Some(ErrorCode::TooBig) => ErrorKind::FileTooLarge,
        Some(ErrorCode::ReadOnly) => ErrorKind::ReadOnlyFilesystem,
        Some(ErrorCode::PermissionDenied) => ErrorKind::PermissionDenied,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::OperationInterrupted) => {
            ErrorKind::InvalidData
        }
        Some(ErrorCode::ConstraintViolation) => ErrorKind::AlreadyExists,
        Some(ErrorCode::CannotOpen) => ErrorKind::NotFound,
        _ => ErrorKind::Other,
    }
}

fn is_interrupted(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// Returns whether reading, writing or syncing a file failed.
pub(super) fn is_io(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Returns whether another process holds a lock.
pub(super) fn is_busy(error: &Error) -> bool {
    use ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
    let code = error.sqlite_error_code();
    matches!(code, Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed))
}

/// Removes control characters from the words of a schema, which may be an attacker's.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character.is_control() {
            true => shown.extend(character.escape_debug()),
            false => shown.push(character),
        }
    }
    shown
}

fn of(kind: ErrorKind, database: &Path, what: &str) -> io::Error {
    io::Error::new(kind, format!("{}: {what}", database.display()))
}

pub(super) fn not_found(database: &Path, name: &str) -> io::Error {
    of(ErrorKind::NotFound, database, &format!("has no stream {name}"))
}

pub(super) fn taken(database: &Path, name: &str) -> io::Error {
    of(ErrorKind::AlreadyExists, database, &format!("has a stream {name} already"))
}

/// Returns the error for a content that another writer has changed between two steps of this one.
pub(super) fn changed(database: &Path) -> io::Error {
    of(ErrorKind::NotFound, database, "the stream was changed or removed by another writer")
}

/// Returns the error for a database that is read without locks, and whose file has changed.
pub(super) fn moved(database: &Path) -> io::Error {
    let what = "was changed while it was read from a folder where nothing can be written; read it again";
    of(ErrorKind::Other, database, what)
}

pub(super) fn lost(database: &Path) -> io::Error {
    let what = "an earlier write did not become durable, so this run writes nothing more";
    of(ErrorKind::Other, database, what)
}

pub(super) fn damaged(database: &Path, what: &str) -> io::Error {
    of(ErrorKind::InvalidData, database, &format!("is damaged: {what}"))
}

pub(super) fn foreign(database: &Path) -> io::Error {
    of(ErrorKind::InvalidData, database, "is a database of another program")
}

pub(super) fn other_layout(database: &Path, found: i64, known: i64) -> io::Error {
    let advice = match found < known {
        true => "; take its streams out with an earlier program",
        false => "",
    };
    let what = format!("has layout {found}; this program knows layout {known}{advice}");
    of(ErrorKind::Unsupported, database, &what)
}

pub(super) fn other_schema(database: &Path, verb: &str, kind: &str, name: &str) -> io::Error {
    let (kind, name) = (printable(kind), printable(name));
    let what = format!("is not laid out as sv2 does it: it {verb} the {kind} {name}");
    of(ErrorKind::InvalidData, database, &what)
}

pub(super) fn no_log(database: &Path, mode: &str) -> io::Error {
    let what = format!("cannot have a write-ahead log here; its journal mode is {mode}");
    of(ErrorKind::Unsupported, database, &what)
}

pub(super) fn unreadable_log(database: &Path) -> io::Error {
    let what = "a part of it is in its write-ahead log, which cannot be read in a folder where nothing can be \
                written; copy both files to another folder";
    of(ErrorKind::ReadOnlyFilesystem, database, what)
}

pub(super) fn long_name(database: &Path, most: usize) -> io::Error {
    let what = format!("its file name is longer than {most} bytes; SQLite and locks add endings to it");
    of(ErrorKind::InvalidFilename, database, &what)
}

pub(super) fn file_name(name: &Path) -> io::Error {
    let what = "names of streams are UTF-8, not empty, and without NUL";
    of(ErrorKind::InvalidInput, name, what)
}
