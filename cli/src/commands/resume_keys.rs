//! `sv2 resume-keys`: content keys of unfinished streams that this machine keeps (§19.9).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serialize;
use stream_v2::pipeline::{KeptKey, OutputFile, ResumeKeys};
use stream_v2::sqlite::Database;

use crate::args::ResumeKeysArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::interrupt;
use crate::location::Location;
use crate::report::json::{finish, place};
use crate::state;
use crate::stdio::print;
use crate::text::size::{age, count};

/// The default minimum age for `--delete`, as the folder of an output may be missing for a while.
const YOUNG: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn run(args: &ResumeKeysArgs) -> CmdResult {
    let mut list = List { resume_keys: Vec::new() };
    let done = each(args, &mut list.resume_keys);
    finish(args.json, "resume-keys", &list, done)
}

/// Lists resume keys, and deletes them if asked. With `--json` they are collected in `found`.
fn each(args: &ResumeKeysArgs, found: &mut Vec<Listed>) -> CmdResult {
    interrupt::end_at_once()?;
    let Some(state) = state::folder() else {
        return Err(Failure::usage("there is no folder for resume keys").hint(state::VARIABLES));
    };
    let keys = ResumeKeys::new(&state);
    let entries = keys
        .entries()
        .map_err(|error| Failure::io(format!("{}: cannot be listed: {error}", keys.folder().display())))?;
    let older_than = args.older_than.unwrap_or(if args.delete { YOUNG } else { Duration::ZERO });
    let (mut failures, mut printed) = (0, Ok(()));
    for entry in entries.iter().filter(|entry| passed(entry).is_none_or(|age| age >= older_than)) {
        let mut status = status(entry, &state);
        let mut message = None;
        // What has no age is not old.
        if args.delete && status.may_be_deleted() && passed(entry).is_some() {
            match keys.delete(entry) {
                Ok(()) => status = Status::Deleted,
                Err(why) => message = Some(why.to_string()),
            }
        }
        if let Some(why) = &message {
            failures += 1;
            note(format_args!("{}: not deleted: {why}", name(entry)));
        }
        if args.json {
            found.push(Listed::new(entry, status, message));
        } else if message.is_none() {
            let begun = passed(entry).map(age).unwrap_or_default();
            let done = print(format_args!("{}: begun {begun} ago, {}", name(entry), status.sentence()));
            if printed.is_ok() {
                printed = done;
            }
        }
    }
    printed?;
    match failures {
        0 => Ok(()),
        failures => Err(Failure::io(format!("{} could not be deleted", count(failures, "resume key")))),
    }
}

/// Returns the output of a resume key, or its file if that is damaged.
fn name(entry: &KeptKey) -> String {
    output(entry).unwrap_or_else(|| entry.path.clone()).display().to_string()
}

fn output(entry: &KeptKey) -> Option<PathBuf> {
    entry.output.as_deref().map(path_of)
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes)).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Looks for the partial output to which a resume key belongs.
fn status(entry: &KeptKey, state: &Path) -> Status {
    let Some(output) = output(entry) else { return Status::Damaged };
    let found = match Location::of(&output) {
        Ok(Location::File) => entry.belongs_to(&OutputFile::new(&output)),
        Ok(Location::Sqlite { database, stream }) => in_database(entry, &database, &stream),
        Ok(Location::S3 { .. }) => in_uploads(entry, state),
        Err(_) => return Status::Unknown,
    };
    match found {
        Ok(true) => Status::Unfinished,
        Ok(false) => Status::Gone,
        Err(_) => Status::Unknown,
    }
}

fn in_database(entry: &KeptKey, database: &Path, stream: &str) -> io::Result<bool> {
    if !database.try_exists()? {
        return Ok(false);
    }
    entry.belongs_to(&Database::open_read_only(database)?.output(stream))
}

/// The partial outputs of uploads are in the state folder, under names that do not tell theirs.
fn in_uploads(entry: &KeptKey, state: &Path) -> io::Result<bool> {
    for file in fs::read_dir(state)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "partial" || ending == "journal")
            && entry.belongs_to(&OutputFile::new(path.with_extension("")))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Unfinished,
    Gone,
    Damaged,
    Unknown,
    Deleted,
}

impl Status {
    /// Only the key of an output that is there is needed.
    const fn may_be_deleted(self) -> bool {
        matches!(self, Self::Gone | Self::Damaged)
    }

    /// Returns the word in the JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Gone => "gone",
            Self::Damaged => "damaged",
            Self::Unknown => "unknown",
            Self::Deleted => "deleted",
        }
    }

    /// Returns the end of a sentence.
    const fn sentence(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished: run the same command again to resume",
            Self::Gone => "the partial output is gone",
            Self::Damaged => "the resume key is damaged",
            Self::Unknown => "the output cannot be examined",
            Self::Deleted => "the resume key was deleted",
        }
    }
}

/// The result as JSON.
#[derive(Serialize)]
struct List {
    resume_keys: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_hex: Option<String>,
    file: Option<String>,
    begun: Option<String>,
    status: &'static str,
    message: Option<String>,
}

impl Listed {
    fn new(entry: &KeptKey, status: Status, message: Option<String>) -> Self {
        let (output, output_hex) = output(entry).map_or((None, None), |output| place(&output));
        let begun = entry.written.and_then(|written| Timestamp::try_from(written).ok());
        let (file, _) = place(&entry.path);
        Self {
            output,
            output_hex,
            file,
            begun: begun.map(|begun| begun.to_string()),
            status: status.word(),
            message,
        }
    }
}

/// Returns the age of a resume key, if the file system knows it.
fn passed(entry: &KeptKey) -> Option<Duration> {
    // The clock may have been set back.
    entry.written.map(|written| SystemTime::now().duration_since(written).unwrap_or_default())
}
