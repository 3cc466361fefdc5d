//! Restrictions of a connection, set before anything of the file is read: the file may be an
//! attacker's.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error};
use stream_v2_format::limits::DURABLE_BYTES_MAX;

use crate::errors::Named;
use crate::log;
use crate::place::Place;

/// Instructions of SQLite between two checks of the budget.
const STEP: u32 = 10_000;
/// Instructions that every statement may take.
const STEPS_MIN: u64 = 10_000_000;

/// Switches of a connection.
///
/// The schema is compared with ours, so these only matter if a row of it changes afterwards.
const SWITCHES: [(DbConfig, bool); 7] = [
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
];

/// No row of ours is longer than the data between two durability points, and no statement is long
/// or deep.
const LIMITS: [(Limit, i32); 9] = [
    (Limit::SQLITE_LIMIT_LENGTH, ROW_MAX),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 16 << 10),
    (Limit::SQLITE_LIMIT_COLUMN, 32),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 32),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 4),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    (Limit::SQLITE_LIMIT_SCHEMA, 32),
];

#[expect(clippy::cast_possible_truncation, reason = "asserted below")]
const ROW_MAX: i32 = DURABLE_BYTES_MAX as i32;
const _: () = assert!(DURABLE_BYTES_MAX == 1 << 28, "fits in an i32");

/// The instructions of SQLite that a statement may still take.
///
/// No row is smaller than a byte. So a statement that takes many more instructions than the file
/// has bytes is in an endless loop.
#[derive(Clone)]
pub(super) struct Budget {
    database: PathBuf,
    left: Arc<AtomicU64>,
}

impl Budget {
    /// Restarts the budget for the statements that follow.
    pub(super) fn renew(&self) {
        let len = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        let bytes = len(&self.database).saturating_add(len(&log::path(&self.database)));
        self.left.store(bytes.saturating_add(STEPS_MIN) / u64::from(STEP), Ordering::Relaxed);
    }

    fn spend(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    }
}

/// Forbids everything that our statements never need, and limits the rest.
pub(super) fn guard(connection: &mut Connection, at: &Place, write: bool) -> io::Result<Budget> {
    let budget = Budget { database: at.path.clone(), left: Arc::default() };
    budget.renew();
    forbid(connection, budget.clone(), write).named(&at.shown)?;
    Ok(budget)
}

fn forbid(connection: &mut Connection, budget: Budget, write: bool) -> Result<(), Error> {
    for (switch, on) in SWITCHES {
        connection.set_db_config(switch, on)?;
    }
    for (limit, most) in LIMITS {
        connection.set_limit(limit, most)?;
    }
    connection.progress_handler(STEP.cast_signed(), Some(move || budget.spend()))?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "query_only", !write)?;
    if write {
        // Removed bytes are overwritten with zeros.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    }
    Ok(())
}
