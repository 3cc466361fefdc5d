//! Standard input and output without the buffers of the standard library, which would cut what passes into small pieces.

use std::fs::File;
use std::io;
use std::path::Path;

/// Whether a path stands for standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether a path stands for standard output, also by the names that the system has for it.
pub(crate) fn is_standard_output(path: &Path) -> bool {
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path.as_os_str() == *name)
}

/// Standard input as a file.
pub(crate) fn standard_input() -> io::Result<File> {
    file_of(&io::stdin())
}

/// Standard output as a file.
pub(crate) fn standard_output() -> io::Result<File> {
    file_of(&io::stdout())
}

#[cfg(unix)]
fn file_of(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn file_of(stream: &impl std::os::windows::io::AsHandle) -> io::Result<File> {
    stream.as_handle().try_clone_to_owned().map(File::from)
}
