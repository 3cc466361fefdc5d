//! `sv2 list`: the streams in a database.

use stream_v2::sqlite::Database;

use crate::args::ListArgs;
use crate::failure::{CmdResult, Failure};
use crate::location::Location;
use crate::stdio::print;
use crate::text::size::{bytes, count};

/// Prints one line for each stream: name, segments and size.
pub(crate) fn run(args: &ListArgs) -> CmdResult {
    let path = Location::database(&args.database);
    let missing = |error| Failure::io(format!("{}: cannot be opened: {error}", path.display()));
    path.metadata().map_err(missing)?;
    let database = Database::open_read_only(&path).map_err(Failure::io)?;
    for entry in database.entries().map_err(Failure::io)? {
        print(format_args!("{}: {}, in {}", entry.name, bytes(entry.len), count(entry.segments, "segment")))?;
    }
    Ok(())
}
