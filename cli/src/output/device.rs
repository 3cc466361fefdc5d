//! Devices and named pipes, which exist before anything is written to them.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use stream_v2::pipeline::Shutdown;

use crate::failure::Failure;

/// Returns true for a device, or another special file in a folder of the system, beside which
/// nothing may be created.
pub(crate) fn is_in_system(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    if metadata.is_file() || metadata.is_dir() {
        return false;
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let folder = folder.unwrap_or_default();
    is_device(&metadata) || ["/dev", "/proc", "/sys"].iter().any(|system| folder.starts_with(system))
}

#[cfg(unix)]
fn is_device(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &std::fs::Metadata) -> bool {
    false
}

/// Opens an existing file for writing.
///
/// A named pipe may have no reader yet. The call waits for one until a shutdown is requested.
pub(crate) fn open(path: &Path, shutdown: &Shutdown) -> Result<File, Failure> {
    let failed = |error: io::Error| Failure::io(format!("{}: cannot be opened: {error}", path.display()));
    #[cfg(unix)]
    if unix::is_pipe(path) {
        return unix::open_pipe(path, shutdown).map_err(failed)?.ok_or_else(|| {
            Failure::interrupted(format!("{}: interrupted before anything read it", path.display()))
        });
    }
    let _ = shutdown;
    OpenOptions::new().write(true).open(path).map_err(failed)
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::OFlags;
    use rustix::io::Errno;
    use stream_v2::pipeline::Shutdown;

    pub(super) fn is_pipe(path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
    }

    /// Opens a pipe whose description does not block, or returns `None` once a shutdown is
    /// requested.
    pub(super) fn open_pipe(path: &Path, shutdown: &Shutdown) -> io::Result<Option<File>> {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let mut pause = Duration::from_millis(1);
        while !shutdown.requested() {
            match OpenOptions::new().write(true).custom_flags(flags).open(path) {
                // The pipe has no reader yet, and no event reports one.
                Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                    thread::sleep(pause);
                    pause = Duration::from_millis(100).min(2 * pause);
                }
                opened => return opened.map(Some),
            }
        }
        Ok(None)
    }
}
