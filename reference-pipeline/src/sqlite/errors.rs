//! What SQLite reports, as the errors that sinks report.

use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::{Error, ErrorCode};

/// Turns an error of SQLite into one of I/O that names the database.
pub(super) trait Named<T> {
    fn named(self, database: &Path) -> io::Result<T>;
}

impl<T> Named<T> for Result<T, Error> {
    fn named(self, database: &Path) -> io::Result<T> {
        self.map_err(|error| {
            let kind = kind(&error);
            let what = match kind {
                ErrorKind::ResourceBusy => "another process holds the lock of the database".to_owned(),
                _ => error.to_string(),
            };
            io::Error::new(kind, format!("{}: {what}", database.display()))
        })
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::ResourceBusy,
        Some(ErrorCode::DiskFull) => ErrorKind::StorageFull,
        Some(ErrorCode::TooBig) => ErrorKind::FileTooLarge,
        Some(ErrorCode::ReadOnly) => ErrorKind::ReadOnlyFilesystem,
        Some(ErrorCode::PermissionDenied) => ErrorKind::PermissionDenied,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::InvalidData,
        Some(ErrorCode::ConstraintViolation) => ErrorKind::AlreadyExists,
        Some(ErrorCode::CannotOpen) => ErrorKind::NotFound,
        _ => ErrorKind::Other,
    }
}

pub(super) fn not_found(database: &Path, name: &str) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("{}: has no stream {name}", database.display()))
}

pub(super) fn taken(database: &Path, name: &str) -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, format!("{}: has a stream {name} already", database.display()))
}

/// Somebody else has written between two steps of this writer.
pub(super) fn changed(database: &Path) -> io::Error {
    let what = "the stream was changed or removed by somebody else while it was written";
    io::Error::new(ErrorKind::NotFound, format!("{}: {what}", database.display()))
}

pub(super) fn foreign(database: &Path) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{}: is a database of something else", database.display()))
}

pub(super) fn other_layout(database: &Path, found: i64, known: i64) -> io::Error {
    let advice = match found < known {
        true => "; take its streams out with an earlier program",
        false => "",
    };
    let what = format!("has layout {found}; this program knows layout {known}{advice}");
    io::Error::new(ErrorKind::Unsupported, format!("{}: {what}", database.display()))
}

pub(super) fn file_name(name: &Path) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{}: names of streams are UTF-8", name.display()))
}
