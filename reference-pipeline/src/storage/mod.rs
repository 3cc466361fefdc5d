//! The interface to a file system for sinks and journals: names, files, and their durability
//! (§19.1, §19.7).
//!
//! [`Disk`] is the operating system's file system. Tests that crash at every point bring another
//! one.

mod disk;
pub(crate) mod output_file;
mod output_key;
#[cfg(unix)]
mod permissions;
mod private_folder;
mod publish;
mod resume_keys;
mod working_name;

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use stream_v2_format::SegmentIndex;

use crate::io::write_both;
use crate::source::blocking::fill;

pub use disk::{Disk, is_planted};
pub use output_file::OutputFile;
pub use resume_keys::{KeptKey, ResumeKeys};

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
    /// - any error that prevents the answer.
    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.exists(path))
    }

    /// Gives a file another name in its folder, and replaces any file there.
    ///
    /// A storage that [discards uploaded parts](Self::discards_uploaded) may keep the partial name
    /// of a complete file. It is removed next.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
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
    /// - any error of the file system.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Returns the name by which an output can be found from any folder of this machine.
    ///
    /// It is written to its resume key (§19.9).
    fn address(&self, path: &Path) -> PathBuf {
        path.into()
    }

    /// Creates a folder that only its owner may open, with the folders above it.
    ///
    /// A storage without folders has nothing to do.
    ///
    /// # Errors
    ///
    /// - the errors of [`check_private_folder`](Self::check_private_folder).
    /// - any other error of the file system.
    fn create_private_folder(&self, folder: &Path) -> io::Result<()> {
        let _ = folder;
        Ok(())
    }

    /// Checks a folder that only its owner may open.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none.
    /// - `InvalidData` for a link, or something else.
    /// - `PermissionDenied` if another user can open it.
    fn check_private_folder(&self, folder: &Path) -> io::Result<()> {
        let _ = folder;
        Ok(())
    }

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

    /// Returns the reason why names cannot be made durable here, if it is known.
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
    /// - any error of the file system.
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
    /// - any error of the file system.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file after `len` bytes.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Frees the space of bytes that are not read again, as far as possible. The length stays as it
    /// is.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    fn punch_hole(&mut self, begin: u64, end: u64) -> io::Result<()> {
        let _ = (begin, end);
        Ok(())
    }

    /// Makes the bytes durable, and the length.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    fn sync(&mut self) -> io::Result<()>;

    /// Writes the bytes from `from` to the end again, as they are.
    ///
    /// The next [`sync`](Self::sync) then covers them.
    ///
    /// A run that resumes calls it, because a sync of the run before may have failed. An operating
    /// system may then count bytes as durable that are not. A storage without this problem has
    /// nothing to do.
    ///
    /// # Errors
    ///
    /// - any I/O error while reading or writing.
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

    /// Checks that only its owner may open the file.
    ///
    /// # Errors
    ///
    /// - `PermissionDenied` if another user can.
    fn check_private(&self) -> io::Result<()> {
        Ok(())
    }

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
    /// - any error of the file system.
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
