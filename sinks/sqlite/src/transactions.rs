//! Transactions, and their durability.

use std::io;
use std::sync::atomic::Ordering;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, Error, MAIN_DB, Transaction, TransactionBehavior};

use crate::database::Database;
use crate::errors::{Named, is_busy, is_io};
use crate::{log, schema};

/// Pages of the write-ahead log after which it is copied into the database.
///
/// That is 64 MiB, as often as files are made durable.
const CHECKPOINT_PAGES: i32 = (64 << 20) / 65_536;

impl Database {
    /// Calls `does` in one transaction that takes the lock of the database at once.
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

    /// Copies the log into the database if it is long, so that the log can restart.
    fn checkpoint_if_due(&self, connection: &Connection) -> Result<(), Error> {
        if self.shared.logged.swap(0, Ordering::Relaxed) < CHECKPOINT_PAGES {
            return Ok(());
        }
        match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
            Err(error) if !is_busy(&error) => Err(error),
            _ => Ok(()),
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

/// Sets whether the transactions that follow survive a loss of power.
pub(super) fn durability(connection: &Connection, durable: bool) -> Result<(), Error> {
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
}

/// Returns whether they do.
fn is_durable(connection: &Connection) -> Result<bool, Error> {
    const FULL: i64 = 2;
    schema::pragma(connection, "synchronous").map(|level| level == FULL)
}
