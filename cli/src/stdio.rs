//! Standard input and output without the buffers of the standard library, which would cut the data
//! into small pieces, and checks that they are open.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::failure::{CmdResult, Failure};
use crate::interrupt;
use crate::text::escape::one_line;
use crate::waiting::WaitingOutput;

/// Returns true if a path means standard input: `-`, and the names that the system has for it.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    is_standard(path, 0, "/dev/stdin")
}

/// Returns true if a path means standard output: `-`, and the names that the system has for it.
pub(crate) fn is_standard_output(path: &Path) -> bool {
    is_standard(path, 1, "/dev/stdout")
}

fn is_standard(path: &Path, number: u32, device: &str) -> bool {
    path.as_os_str() == "-" || path.as_os_str() == device || is_descriptor(path, number)
}

/// Maximum links that are followed before a path is taken literally.
const LINKS_MAX: u32 = 8;

/// Returns true if a path names descriptor `number` of this process.
///
/// Such a path is `/dev/fd/N`, `/proc/self/fd/N`, `/proc/PID/fd/N`, or a link to one of them. The
/// target of `/proc/self/fd/N` has no name if it is a pipe, so the links are followed one by one.
fn is_descriptor(path: &Path, number: u32) -> bool {
    let mut path = path.to_owned();
    let number = number.to_string();
    for _ in 0..LINKS_MAX {
        let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else { return false };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(folder) = folder.canonicalize() else { return false };
        if name == number.as_str() && is_descriptors(&folder) {
            return true;
        }
        match folder.join(name).read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => return false,
        }
    }
    false
}

/// Returns true if a folder without links holds the descriptors of this process.
fn is_descriptors(folder: &Path) -> bool {
    let own = format!("/proc/{}", std::process::id());
    match folder.strip_prefix(own) {
        Ok(rest) => rest == "fd" || rest.starts_with("task") && rest.ends_with("fd"),
        Err(_) => folder == "/dev/fd",
    }
}

/// Returns standard input as a file to read, or a failure if it is closed.
pub(crate) fn standard_input() -> Result<File, Failure> {
    if is_closed(0) {
        return Err(Failure::io("standard input is closed, so there is nothing to read").hint(NULL_INPUT));
    }
    input_file().map_err(|error| Failure::io(format!("standard input: cannot be read: {error}")))
}

/// Returns standard output as a file, for bytes that must not be lost, or a failure if it is
/// closed.
pub(crate) fn standard_output() -> Result<File, Failure> {
    refuse_closed_output()?;
    output_file().map_err(|error| Failure::io(format!("standard output: cannot be opened: {error}")))
}

/// Rejects a standard output that would accept everything and keep nothing, unless its user has
/// said so.
pub(crate) fn refuse_closed_output() -> Result<(), Failure> {
    match is_closed(1) {
        true => Err(Failure::io("standard output is closed, so nothing can be written").hint(NULL_OUTPUT)),
        false => Ok(()),
    }
}

const NULL_INPUT: &str = "name a file, or pipe something into sv2; < /dev/null is an empty input";
const NULL_OUTPUT: &str = "name a file, or pipe the output on; > /dev/null throws it away";

/// Returns standard input as a file, whatever it is.
pub(crate) fn input_file() -> io::Result<File> {
    file_of(&io::stdin())
}

/// Returns standard output as a file, whatever it is.
pub(crate) fn output_file() -> io::Result<File> {
    file_of(&io::stdout())
}

/// Standard output for the text of a command. It waits for its reader, and reports every error.
pub(crate) struct Results(WaitingOutput);

impl Results {
    /// Opens standard output, or fails if it is closed.
    pub(crate) fn open() -> Result<Self, Failure> {
        standard_output().map(WaitingOutput::new).map(Self)
    }

    /// Opens any standard output, for text that the exit code expresses too.
    pub(crate) fn open_any() -> Result<Self, Failure> {
        let file = output_file();
        let file =
            file.map_err(|error| Failure::io(format!("standard output: cannot be opened: {error}")))?;
        Ok(Self(WaitingOutput::new(file)))
    }
}

impl Write for Results {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted && !interrupt::requested() => {}
                // The kind `Interrupted` would be retried forever.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Err(io::Error::other("interrupted"));
                }
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints one line to standard output, which must be open.
pub(crate) fn print(line: impl Display) -> CmdResult {
    write_results(Results::open, &format!("{}\n", one_line(line)))
}

/// Prints one line that the exit code expresses too. Standard output may be closed.
pub(crate) fn remark(line: impl Display) -> CmdResult {
    write_results(Results::open_any, &format!("{}\n", one_line(line)))
}

/// Writes text to standard output, opened by `open`.
pub(crate) fn write_results(open: impl FnOnce() -> Result<Results, Failure>, text: &str) -> CmdResult {
    open()?.write_all(text.as_bytes()).map_err(standard_output_failed)
}

/// Converts an error of standard output into a failure.
pub(crate) fn standard_output_failed(error: io::Error) -> Failure {
    match error.kind() {
        _ if interrupt::requested() => Failure::interrupted("interrupted while standard output took nothing"),
        ErrorKind::BrokenPipe => Failure::io("standard output: closed by its reader"),
        _ => Failure::io(format!("standard output: writing failed: {error}")),
    }
}

/// Returns true if descriptor `number` was closed when this process began, as far as that is
/// visible.
///
/// Before anything else runs, the Rust runtime opens `/dev/null` for reading and writing in place
/// of closed standard descriptors. A shell opens it for one of the two. Other programs that open it
/// for both are recognised if several standard descriptors share one description, as daemons and
/// parents do it. The rest counts as closed (0024).
#[cfg(unix)]
fn is_closed(number: usize) -> bool {
    let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
    let all = [
        std::os::fd::AsFd::as_fd(&input),
        std::os::fd::AsFd::as_fd(&output),
        std::os::fd::AsFd::as_fd(&error),
    ];
    let asked = all[number];
    is_null_for_both(asked)
        && !(0..all.len())
            .any(|other| other != number && is_null_for_both(all[other]) && is_shared(asked, all[other]))
}

#[cfg(not(unix))]
fn is_closed(_: usize) -> bool {
    false
}

/// Returns true if this is `/dev/null`, opened for reading and writing.
#[cfg(unix)]
fn is_null_for_both(stream: std::os::fd::BorrowedFd<'_>) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use rustix::fs::{OFlags, fcntl_getfl, fstat};
    let null = Path::new("/dev/null").metadata().ok().filter(|null| null.file_type().is_char_device());
    let Some(null) = null else { return false };
    // The one in this process's own /dev. One that was opened elsewhere, as for a container, was
    // opened on purpose.
    fstat(stream).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (null.dev(), null.ino()))
        && fcntl_getfl(stream).is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDWR)
}

/// Returns true if two descriptors of `/dev/null` share a description.
///
/// A flag that is changed in one is then changed in the other. `/dev/null` never waits, so this
/// flag has no effect on it.
#[cfg(unix)]
fn is_shared(one: std::os::fd::BorrowedFd<'_>, other: std::os::fd::BorrowedFd<'_>) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let (Ok(before), Ok(others)) = (fcntl_getfl(one), fcntl_getfl(other)) else { return false };
    if fcntl_setfl(one, before ^ OFlags::NONBLOCK).is_err() {
        return false;
    }
    let shared = fcntl_getfl(other).is_ok_and(|now| now != others);
    let _ = fcntl_setfl(one, before);
    shared
}

#[cfg(unix)]
fn file_of(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn file_of(stream: &impl std::os::windows::io::AsHandle) -> io::Result<File> {
    stream.as_handle().try_clone_to_owned().map(File::from)
}
