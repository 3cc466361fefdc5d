//! The interface to a file system for sinks and journals: names, files, and their durability.
//!
//! [`Disk`] is the operating system's file system. Tests that crash at every point bring another
//! one.

pub(crate) mod output_file;
#[cfg(unix)]
mod permissions;
mod working_name;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::OnceLock;

use stream_v2_format::SegmentIndex;

use self::output_file::not_ours;
use crate::io::write_both;
use crate::source::blocking::fill;

pub use output_file::OutputFile;

/// Files under names.
pub trait Storage: Send + Sync {
    /// Creates an empty file for reading and writing, which only its owner may open.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` if the name is taken.
    /// - any other error of the file system.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no such file.
    /// - `InvalidData` for a link, a device, or a file that another user may have planted.
    /// - any other error of the file system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Returns whether the name exists, even as a link that leads nowhere.
    fn exists(&self, path: &Path) -> bool;

    /// Returns whether the name exists, in a storage that may not know.
    ///
    /// [`exists`](Self::exists) counts an unknown name as existing.
    ///
    /// # Errors
    ///
    /// Any error that prevents the answer.
    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.exists(path))
    }

    /// Gives a file another name in its folder, and replaces any file there.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name in its folder, and never replaces anything.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` if the name is taken.
    /// - `Unsupported` if there are no second names.
    /// - any other error of the file system.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a name.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no such name.
    /// - any other error of the file system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in the folder of `path` durable.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Returns whether the name of a complete file is durable as soon as it is given.
    ///
    /// Otherwise a run that resumes does not know the state of the name, and gives it again.
    fn has_durable_names(&self) -> bool {
        false
    }

    /// Returns whether the storage may give up parts of a partial file before it is complete.
    ///
    /// [`StoredFile::punch_hole`] does that. Those parts cannot be read back.
    fn discards_uploaded(&self) -> bool {
        false
    }

    /// Returns whether only this crate uses these names, so that every file with one may be
    /// removed.
    fn is_private(&self) -> bool {
        false
    }

    /// Returns the most bytes of a name in the folder of `path`, if there is a limit.
    fn name_len_max(&self, path: &Path) -> Option<usize> {
        let _ = path;
        None
    }

    /// Returns the reason why names cannot be made durable here, if
    /// [`sync_folder`](Self::sync_folder) has met it.
    ///
    /// The folder was then left to the system.
    fn names_at_risk(&self) -> Option<&str> {
        None
    }
}

/// An open file.
pub trait StoredFile: Read + Write + Seek + Send {
    /// Appends a piece: a stream header, or the segment `index`.
    ///
    /// A failed append may leave a part of the piece. The head of a stream header is its magic,
    /// which is durable before the rest is there.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn append(&mut self, index: Option<SegmentIndex>, head: &[u8], body: &[u8]) -> io::Result<()> {
        let mut file = self;
        if index.is_some() || head.is_empty() {
            return write_both(&mut file, head, body);
        }
        file.write_all(head)?;
        file.sync()?;
        file.write_all(body)
    }

    /// Returns the bytes in the file.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file after `len` bytes.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Frees the space of bytes that are not read again, as far as possible. The length stays as it
    /// is.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn punch_hole(&mut self, begin: u64, end: u64) -> io::Result<()> {
        let _ = (begin, end);
        Ok(())
    }

    /// Makes the bytes durable, and the length.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn sync(&mut self) -> io::Result<()>;

    /// Writes the bytes from `from` to the end again, as they are, so that the next
    /// [`sync`](Self::sync) covers them.
    ///
    /// A run that resumes calls it, because a sync of the run before may have failed. An operating
    /// system may then count bytes as durable that are not. A storage without this problem has
    /// nothing to do.
    ///
    /// # Errors
    ///
    /// Any I/O error while reading or writing.
    fn rewrite(&mut self, from: u64) -> io::Result<()> {
        let mut file = self;
        rewrite_in_place(&mut file, from)
    }

    /// Keeps other writers of this crate out as long as the file is open.
    ///
    /// # Errors
    ///
    /// - `WouldBlock` if another writer was faster.
    fn lock(&mut self) -> io::Result<()>;

    /// Restricts a file that is to be continued to its owner.
    ///
    /// # Errors
    ///
    /// - `PermissionDenied` for a file of another user that others can open.
    fn restrict(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Gives a complete file the permissions that it has as `target`.
    ///
    /// They are those of the file that it replaces, or those of a new file.
    fn permit(&mut self, target: &Path) {
        let _ = target;
    }

    /// Returns whether `path` is a name of this very file.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn is_named(&self, path: &Path) -> io::Result<bool>;
}

/// Bytes that are written again at a time.
const REWRITE_LEN: usize = 1 << 20;

fn rewrite_in_place(file: &mut (impl Read + Write + Seek), from: u64) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut position = from;
    loop {
        file.seek(SeekFrom::Start(position))?;
        buffer.resize(REWRITE_LEN, 0);
        let filled = fill(file, &mut buffer)?;
        if filled == 0 {
            return Ok(());
        }
        file.seek(SeekFrom::Start(position))?;
        file.write_all(&buffer[..filled])?;
        position += filled as u64;
    }
}

/// The file system of the operating system.
#[derive(Debug, Default)]
pub struct Disk {
    at_risk: OnceLock<String>,
}

/// Returns the folder that contains a name.
fn folder_of(path: &Path) -> &Path {
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
