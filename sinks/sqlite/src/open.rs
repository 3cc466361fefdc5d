//! Opens a database: for reading without changing anything, or for writing.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, OpenFlags};
use stream_v2_pipeline::Disk;

use crate::errors::{Named, long_name, unreadable_log};
use crate::guard::{Budget, guard};
use crate::place::{Place, of};
use crate::{lock, log, plain, schema};

/// Time to wait for another process.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The longest file name that most file systems have.
const NAME_MAX: usize = 255;

/// An open database.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) budget: Budget,
    /// The state of the file, if SQLite treats it as unchanging.
    pub(super) still: Option<Still>,
    /// Knows whether the names of the files are durable.
    pub(super) disk: Disk,
}

/// Connects for writing.
pub(super) fn for_writing(at: &Place) -> io::Result<Opened> {
    let name_len = at.path.file_name().map_or(0, |name| name.len());
    if name_len + lock::ENDING_MAX > NAME_MAX {
        return Err(long_name(&at.shown, NAME_MAX - lock::ENDING_MAX));
    }
    connect(at.path.clone(), at, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Connects for reading, and compares the tables.
///
/// SQLite needs files of its own next to the database, which it cannot have on a read-only medium.
/// There it reads the file alone.
pub(super) fn for_reading(at: &Place) -> io::Result<Opened> {
    let opened = connect(at.path.clone(), at, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match schema::check(&opened.connection, &at.shown) {
        Ok(()) => Ok(opened),
        Err(error) if needs_more(&error) => alone(at, error),
        Err(error) => Err(error),
    }
}

/// Returns whether SQLite could not open, create or fill a file next to the database.
fn needs_more(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}

/// Reads the file alone, if everything is in it.
fn alone(at: &Place, error: io::Error) -> io::Result<Opened> {
    let (Some(uri), still) = (immutable(&at.path), Still::of(&at.path)?) else { return Err(error) };
    if log::is_filled(&at.path) || is_filled(&journal(&at.path)) {
        return Err(unreadable_log(&at.shown));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let opened = connect(uri.into(), at, flags)?;
    schema::check(&opened.connection, &at.shown)?;
    Ok(Opened { still: Some(still), ..opened })
}

fn connect(name: PathBuf, at: &Place, flags: OpenFlags) -> io::Result<Opened> {
    // SQLite would report only that it cannot open it, for every reason.
    let found = at.path.metadata().map_err(|error| of(at, &error))?;
    // It would wait for the other end of a pipe, and no signal would end that.
    if !found.is_file() {
        return Err(of(at, &plain::not_regular()));
    }
    for ending in ["-journal", "-wal", "-shm"] {
        let beside = beside(&at.path, ending);
        if beside.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            let why = plain::not_regular();
            return Err(io::Error::new(why.kind(), format!("{}: {why}", beside.display())));
        }
    }
    // The connection is behind a lock of this crate.
    let mut connection =
        Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).named(&at.shown)?;
    connection.busy_timeout(PATIENCE).named(&at.shown)?;
    let write = flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE);
    let budget = guard(&mut connection, at, write)?;
    Ok(Opened { connection, budget, still: None, disk: Disk::default() })
}

/// Returns `DATABASE-journal`, which SQLite writes before a database has a write-ahead log.
fn journal(database: &Path) -> PathBuf {
    beside(database, "-journal")
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

fn is_filled(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// Returns a URI with which SQLite reads a file without locks and without a log.
#[cfg(unix)]
fn immutable(path: &Path) -> Option<OsString> {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt;
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            write!(uri, "%{byte:02X}").ok()?;
        }
    }
    uri.push_str("?immutable=1");
    Some(uri.into())
}

#[cfg(not(unix))]
fn immutable(_: &Path) -> Option<OsString> {
    None
}

/// The properties of a file that change if it is written.
#[derive(PartialEq, Eq)]
pub(super) struct Still {
    len: u64,
    modified: Option<std::time::SystemTime>,
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Still {
    fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|metadata| Self::from(&metadata))
    }

    /// Returns whether the file is unchanged, and no log waits to be copied.
    pub(super) fn holds(&self, path: &Path) -> bool {
        !log::is_filled(path) && Self::of(path).is_ok_and(|now| now == *self)
    }
}

impl From<&Metadata> for Still {
    fn from(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Lets SQLite remove its files next to a database after the last reader, if they are empty.
///
/// A reader alone cannot do it.
pub(super) struct Tidy(pub(super) PathBuf);

impl Drop for Tidy {
    fn drop(&mut self) {
        if log::path(&self.0).exists() && !log::is_filled(&self.0) {
            let _ = tidy(&self.0);
        }
    }
}

fn tidy(path: &Path) -> Result<(), Error> {
    use rusqlite::config::DbConfig;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    schema::pragma(&connection, "application_id")?;
    // Another process may have written meanwhile. Only a writer copies that into the database.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, log::is_filled(path))?;
    Ok(())
}
