//! What sinks and journals ask of a file system: names, files, and what makes both durable.
//!
//! [`Disk`] is the operating system's. Tests that crash at every point bring another one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use stream_v2_format::SegmentIndex;

use crate::io::{fill, write_both};

/// Files under names.
pub trait Storage: Send + Sync {
    /// Creates an empty file for reading and writing.
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken, and whatever the file system reports.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for a link or a device; whatever the file system reports.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Whether anything stands under the name, a link that leads nowhere included.
    fn exists(&self, path: &Path) -> bool;

    /// The same where it can be that nobody knows: [`exists`](Self::exists) takes that for something.
    ///
    /// # Errors
    /// Why it cannot be found out.
    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.exists(path))
    }

    /// Gives a file another name in its folder, and replaces what stands there.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name in its folder, and never replaces anything.
    ///
    /// # Errors
    /// `AlreadyExists`; `Unsupported` where there are no second names; whatever else the file system reports.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name away.
    ///
    /// # Errors
    /// `NotFound`, and whatever the file system reports.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in the folder of `path` durable.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Whether the name of a complete file is durable as soon as it is given. Otherwise a run that
    /// resumes does not know what became of the name, and gives it again.
    fn has_durable_names(&self) -> bool {
        false
    }

    /// Whether what a file under the partial name has taken may be given up before it is complete ([`StoredFile::forget`]), so that it cannot be read
    /// back.
    fn gives_up(&self) -> bool {
        false
    }
}

/// An open file.
pub trait StoredFile: Read + Write + Seek + Send {
    /// Appends a piece: a stream header, or the segment `index`. What fails may leave a part of it.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn append(&mut self, index: Option<SegmentIndex>, head: &[u8], body: &[u8]) -> io::Result<()> {
        let _ = index;
        let mut file = self;
        write_both(&mut file, head, body)
    }

    /// Bytes in the file.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file after `len` bytes.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Gives back the room of bytes that are not read again, as far as that can be done. The length stays as it is.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn forget(&mut self, begin: u64, end: u64) -> io::Result<()> {
        let _ = (begin, end);
        Ok(())
    }

    /// Makes the bytes durable, and the length.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn sync(&mut self) -> io::Result<()>;

    /// Writes the bytes from `from` to the end again, as they are, so that the next [`sync`](Self::sync) covers them.
    ///
    /// A run that resumes asks for it: a sync of the run before may have failed, and an operating
    /// system may then take bytes for durable that are not. A storage in which no failed
    /// durability point leaves such bytes has nothing to do.
    ///
    /// # Errors
    /// Any I/O error while reading or writing.
    fn rewrite(&mut self, from: u64) -> io::Result<()> {
        let mut file = self;
        rewrite_in_place(&mut file, from)
    }

    /// Keeps other writers of this crate out for as long as the file is open.
    ///
    /// # Errors
    /// `WouldBlock` where another one was faster.
    fn lock(&mut self) -> io::Result<()>;

    /// Whether `path` is a name of this very file.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn is_named(&self, path: &Path) -> io::Result<bool>;
}

/// Bytes that are written again at once.
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        // Opening a pipe would wait for its other end.
        if !path.symlink_metadata()?.is_file() {
            return Err(ErrorKind::InvalidInput.into());
        }
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(path)?))
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

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        match File::open(folder) {
            Ok(folder) => folder.sync_all(),
            // Some systems do not open folders; there is then nothing to sync.
            Err(_) => Ok(()),
        }
    }
}

impl StoredFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    #[cfg(all(feature = "s3", target_os = "linux"))]
    fn forget(&mut self, begin: u64, end: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // Not every file system can; then they take their room until the end.
        let _ = fallocate(&*self, hole, begin, end.saturating_sub(begin));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn lock(&mut self) -> io::Result<()> {
        self.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => error,
        })
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
