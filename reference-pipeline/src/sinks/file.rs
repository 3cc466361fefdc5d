//! A sink on a file: `NAME.partial` until it is complete, then `NAME`.
//!
//! # Assumptions
//! - `fdatasync` of the file makes its bytes durable; `fsync` of the folder makes its names durable.
//! - `link` and `rename` within one folder are atomic, and `link` never replaces a file that exists.
//! - The advisory lock on `NAME.partial` keeps a second writer of this crate out; nothing keeps out others.
//!
//! # Crash table
//! | killed | on disk | what a reader sees |
//! |---|---|---|
//! | before the file is created | nothing | nothing |
//! | while appending | `NAME.partial` with a prefix, its last segment possibly torn | an unsealed stream |
//! | after the last append, before the sync | `NAME.partial`, what was not synced possibly lost | an unsealed or a sealed stream under the partial name |
//! | after the sync, before the name | `NAME.partial`, complete | a sealed stream under the partial name: only the rename is missing |
//! | between link and unlink (no overwriting) | `NAME` and `NAME.partial`, the same file | the complete stream |
//! | after the name, before the folder's sync | `NAME`, or `NAME.partial` as before | the complete stream under one of the two |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::io::write_both;
use crate::{OutputSink, SinkUnit};

/// Appends to `NAME.partial`, and gives it its name when it is complete.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    partial: PathBuf,
    target: PathBuf,
    overwrite: bool,
    position: u64,
}

/// The name under which a file stands until it is complete: `NAME.partial`.
#[must_use]
pub fn partial_path(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Removes what an earlier run has left of `target` under its partial name, and never follows a link that stands there.
///
/// # Errors
/// `WouldBlock` where another process is writing it, and whatever the file system reports.
pub fn discard_partial(target: &Path) -> io::Result<()> {
    let partial = partial_path(target);
    if is_being_written(&partial) {
        return Err(ErrorKind::WouldBlock.into());
    }
    match fs::remove_file(&partial) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether a [`FileSink`], of this process or another one, is at work on this partial file.
#[must_use]
pub fn is_being_written(partial: &Path) -> bool {
    // Opening a pipe would wait for its other end.
    partial.symlink_metadata().is_ok_and(|found| found.is_file())
        && File::open(partial).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

impl FileSink {
    /// Creates `NAME.partial`. With `overwrite`, what stands under either name is replaced; without, it is an error.
    ///
    /// # Errors
    /// `AlreadyExists` for a file under either name, `WouldBlock` where another process is writing it, and whatever creating a
    /// file reports.
    pub fn create(target: &Path, overwrite: bool) -> io::Result<Self> {
        if !overwrite && target.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let partial = partial_path(target);
        if overwrite {
            discard_partial(target)?;
        }
        let created = OpenOptions::new().write(true).create_new(true).open(&partial);
        let file = created.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists if is_being_written(&partial) => ErrorKind::WouldBlock.into(),
            _ => error,
        })?;
        file.try_lock()?;
        let sink = Self { file, partial, target: target.to_owned(), overwrite, position: 0 };
        // Between creating and locking, another process may have taken the file for a leftover and removed it.
        if sink.still_has_its_name()? { Ok(sink) } else { Err(ErrorKind::WouldBlock.into()) }
    }

    /// Where the file stands until it is complete.
    #[must_use]
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Whether the partial name still stands for the file that was written: it may have been removed, and taken by somebody else.
    #[cfg(unix)]
    fn still_has_its_name(&self) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let (open, named) = (self.file.metadata()?, self.partial.symlink_metadata());
        Ok(named.is_ok_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())))
    }

    #[cfg(not(unix))]
    fn still_has_its_name(&self) -> io::Result<bool> {
        Ok(self.partial.symlink_metadata().is_ok())
    }

    fn publish(&self) -> io::Result<()> {
        if !self.still_has_its_name()? {
            let taken = "the partial file was removed or replaced while it was written";
            return Err(io::Error::new(ErrorKind::NotFound, taken));
        }
        if self.overwrite {
            return fs::rename(&self.partial, &self.target);
        }
        match fs::hard_link(&self.partial, &self.target) {
            Ok(()) => fs::remove_file(&self.partial),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            // A file system without links: the check and the rename are two steps there.
            Err(_) if self.target.symlink_metadata().is_err() => fs::rename(&self.partial, &self.target),
            Err(error) => Err(error),
        }
    }

    /// Takes up what an interrupted writer has left under the partial name, cut after `len` bytes (§19.2, step 10).
    ///
    /// # Errors
    /// `AlreadyExists` for a file under the name itself without `overwrite`, `WouldBlock` where another process is writing, `UnexpectedEof`
    /// where there are fewer bytes, `InvalidInput` for a link or a device, and whatever the file system reports.
    pub fn reopen(target: &Path, overwrite: bool, len: u64) -> io::Result<Self> {
        if !overwrite && target.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let partial = partial_path(target);
        if !partial.symlink_metadata()?.is_file() {
            return Err(ErrorKind::InvalidInput.into());
        }
        let mut file = OpenOptions::new().write(true).open(&partial)?;
        file.try_lock()?;
        if file.metadata()?.len() < len {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        file.set_len(len)?;
        file.seek(SeekFrom::Start(len))?;
        Ok(Self { file, partial, target: target.to_owned(), overwrite, position: len })
    }
}

/// Makes the names in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
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

impl OutputSink for FileSink {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        if unit.position != self.position {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a piece is out of place"));
        }
        write_both(&mut self.file, unit.head, unit.body)?;
        self.position += unit.len();
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn seal(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.publish()?;
        sync_folder(&self.target)
    }

    fn suspend(&mut self) -> io::Result<()> {
        // What was appended whole is kept; half a segment is not.
        self.file.set_len(self.position)?;
        self.file.sync_all()
    }

    fn abort(&mut self) -> io::Result<()> {
        if self.still_has_its_name()? { fs::remove_file(&self.partial) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(position: u64, body: &[u8]) -> SinkUnit<'_> {
        SinkUnit { index: None, position, head: b"", body }
    }

    #[test]
    fn appears_under_its_name_only_when_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let mut sink = FileSink::create(&target, false).unwrap();
        sink.append(&unit(0, b"one")).unwrap();
        sink.append(&unit(3, b"two")).unwrap();
        assert!(!target.exists());
        sink.seal().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"onetwo");
        assert!(!partial_path(&target).exists());
    }

    #[test]
    fn replaces_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let mut sink = FileSink::create(&target, false).unwrap();
        assert_eq!(FileSink::create(&target, false).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(FileSink::create(&target, true).unwrap_err().kind(), ErrorKind::WouldBlock);
        fs::write(&target, b"came in between").unwrap();
        assert_eq!(sink.seal().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"came in between");
        assert_eq!(FileSink::create(&target, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        drop(sink);
        FileSink::create(&target, true).unwrap().seal().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_under_the_partial_name_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, precious) = (folder.path().join("out"), folder.path().join("precious"));
        fs::write(&precious, b"precious").unwrap();
        std::os::unix::fs::symlink(&precious, partial_path(&target)).unwrap();
        assert_eq!(FileSink::create(&target, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        FileSink::create(&target, true).unwrap().seal().unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert_eq!(fs::read(&target).unwrap(), b"");
    }

    #[cfg(unix)]
    #[test]
    fn never_publishes_or_removes_what_somebody_else_has_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        for seals in [true, false] {
            let mut sink = FileSink::create(&target, true).unwrap();
            sink.append(&unit(0, b"mine")).unwrap();
            fs::remove_file(partial_path(&target)).unwrap();
            fs::write(partial_path(&target), b"theirs").unwrap();
            if seals {
                assert_eq!(sink.seal().unwrap_err().kind(), ErrorKind::NotFound);
            } else {
                sink.abort().unwrap();
            }
            assert_eq!(fs::read(partial_path(&target)).unwrap(), b"theirs");
            assert!(!target.exists());
        }
    }

    #[test]
    fn suspends_without_half_a_piece_and_aborts_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let mut sink = FileSink::create(&target, false).unwrap();
        sink.append(&unit(0, b"whole")).unwrap();
        io::Write::write_all(&mut &sink.file, b"ha").unwrap();
        sink.suspend().unwrap();
        assert_eq!(fs::read(partial_path(&target)).unwrap(), b"whole");
        drop(sink);
        FileSink::create(&target, true).unwrap().abort().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
