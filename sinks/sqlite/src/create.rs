//! A database that does not exist yet, or is empty.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Error};
use stream_v2_pipeline::{Disk, Storage};

use crate::errors::{Named, is_busy, no_log};
use crate::open::{Opened, PATIENCE, for_writing};
use crate::place::{Place, of};
use crate::transactions::durability;
use crate::{log, schema};

/// Large pages, because rows are large. It must be set while the database is empty.
const PAGE_SIZE: i64 = 65_536;
/// The pause before a lock is requested again.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens a database for writing, and creates it if it does not exist.
pub(super) fn create(at: &Place) -> io::Result<Opened> {
    if !at.path.exists() {
        private_file(&at.path)
            .and_then(|()| Disk::default().sync_folder(&at.path))
            .map_err(|error| of(at, &error))?;
    }
    let mut opened = for_writing(at)?;
    patiently(|| set_up(&mut opened.connection)).named(&at.shown)?;
    writable(at, opened)
}

/// Opens an existing database for writing.
pub(super) fn open(at: &Place) -> io::Result<Opened> {
    writable(at, for_writing(at)?)
}

/// Compares the tables, turns on the write-ahead log, and makes its content durable.
///
/// A writer that ended may have met a failed sync without a record of it.
fn writable(at: &Place, opened: Opened) -> io::Result<Opened> {
    schema::check(&opened.connection, &at.shown)?;
    let mode = patiently(|| use_log(&opened.connection)).named(&at.shown)?;
    if mode != "wal" {
        return Err(no_log(&at.shown, &mode));
    }
    log::rewrite(&opened.connection, at)?;
    // SQLite ignores the result of the sync of the folder, and a log without its name is lost.
    opened.disk.sync_folder(&at.path).map_err(|error| of(at, &error))?;
    durability(&opened.connection, false).named(&at.shown)?;
    Ok(opened)
}

fn set_up(connection: &mut Connection) -> Result<(), Error> {
    if schema::is_empty(connection)? {
        connection.pragma_update(None, "page_size", PAGE_SIZE)?;
        use_log(connection)?;
        schema::make(connection)?;
    }
    Ok(())
}

/// Requests a write-ahead log, and returns the mode that is used now.
fn use_log(connection: &Connection) -> Result<String, Error> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
}

/// Tries again while another process holds a lock.
///
/// SQLite waits for most locks by itself, but not for those that turning on the log takes.
fn patiently<T>(mut tries: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let begin = Instant::now();
    loop {
        match tries() {
            Err(error) if is_busy(&error) && begin.elapsed() < PATIENCE => sleep(PAUSE),
            done => return done,
        }
    }
}

/// Makes an empty file that only its owner can read, because plaintext may be stored in it.
///
/// SQLite gives its log the same permissions. The file gets its name when it is closed, because
/// closing a file drops the locks that SQLite holds on it in another thread.
#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<()> {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::OpenOptionsExt;

    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let unnamed = path.with_file_name(format!(".sv2-{:016x}.new", u64::from_le_bytes(random)));
    let private =
        |path: &Path| fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop);
    private(&unnamed)?;
    let linked = match fs::hard_link(&unnamed, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // A file system without second names.
        Err(_) => private(path).or_else(|error| match error.kind() {
            ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        }),
        Ok(()) => Ok(()),
    };
    fs::remove_file(&unnamed)?;
    linked
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).open(path).map(drop)
}
