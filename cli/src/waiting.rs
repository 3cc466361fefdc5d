//! Outputs that may have to wait for a reader, and inputs that may have to wait for a writer.
//!
//! They report an interruption every 100 ms, so that their callers can check for a shutdown.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Write};

#[cfg(unix)]
pub(crate) use unix::{poll_in, poll_out};

/// A pipe, terminal, device or file to write to.
pub(crate) struct WaitingOutput {
    file: File,
    way: Way,
}

/// How a write is kept from blocking for too long.
#[derive(Clone, Copy)]
enum Way {
    /// It accepts writes at once: a regular file, `/dev/null`.
    AtOnce,
    /// Its description belongs to this process alone, and does not block.
    NonBlocking,
    /// It is polled first, and then given no more than it can accept.
    Pieces,
}

/// A pipe that accepts anything accepts this much at once: PIPE_BUF on Linux. POSIX promises only
/// 512 bytes, and elsewhere a write may wait for the rest.
const PIECE: usize = 4096;

impl WaitingOutput {
    /// Writes to an open file. Others may share its description, so that is not changed.
    #[cfg(unix)]
    pub(crate) fn new(file: File) -> Self {
        unix::output(file)
    }

    #[cfg(not(unix))]
    pub(crate) fn new(file: File) -> Self {
        Self { file, way: Way::AtOnce }
    }

    /// Writes once, or reports `Interrupted` after a while without progress.
    fn once(&self, write: impl FnOnce(&File) -> io::Result<usize>) -> io::Result<usize> {
        if let Way::Pieces = self.way {
            self.wait()?;
        }
        match write(&self.file) {
            // This may also be a shared description that another process has made non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.wait()?;
                Err(ErrorKind::Interrupted.into())
            }
            result => result,
        }
    }

    #[cfg(unix)]
    fn wait(&self) -> io::Result<()> {
        poll_out(&self.file)
    }

    #[cfg(not(unix))]
    fn wait(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for WaitingOutput {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let most = if let Way::Pieces = self.way { buffer.len().min(PIECE) } else { buffer.len() };
        self.once(|mut file| file.write(&buffer[..most]))
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.way {
            Way::Pieces => {
                let first = buffers.iter().find(|buffer| !buffer.is_empty());
                self.write(first.map_or(&[], |first| first))
            }
            _ => self.once(|mut file| file.write_vectored(buffers)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, ErrorKind, IsTerminal};
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;

    use crate::waiting::{WaitingOutput, Way};

    /// Waits for data to read, or an end, but no longer than 100 ms.
    pub(crate) fn poll_in(file: impl AsFd) -> io::Result<()> {
        ready(&file, PollFlags::IN)
    }

    /// Waits until a write is possible, or never will be, but no longer than 100 ms.
    pub(crate) fn poll_out(file: impl AsFd) -> io::Result<()> {
        ready(&file, PollFlags::OUT)
    }

    fn ready(file: &impl AsFd, what: PollFlags) -> io::Result<()> {
        let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        match poll(&mut [PollFd::new(file, what)], Some(&patience))? {
            0 => Err(ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn output(file: File) -> WaitingOutput {
        let kind = file.metadata().map(|metadata| metadata.file_type());
        if kind.as_ref().is_ok_and(FileTypeExt::is_fifo) {
            let own = if is_non_blocking(&file) { None } else { reopened(&file) };
            return match own {
                Some(own) => WaitingOutput { file: own, way: Way::NonBlocking },
                None => WaitingOutput { file, way: Way::Pieces },
            };
        }
        let waits = file.is_terminal() || kind.as_ref().is_ok_and(FileTypeExt::is_socket);
        WaitingOutput { file, way: if waits { Way::Pieces } else { Way::AtOnce } }
    }

    fn is_non_blocking(file: &File) -> bool {
        rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
    }

    /// Returns an unshared description of the same pipe, if the system provides one (Linux).
    fn reopened(file: &File) -> Option<File> {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::OpenOptionsExt;
        let name = format!("/proc/self/fd/{}", file.as_raw_fd());
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        File::options().write(true).custom_flags(flags).open(name).ok()
    }
}

#[cfg(not(unix))]
pub(crate) fn poll_in(_: &File) -> io::Result<()> {
    Ok(())
}
