//! Standard input and output without the buffers of the standard library, which would cut what
//! passes into small pieces; and whether they are there.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::failure::{CmdResult, Failure};
use crate::interrupt;
use crate::text::escape::one_line;
use crate::waiting::WaitingOutput;

/// Whether a path stands for standard input: `-`, and the names that the system has for it.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    is_standard(path, 0, "/dev/stdin")
}

/// Whether a path stands for standard output: `-`, and the names that the system has for it.
pub(crate) fn is_standard_output(path: &Path) -> bool {
    is_standard(path, 1, "/dev/stdout")
}

fn is_standard(path: &Path, number: u32, device: &str) -> bool {
    path.as_os_str() == "-" || path.as_os_str() == device || is_descriptor(path, number)
}

/// Links that are followed before a path is taken for what it says.
const LINKS_MAX: u32 = 8;

/// Whether a path names descriptor `number` of this process: `/dev/fd/N`, `/proc/self/fd/N`,
/// `/proc/PID/fd/N`, or a link to one of them.
///
/// What `/proc/self/fd/N` is a link to has no name if it is a pipe, so the links are followed one
/// by one.
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

/// Whether a folder without links holds the descriptors of this process.
fn is_descriptors(folder: &Path) -> bool {
    let own = format!("/proc/{}", std::process::id());
    match folder.strip_prefix(own) {
        Ok(rest) => rest == "fd" || rest.starts_with("task") && rest.ends_with("fd"),
        Err(_) => folder == "/dev/fd",
    }
}

/// Standard input as a file, to be read. A closed one is refused.
pub(crate) fn standard_input() -> Result<File, Failure> {
    if is_closed(0) {
        return Err(Failure::io("standard input is closed, so there is nothing to read").hint(NULL_INPUT));
    }
    input_file().map_err(|error| Failure::io(format!("standard input: cannot be read: {error}")))
}

/// Standard output as a file, for bytes that must not be lost. A closed one is refused.
pub(crate) fn standard_output() -> Result<File, Failure> {
    refuse_closed_output()?;
    output_file().map_err(|error| Failure::io(format!("standard output: cannot be opened: {error}")))
}

/// Refuses a standard output that would take everything and keep nothing although its user has not
/// said so.
pub(crate) fn refuse_closed_output() -> Result<(), Failure> {
    match is_closed(1) {
        true => Err(Failure::io("standard output is closed, so nothing can be written").hint(NULL_OUTPUT)),
        false => Ok(()),
    }
}

const NULL_INPUT: &str = "name a file, or pipe something into sv2; < /dev/null is an empty input";
const NULL_OUTPUT: &str = "name a file, or pipe the output on; > /dev/null throws it away";

/// The file that standard input is, whatever it is.
pub(crate) fn input_file() -> io::Result<File> {
    file_of(&io::stdin())
}

/// The file that standard output is, whatever it is.
pub(crate) fn output_file() -> io::Result<File> {
    file_of(&io::stdout())
}

/// Standard output for what a command prints: it waits for its reader, and every error of it is
/// reported.
pub(crate) struct Results(WaitingOutput);

impl Results {
    /// Refuses a standard output that is closed.
    pub(crate) fn open() -> Result<Self, Failure> {
        standard_output().map(WaitingOutput::new).map(Self)
    }

    /// Takes any standard output: for what is said beside an exit code that says it too.
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
                // Of the kind `Interrupted` it would be tried again for ever.
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

/// Prints one line to standard output, which must be there.
pub(crate) fn print(line: impl Display) -> CmdResult {
    write_results(Results::open, &format!("{}\n", one_line(line)))
}

/// Prints one line that the exit code says, too. Standard output may be closed.
pub(crate) fn remark(line: impl Display) -> CmdResult {
    write_results(Results::open_any, &format!("{}\n", one_line(line)))
}

/// Writes text to standard output, as `open` opens it.
pub(crate) fn write_results(open: impl FnOnce() -> Result<Results, Failure>, text: &str) -> CmdResult {
    open()?.write_all(text.as_bytes()).map_err(standard_output_failed)
}

/// Turns what writing to standard output reported into a failure.
pub(crate) fn standard_output_failed(error: io::Error) -> Failure {
    match error.kind() {
        _ if interrupt::requested() => Failure::interrupted("interrupted while standard output took nothing"),
        ErrorKind::BrokenPipe => Failure::io("standard output: closed by its reader"),
        _ => Failure::io(format!("standard output: writing failed: {error}")),
    }
}

/// Whether descriptor `number` was closed when this process began, as far as that can be seen.
///
/// The runtime of Rust opens `/dev/null` for reading and writing in the place of a standard
/// descriptor that is closed, before anything else runs. A shell opens it for one of the two. Of
/// programs that open it for both, those are recognised that use one description for several
/// standard descriptors, as daemons and parents do; the rest is taken for closed (0024).
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

/// Whether this is `/dev/null`, opened for reading and writing.
#[cfg(unix)]
fn is_null_for_both(stream: std::os::fd::BorrowedFd<'_>) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use rustix::fs::{OFlags, fcntl_getfl, fstat};
    let null = Path::new("/dev/null").metadata().ok().filter(|null| null.file_type().is_char_device());
    let Some(null) = null else { return false };
    // The one in this process's own /dev: what was opened elsewhere, as for a container, was opened
    // on purpose.
    fstat(stream).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (null.dev(), null.ino()))
        && fcntl_getfl(stream).is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDWR)
}

/// Whether two descriptors of `/dev/null` share a description: then a flag that is changed in one
/// is changed in the other. `/dev/null` never waits, so this flag means nothing to it.
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
