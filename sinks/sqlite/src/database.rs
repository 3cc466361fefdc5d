//! A database that is open, and what is done after something was not made durable.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use rusqlite::{Connection, Error, MAIN_DB};
use stream_v2_pipeline::Disk;

use crate::checkpoint::{empty_log, keep_log};
use crate::errors::{lost, moved};
use crate::guard::Budget;
use crate::open::{Opened, Still, Tidy};
use crate::place::Place;

/// A database of streams. Clones share the connection.
#[derive(Clone)]
pub struct Database {
    pub(super) place: Place,
    /// What the names of outputs begin with, for messages: `sqlite:PATH?stream=`.
    pub(super) prefix: String,
    pub(super) shared: Arc<Shared>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.place.path).finish_non_exhaustive()
    }
}

/// A connection, and what its owners know of it.
pub(super) struct Shared {
    connection: Mutex<Connection>,
    budget: Budget,
    still: Option<Still>,
    pub(super) disk: Disk,
    writes: bool,
    /// Pages in the log after the last transaction.
    pub(super) logged: Arc<AtomicI32>,
    /// Whether something was not made durable.
    lost: AtomicBool,
    /// Dropped after the connection.
    _tidy: Option<Tidy>,
}

impl Shared {
    pub(super) fn new(opened: Opened, tidy: Option<Tidy>) -> Result<Self, Error> {
        let Opened { mut connection, budget, still, disk } = opened;
        let logged: Arc<AtomicI32> = Arc::default();
        let logging = logged.clone();
        // In the place of SQLite's own, which copies the log and does not say that this failed.
        connection.wal_hook(Some(move |_: &mut _, pages| {
            logging.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let writes = !connection.is_readonly(MAIN_DB)?;
        let connection = Mutex::new(connection);
        Ok(Self {
            connection,
            budget,
            still,
            disk,
            writes,
            logged,
            lost: AtomicBool::new(false),
            _tidy: tidy,
        })
    }
}

impl Drop for Shared {
    /// Empties the log, as SQLite does for the last connection that can write. A reader of the same
    /// process may be closed later, and cannot.
    fn drop(&mut self) {
        if self.writes && !self.lost.load(Ordering::Relaxed) {
            let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
            if empty_log(connection).is_err() {
                keep_log(connection);
            }
        }
    }
}

impl Database {
    pub(super) fn held(&self) -> MutexGuard<'_, Connection> {
        self.shared.budget.renew();
        self.shared.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a failed sync nothing that is in the log is known to be on the disk, and no sync that
    /// follows says so. Nothing more is written, and the log is not copied into the database
    /// either: a loss of power in the middle of that is undone with the log alone. The next writer
    /// repairs it (`log.rs`).
    pub(super) fn give_up(&self, connection: &Connection) {
        self.shared.lost.store(true, Ordering::Relaxed);
        keep_log(connection);
    }

    /// Refuses everything after something was not made durable.
    pub(super) fn refuse_lost(&self) -> io::Result<()> {
        match self.shared.lost.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(lost(&self.place.shown)),
        }
    }

    /// Refuses what was read without locks, if the file has changed.
    pub(super) fn refuse_changed(&self) -> io::Result<()> {
        match &self.shared.still {
            Some(still) if !still.holds(&self.place.path) => Err(moved(&self.place.shown)),
            _ => Ok(()),
        }
    }
}
