//! Copies the write-ahead log into the database, or leaves it as it is.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, Error, MAIN_DB};

use crate::errors::is_busy;
use crate::schema;

/// Copies the log into the database, and cuts it, unless another process prevents it.
pub(super) fn empty_log(connection: &Connection) -> Result<(), Error> {
    let emptied = without_patience(connection, || {
        connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE)
    });
    match emptied {
        Err(error) if !is_busy(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Calls `does` without waiting for other processes.
fn without_patience<T>(connection: &Connection, does: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let patience = schema::pragma(connection, "busy_timeout")?;
    connection.busy_timeout(Duration::ZERO)?;
    let done = does();
    connection.busy_timeout(Duration::from_millis(patience.unsigned_abs()))?;
    done
}

/// Leaves the log as it is when the connection is closed.
pub(super) fn keep_log(connection: &Connection) {
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}
