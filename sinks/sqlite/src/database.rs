//! An open database, and its state after a failed sync.

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
    /// The prefix of output names in messages: `sqlite:PATH?stream=`.
    pub(super) prefix: String,
    pub(super) shared: Arc<Shared>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.place.path).finish_non_exhaustive()
    }
}

/// A connection, with the state that its owners share.
pub(super) struct Shared {
    connection: Mutex<Connection>,
    budget: Budget,
    still: Option<Still>,
    pub(super) disk: Disk,
    writes: bool,
    /// Pages in the log after the last transaction.
    pub(super) logged: Arc<AtomicI32>,
    /// True once a write may not have become durable.
    lost: AtomicBool,
    /// Dropped after the connection.
    _tidy: Option<Tidy>,
}

impl Shared {
    pub(super) fn new(opened: Opened, tidy: Option<Tidy>) -> Result<Self, Error> {
        let Opened { mut connection, budget, still, disk } = opened;
        let logged: Arc<AtomicI32> = Arc::default();
        let logging = logged.clone();
        // In place of SQLite's own hook, which copies the log and ignores a failure.
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
    /// Empties the log, as SQLite does for the last connection that can write.
    ///
    /// A reader of the same process may be closed later, and cannot do it.
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

    /// Gives up writing after a failed sync.
    ///
    /// After a failed sync no content of the log is known to be on the disk, and no later sync
    /// proves it. Nothing more is written. The log is not copied into the database either, because
    /// only the log can undo a loss of power in the middle of that. The next writer repairs it
    /// (`log.rs`).
    pub(super) fn give_up(&self, connection: &Connection) {
        self.shared.lost.store(true, Ordering::Relaxed);
        keep_log(connection);
    }

    /// Refuses every operation after a write that may not have become durable.
    pub(super) fn refuse_lost(&self) -> io::Result<()> {
        match self.shared.lost.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(lost(&self.place.shown)),
        }
    }

    /// Refuses content that was read without locks, if the file has changed.
    pub(super) fn refuse_changed(&self) -> io::Result<()> {
        match &self.shared.still {
            Some(still) if !still.holds(&self.place.path) => Err(moved(&self.place.shown)),
            _ => Ok(()),
        }
    }
}
