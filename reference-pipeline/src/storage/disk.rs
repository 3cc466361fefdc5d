//! The operating system's file system, as a storage.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::output_file::not_ours;
#[cfg(unix)]
use super::permissions;
use super::{Storage, StoredFile, private_folder};

/// The file system of the operating system.
#[derive(Debug, Default)]
pub struct Disk {
    at_risk: OnceLock<String>,
}

/// Returns the folder that contains a name.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Returns whether another user may have planted a file there for this process to find.
///
/// That is so for a file of another user in a folder with the sticky bit that everybody may write
/// to, such as `/tmp`. Nothing is written to such a file, and no such link is followed.
#[must_use]
pub fn is_planted(path: &Path) -> bool {
    #[cfg(unix)]
    return permissions::is_planted(path);
    #[cfg(not(unix))]
    return {
        let _ = path;
        false
    };
}

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, permissions::OWNER_ALONE);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        const OTHER: &str = "is not a regular file";
        // Opening a device may already have an effect.
        if !path.symlink_metadata()?.is_file() {
            return Err(not_ours(path, OTHER));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            // Another file may have taken its name since. Opening a pipe would wait for its other
            // end.
            let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
        }
        let is_other = || path.symlink_metadata().is_ok_and(|found| !found.is_file());
        let file =
            options.open(path).map_err(|error| if is_other() { not_ours(path, OTHER) } else { error })?;
        if !file.metadata()?.is_file() {
            return Err(not_ours(path, OTHER));
        }
        if is_planted(path) {
            return Err(not_ours(path, "belongs to another user, in a folder that everybody may write to"));
        }
        Ok(Box::new(file))
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotFound => error,
            // A file system without links.
            _ => ErrorKind::Unsupported.into(),
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let folder = folder_of(path);
        let at_risk = |error: io::Error| {
            self.at_risk.get_or_init(|| format!("{}: {error}", folder.display()));
        };
        match File::open(folder) {
            Ok(open) => match open.sync_all() {
                Err(error) if is_unsupported(&error) => at_risk(error),
                synced => synced?,
            },
            // A folder whose names may be used but not listed.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => at_risk(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Folders cannot be opened there.
    #[cfg(not(unix))]
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn address(&self, path: &Path) -> PathBuf {
        std::path::absolute(path).unwrap_or_else(|_| path.into())
    }

    fn create_private_folder(&self, folder: &Path) -> io::Result<()> {
        private_folder::create(self, folder)
    }

    fn check_private_folder(&self, folder: &Path) -> io::Result<()> {
        private_folder::check(folder)
    }

    fn name_len_max(&self, path: &Path) -> Option<usize> {
        Some(name_len_max(path))
    }

    fn names_at_risk(&self) -> Option<&str> {
        self.at_risk.get().map(String::as_str)
    }
}

/// Returns the most bytes of a name: 255 on most file systems.
///
/// Others are asked only about names for which it matters.
fn name_len_max(path: &Path) -> usize {
    const USUAL: usize = 255;
    const LEAST: usize = 128;
    #[cfg(unix)]
    if path.file_name().is_some_and(|name| name.len() >= LEAST)
        && let Ok(found) = rustix::fs::statvfs(folder_of(path))
    {
        return usize::try_from(found.f_namemax).map_or(USUAL, |len| len.clamp(LEAST, USUAL));
    }
    USUAL
}

/// Returns whether a file system does not support an operation.
///
/// `EINVAL`, `ENOTSUP`, `ENOSYS` and `EBADF` were seen for folders.
#[cfg(unix)]
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error())
}

/// Explains the error of `flock` without locks, as on NFS without its lock service. The error alone
/// is hard to understand.
fn without_locks(error: io::Error) -> io::Error {
    #[cfg(unix)]
    if is_unsupported(&error) || error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        let what = format!("this file system has no locks, which keep two runs from one output: {error}");
        return io::Error::new(ErrorKind::Unsupported, what);
    }
    error
}

impl StoredFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    #[cfg(target_os = "linux")]
    fn punch_hole(&mut self, begin: u64, end: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // Some file systems cannot do this. The bytes keep their space until the end there.
        let _ = fallocate(&*self, hole, begin, end.saturating_sub(begin));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn lock(&mut self) -> io::Result<()> {
        self.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => without_locks(error),
        })
    }

    fn check_private(&self) -> io::Result<()> {
        self.metadata().and_then(|found| private_folder::check_owner(&found))
    }

    #[cfg(unix)]
    fn restrict(&mut self) -> io::Result<()> {
        permissions::restrict(self)
    }

    #[cfg(unix)]
    fn permit(&mut self, target: &Path) {
        permissions::permit(self, target);
    }

    #[cfg(unix)]
    fn is_named(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let open = self.metadata()?;
        Ok(path.symlink_metadata().is_ok_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())))
    }

    #[cfg(not(unix))]
    fn is_named(&self, path: &Path) -> io::Result<bool> {
        Ok(path.symlink_metadata().is_ok())
    }
}
