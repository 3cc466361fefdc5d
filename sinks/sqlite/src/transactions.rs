//! Transactions, when they are durable, and what is done if one is not.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, Error, MAIN_DB, Transaction, TransactionBehavior};
use stream_v2_pipeline::Disk;

use crate::errors::{Named, is_busy, is_io, lost, moved};
use crate::guard::Budget;
use crate::open::{Opened, Still, Tidy};
use crate::{Database, log, removal};

/// Pages of the write-ahead log after which it is copied into the database: 64 MiB, as often as
/// files are made durable.
const CHECKPOINT_PAGES: i32 = (64 << 20) / 65_536;

/// A connection, and what its owners know of it.
pub(super) struct Shared {
    connection: Mutex<Connection>,
    budget: Budget,
    still: Option<Still>,
    pub(super) disk: Disk,
    writes: bool,
    /// Pages in the log after the last transaction.
    logged: Arc<AtomicI32>,
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
            if removal::empty_log(connection).is_err() {
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

    /// Does something in one transaction that takes the lock of the database at once.
    pub(super) fn transact<T>(
        &self,
        durable: bool,
        does: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> io::Result<T> {
        let mut connection = self.held();
        self.refuse_lost()?;
        let done = transacted(&mut connection, durable, does)
            .and_then(|done| self.checkpoint_if_due(&connection).map(|()| done));
        if let Err(error) = &done
            && (is_io(error) || durable && !is_busy(error))
        {
            self.give_up(&connection);
        }
        done.named(&self.place.shown)
    }

    /// Copies the log into the database, so that it can begin anew.
    fn checkpoint_if_due(&self, connection: &Connection) -> Result<(), Error> {
        if self.shared.logged.swap(0, Ordering::Relaxed) < CHECKPOINT_PAGES {
            return Ok(());
        }
        match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
            Err(error) if !is_busy(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// After a failed sync nothing that is in the log is known to be on the disk, and no sync that
    /// follows says so. Nothing more is written, and the log is not copied into the database
    /// either: a loss of power in the middle of that is undone with the log alone. The next writer
    /// repairs it ([`log`]).
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

    /// Writes the log again, for a writer that resumes: see [`log`].
    pub(super) fn rewrite_log(&self) -> io::Result<()> {
        let connection = self.held();
        self.refuse_lost()?;
        let rewritten = log::rewrite(&connection, &self.place);
        if rewritten.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::ResourceBusy) {
            self.give_up(&connection);
        }
        rewritten
    }

    /// Refuses what was read without locks, if the file has changed.
    pub(super) fn refuse_changed(&self) -> io::Result<()> {
        match &self.shared.still {
            Some(still) if !still.holds(&self.place.path) => Err(moved(&self.place.shown)),
            _ => Ok(()),
        }
    }
}

/// Has the log left as it is when the connection is closed.
fn keep_log(connection: &Connection) {
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

fn transacted<T>(
    connection: &mut Connection,
    durable: bool,
    does: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    if durable {
        durability(connection, true)?;
    }
    debug_assert_eq!(is_durable(connection), Ok(durable));
    let done = committed(connection, does);
    if durable {
        durability(connection, false)?;
    }
    done
}

fn committed<T>(
    connection: &mut Connection,
    does: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = does(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Whether the transactions that follow survive a loss of power.
pub(super) fn durability(connection: &Connection, durable: bool) -> Result<(), Error> {
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
}

/// Whether they do.
fn is_durable(connection: &Connection) -> Result<bool, Error> {
    const FULL: i64 = 2;
    crate::schema::pragma(connection, "synchronous").map(|level| level == FULL)
}
