//! Detects two names of one regular file. Writing to a file that is being read would destroy it.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::stdio::{input_file, is_standard_input, is_standard_output, output_file};

/// The identity of a regular file.
#[derive(PartialEq, Eq)]
pub(crate) struct Identity(Inner);

/// Returns the identity of `input`, with `-` for standard input.
pub(crate) fn input_identity(input: &Path) -> Option<Identity> {
    if is_standard_input(input) { of_standard(input_file()) } else { identity(input) }
}

/// Returns the identity of `output`, with `-` for standard output.
pub(crate) fn output_identity(output: &Path) -> Option<Identity> {
    if is_standard_output(output) { of_standard(output_file()) } else { identity(output) }
}

/// Returns the identity of the regular file with this name.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok().filter(Metadata::is_file)?;
    inner(path, &metadata).map(Identity)
}

fn of_standard(file: io::Result<File>) -> Option<Identity> {
    let metadata = file.and_then(|file| file.metadata()).ok().filter(Metadata::is_file)?;
    inner(Path::new("-"), &metadata).map(Identity)
}

/// Device and inode.
#[cfg(unix)]
type Inner = (u64, u64);

#[cfg(unix)]
fn inner(_: &Path, metadata: &Metadata) -> Option<Inner> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// The path without links. Standard input and output are not recognised.
#[cfg(not(unix))]
type Inner = std::path::PathBuf;

#[cfg(not(unix))]
fn inner(path: &Path, _: &Metadata) -> Option<Inner> {
    path.canonicalize().ok()
}
