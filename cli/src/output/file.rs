//! The file of an output: creation, discovery, removal, and the messages of their failures.

use std::io::{self, ErrorKind};
use std::path::Path;

use stream_v2::pipeline::{FileSink, OutputFile};

use crate::failure::Failure;
use crate::location::Location;

pub(crate) const MOVE_AWAY: &str = "move it away, or choose another output with -o";

/// Rejects an output that exists, unless it is to be replaced.
pub(crate) fn refuse_existing(file: &OutputFile) -> Result<(), Failure> {
    if !file.overwrites() && file.try_is_taken().map_err(Failure::io)? {
        return Err(existing(file));
    }
    Ok(())
}

pub(crate) fn existing(file: &OutputFile) -> Failure {
    Failure::usage(format!("{}: exists already", file.target().display()))
        .hint("--force replaces it; -o chooses another name")
}

/// Rejects an output with a partial output, which only a run of the same kind can resume.
pub(crate) fn refuse_partial(output: &OutputFile) -> Result<(), Failure> {
    if !output.has_partial() {
        return Ok(());
    }
    Err(Failure::usage(format!("{}: exists already", output.partial().display()))
        .hint("a run that was interrupted has left it: move it away, or choose another output with -o"))
}

/// Creates a file under its partial name, and replaces an unusable partial output.
pub(crate) fn create(output: &OutputFile) -> Result<FileSink, Failure> {
    output.discard().and_then(|()| FileSink::create(output)).map_err(|error| not_created(output, &error))
}

pub(crate) fn being_written(output: &OutputFile) -> Failure {
    Failure::usage(format!("{}: is being written by another sv2", output.partial().display()))
        .hint("wait until it is done, or choose another output with -o")
}

pub(crate) fn not_created(output: &OutputFile, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock => return being_written(output),
        ErrorKind::InvalidData => return not_ours(error),
        ErrorKind::Unsupported => return without_locks(output, error),
        ErrorKind::InvalidFilename => return too_long(output, error),
        _ => {}
    }
    if !matches!(Location::of(output.target()), Ok(Location::File)) {
        return Failure::io(format!("{}: cannot be created: {error}", output.partial().display()));
    }
    let folder = match output.target().parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let missing = folder.metadata().is_err();
    let folder = folder.display();
    let hint = match error.kind() {
        ErrorKind::NotFound if missing => {
            format!("folder {folder} does not exist; create it, or choose another output with -o")
        }
        ErrorKind::NotADirectory => format!("{folder} is not a folder: choose one with -o"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space, or choose a folder on another disk with -o".into()
        }
        _ => format!("sv2 cannot write in the folder {folder}: make it writable, or choose another with -o"),
    };
    Failure::io(format!("{}: cannot be created: {error}", output.partial().display())).hint(hint)
}

/// Returns the failure of a file system without locks, on which a second run could write the same
/// output.
pub(crate) fn without_locks(output: &OutputFile, error: &io::Error) -> Failure {
    Failure::io(format!("{}: {error}", output.partial().display())).hint(
        "choose an output on another file system with -o, or mount this one with locks (NFS: its lock service, or -o local_lock=flock)",
    )
}

/// Returns the failure of a file system with names shorter than the usual 255 bytes.
pub(crate) fn too_long(output: &OutputFile, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: cannot be created: {error}", output.partial().display()))
        .hint("the name is too long for this file system: choose a shorter one with -o")
}

/// Discards the partial output.
pub(crate) fn discard(output: &OutputFile) -> Result<(), Failure> {
    output.discard().map_err(|error| not_discarded(output, &error))
}

pub(crate) fn not_discarded(output: &OutputFile, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock => being_written(output),
        ErrorKind::InvalidData if !is_uploaded(output) => not_ours(error),
        ErrorKind::Unsupported => without_locks(output, error),
        _ => Failure::io(format!("{}: cannot be removed: {error}", output.partial().display()))
            .hint("remove it yourself, or choose another output with -o"),
    }
}

/// Returns the failure of a foreign file under a name that sv2 would use.
pub(crate) fn not_ours(error: &io::Error) -> Failure {
    Failure::usage(error).hint(MOVE_AWAY)
}

/// Returns true if the output goes to S3.
pub(crate) fn is_uploaded(output: &OutputFile) -> bool {
    matches!(Location::of(output.target()), Ok(Location::S3 { .. }))
}
