//! `sv2 delete`: deletes a stream from a database.

use stream_v2::sqlite::Database;

use crate::args::DeleteArgs;
use crate::failure::{CmdResult, Failure, hint, note};
use crate::location::Location;
use crate::output::file::discard;
use crate::state;

/// Deletes a stream, or its partial output.
pub(crate) fn run(args: &DeleteArgs) -> CmdResult {
    let name = args.stream.display();
    let Location::Sqlite { database, stream } = Location::of(&args.stream)? else {
        return Err(Failure::usage(format!("{name}: is not a stream in a database"))
            .hint("a stream in a database is sqlite:PATH?stream=NAME; files are deleted as files are"));
    };
    let missing = |error| Failure::io(format!("{}: cannot be opened: {error}", database.display()));
    database.metadata().map_err(missing)?;
    let opened = Database::open(&database).map_err(Failure::io)?;
    let mut output = opened.output(&stream);
    if let Some(keys) = state::resume_keys() {
        output = output.with_resume_keys(keys);
    }
    if !output.is_taken() && output.has_partial() {
        discard(&output)?;
    } else {
        opened.delete(&stream).map_err(Failure::io)?;
    }
    note(format_args!("{name}: deleted; the database keeps its size and uses the room later"));
    hint(format_args!("sqlite3 {} VACUUM makes the file smaller", database.display()));
    Ok(())
}
