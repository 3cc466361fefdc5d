//! `sv2 list`: the streams in a database.

use serde::Serialize;
use stream_v2::sqlite::{Database, Entry};

use crate::args::ListArgs;
use crate::failure::{CmdResult, Failure};
use crate::location::Location;
use crate::report::json::{finish, place};
use crate::stdio::print;
use crate::text::size::{bytes, count};

/// Prints one line for each stream: name, segments and size.
pub(crate) fn run(args: &ListArgs) -> CmdResult {
    let (database, database_hex) = place(&args.database);
    let mut list = List { database, database_hex, streams: Vec::new() };
    let done = entries(args).and_then(|entries| {
        if args.json {
            list.streams.extend(entries.into_iter().map(Stream::from));
            return Ok(());
        }
        entries.iter().try_for_each(|entry| {
            print(format_args!(
                "{}: {}, in {}",
                entry.name,
                bytes(entry.len),
                count(entry.segments, "segment")
            ))
        })
    });
    finish(args.json, "list", &list, done)
}

fn entries(args: &ListArgs) -> Result<Vec<Entry>, Failure> {
    let path = Location::database(&args.database);
    let missing = |error| Failure::io(format!("{}: cannot be opened: {error}", path.display()));
    path.metadata().map_err(missing)?;
    let database = Database::open_read_only(&path).map_err(Failure::io)?;
    database.entries().map_err(Failure::io)
}

/// The result as JSON.
#[derive(Serialize)]
struct List {
    database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_hex: Option<String>,
    streams: Vec<Stream>,
}

#[derive(Serialize)]
struct Stream {
    name: String,
    len: u64,
    segments: u64,
}

impl From<Entry> for Stream {
    fn from(Entry { name, len, segments }: Entry) -> Self {
        Self { name, len, segments }
    }
}
