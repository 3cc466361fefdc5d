//! `sv2 list` and `sv2 delete`: the streams in a database.

use std::io;

use stream_v2_pipeline::sqlite::Database;

use crate::args::{DeleteArgs, ListArgs};
use crate::failure::{Failure, hint, note};
use crate::location::Place;
use crate::report::resume::discard;
use crate::text::size::{bytes, count};
use crate::{Done, print};

fn failed(error: &io::Error) -> Failure {
    Failure::io(error.to_string())
}

/// One line for each stream: its name, segments and size.
pub(crate) fn list(args: &ListArgs) -> Done {
    let path = Place::database(&args.database);
    let missing = |error| Failure::io(format!("{}: cannot be opened: {error}", path.display()));
    path.metadata().map_err(missing)?;
    let database = Database::open_read_only(&path).map_err(|error| failed(&error))?;
    for entry in database.entries().map_err(|error| failed(&error))? {
        print(format_args!("{}: {}, in {}", entry.name, bytes(entry.len), count(entry.segments, "segment")))?;
    }
    Ok(())
}

/// Deletes a stream, or what an interrupted run has left of one.
pub(crate) fn delete(args: &DeleteArgs) -> Done {
    let name = args.stream.display();
    let Place::Sqlite { database, stream } = Place::of(&args.stream)? else {
        return Err(Failure::usage(format!("{name}: is no stream in a database"))
            .hint("a stream in a database is sqlite:PATH?stream=NAME; files are deleted as files are"));
    };
    let missing = |error| Failure::io(format!("{}: cannot be opened: {error}", database.display()));
    database.metadata().map_err(missing)?;
    let opened = Database::open(&database).map_err(|error| failed(&error))?;
    let output = opened.output(&stream);
    if !output.is_taken() && output.has_partial() {
        discard(&output)?;
    } else {
        opened.delete(&stream).map_err(|error| failed(&error))?;
    }
    note(format_args!("{name}: deleted; the file keeps its size, and what is written later takes the room"));
    hint(format_args!("sqlite3 {} VACUUM makes the file smaller", database.display()));
    Ok(())
}
