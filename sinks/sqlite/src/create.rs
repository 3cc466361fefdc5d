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

/// Large pages, because rows are large. It must be set before anything is in the database.
const PAGE_SIZE: i64 = 65_536;
/// How long to wait before a lock is asked for again.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens a database for writing, and makes it if nothing is there.
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

/// Opens a database that exists for writing.
pub(super) fn open(at: &Place) -> io::Result<Opened> {
    writable(at, for_writing(at)?)
}

/// Compares the tables, has a write-ahead log used, and makes durable what is in it: a writer that
/// ended may have been told that this is not so, and does not say.
fn writable(at: &Place, opened: Opened) -> io::Result<Opened> {
    schema::check(&opened.connection, &at.shown)?;
    let mode = patiently(|| use_log(&opened.connection)).named(&at.shown)?;
    if mode != "wal" {
        return Err(no_log(&at.shown, &mode));
    }
    log::rewrite(&opened.connection, at)?;
    // SQLite does not look at what the sync of the folder says, and without its name a log is lost.
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

/// Asks for a write-ahead log; what is used now.
fn use_log(connection: &Connection) -> Result<String, Error> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
}

/// Tries again while another process holds a lock. SQLite waits for most locks by itself, but not
/// for those that turning on the log takes.
fn patiently<T>(mut tries: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let begin = Instant::now();
    loop {
        match tries() {
            Err(error) if is_busy(&error) && begin.elapsed() < PATIENCE => sleep(PAUSE),
            done => return done,
        }
    }
}

/// Makes an empty file that only its owner can read: plaintext may be stored in it. SQLite gives
/// its log the same permissions. The file gets its name when it is closed, because closing a file
/// drops the locks that SQLite holds on it in another thread.
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
