//! A sink on a file: `NAME.partial` until it is complete, then `NAME`.
//!
//! # Assumptions
//!
//! - `fdatasync` of the file makes its bytes durable, and `fsync` of the folder makes its names
//!   durable.
//! - `link` and `rename` within one folder are atomic, and `link` never replaces a file that
//!   exists.
//! - The advisory lock on `NAME.partial` keeps a second writer of this crate out, but no other
//!   program.
//!
//! # Crash table
//!
//! | killed | on disk | stream that a reader sees |
//! |---|---|---|
//! | before the file is created | nothing | none |
//! | while appending | a prefix in `NAME.partial`, its last segment possibly torn | unsealed |
//! | before the last sync | `NAME.partial`, unsynced bytes possibly lost | unsealed or sealed |
//! | after it, before the name | `NAME.partial`, complete | sealed, only its name is missing |
//! | between link and unlink (no overwriting) | `NAME` and `NAME.partial`, one file | complete |
//! | before the folder's sync | `NAME`, or `NAME.partial` as before | complete, under one of both |

use std::io::{self, ErrorKind, SeekFrom};

use super::{OutputSink, SinkUnit};
use crate::engine::shutdown::Interruption;
use crate::storage::{OutputFile, StoredFile};

/// Appends to `NAME.partial`, and renames it to `NAME` when it is complete.
pub struct FileSink {
    file: Box<dyn StoredFile>,
    output: OutputFile,
    position: u64,
    /// True once the partial name is durable.
    named: bool,
    /// True once a durability point has failed: the bytes since the last one may never become
    /// durable.
    is_lost: bool,
    /// True if the file was complete when it was found, and keeps its permissions.
    was_complete: bool,
    /// True once the file has its final name. Then nothing is taken back.
    is_published: bool,
}

impl FileSink {
    /// Creates `NAME.partial`, and removes the journal of another output.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` for a file under that name, or under the name itself if it may not be
    ///   replaced.
    /// - `WouldBlock` if another process is writing.
    /// - any error while creating a file.
    pub fn create(output: &OutputFile) -> io::Result<Self> {
        refuse_taken_name(output)?;
        output.refuse_foreign(&output.journal())?;
        output.refuse_foreign(&output.new_journal())?;
        let mut file = output.storage().create(&output.partial()).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists if output.is_being_written() => ErrorKind::WouldBlock.into(),
            _ => error,
        })?;
        if let Err(error) = file.lock() {
            // It is empty, and without a lock it must stay empty.
            if error.kind() != ErrorKind::WouldBlock && file.is_named(&output.partial())? {
                output.remove(&output.partial())?;
            }
            return Err(error);
        }
        // Between creating and locking, another process may have taken the file for a leftover and
        // removed it.
        if !file.is_named(&output.partial())? {
            return Err(ErrorKind::WouldBlock.into());
        }
        output.remove_journal()?;
        Ok(Self::at(output, file, 0))
    }

    fn at(output: &OutputFile, file: Box<dyn StoredFile>, position: u64) -> Self {
        let output = output.clone();
        let (named, is_lost, was_complete, is_published) = (false, false, false, false);
        Self { file, output, position, named, is_lost, was_complete, is_published }
    }

    /// Resumes a partial file that was locked, and cuts it after `len` bytes (§19.2, §19.4).
    ///
    /// The bytes from `unsure_from` on are written again: a durability point after them may have
    /// failed.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` for a file under the name itself that may not be replaced.
    /// - `UnexpectedEof` if there are fewer bytes.
    /// - any error of the file system.
    pub(crate) fn take_up(
        output: &OutputFile,
        mut file: Box<dyn StoredFile>,
        len: u64,
        unsure_from: u64,
    ) -> io::Result<Self> {
        refuse_taken_name(output)?;
        keep(&mut *file, len, unsure_from)?;
        file.restrict()?;
        file.seek(SeekFrom::Start(len))?;
        Ok(Self::at(output, file, len))
    }

    /// Wraps a complete file of `len` bytes that needs its name, perhaps for the second time.
    ///
    /// The file keeps its permissions, which may be those of a file that it has replaced, unless it
    /// replaces one now.
    ///
    /// # Errors
    ///
    /// - the errors of [`take_up`](Self::take_up).
    pub(crate) fn of_complete(
        output: &OutputFile,
        mut file: Box<dyn StoredFile>,
        len: u64,
        unsure_from: u64,
    ) -> io::Result<Self> {
        refuse_taken_name(output)?;
        keep(&mut *file, len, unsure_from)?;
        Ok(Self { was_complete: true, ..Self::at(output, file, len) })
    }

    /// Returns the file, to be read again. Its position must be at the end before the next append.
    pub(crate) fn file(&mut self) -> &mut dyn StoredFile {
        &mut *self.file
    }

    /// Makes the bytes durable, or remembers that they are lost.
    fn sync(&mut self) -> io::Result<()> {
        let synced = self.file.sync();
        self.is_lost |= synced.as_ref().is_err_and(|error| !Interruption::is(error));
        synced
    }

    /// Sets the names of the file, once its stream is known.
    pub(crate) fn set_output(&mut self, output: OutputFile) {
        self.output = output;
    }

    /// Returns the names of the file.
    #[must_use]
    pub const fn output(&self) -> &OutputFile {
        &self.output
    }
}

/// Cuts a file after `len` bytes, and writes those from `unsure_from` on again.
fn keep(file: &mut dyn StoredFile, len: u64, unsure_from: u64) -> io::Result<()> {
    if file.size()? < len {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    //= spec/stream-v2.md#sv2-res-013
    //# An implementation MUST NOT drop a committed segment unless its caller has asked for exactly
    //# that, or a durability point after it has failed (SV2-RES-023).
    // Also if there is nothing to cut, because the length may not be durable either.
    file.set_len(len)?;
    //= spec/stream-v2.md#sv2-res-024
    //# An owner that resumes MUST write what it keeps of its output after the last recorded commit
    //# again, in its place, before its next durability point.
    if unsure_from < len {
        file.rewrite(unsure_from)?;
    }
    Ok(())
}

fn refuse_taken_name(output: &OutputFile) -> io::Result<()> {
    if !output.overwrites() && output.storage().try_exists(output.target())? {
        return Err(ErrorKind::AlreadyExists.into());
    }
    Ok(())
}

impl OutputSink for FileSink {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        if unit.position != self.position {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a piece is out of place"));
        }
        self.file.append(unit.index, unit.head, unit.body)?;
        self.position += unit.len();
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.sync()?;
        if !self.named {
            let synced = self.output.storage().sync_folder(self.output.target());
            self.is_lost |= synced.is_err();
            synced?;
            self.named = true;
        }
        Ok(())
    }

    fn take_back(&mut self, position: u64) -> io::Result<()> {
        // Suspending cuts the file there.
        self.position = self.position.min(position);
        Ok(())
    }

    fn seal(&mut self) -> io::Result<()> {
        //= spec/stream-v2.md#sv2-res-003
        //# An owner MUST publish an output that is complete in this order: durability point, name,
        //# durability point of the name, removal of the other name if it still stands, removal of
        //# the journal, durability point of the names.
        self.sync()?;
        self.output.publish(&mut *self.file, self.was_complete, &mut self.is_published)
    }

    fn suspend(&mut self) -> io::Result<()> {
        // Pieces that were appended whole are kept, and a partial segment is not.
        if self.file.size()? > self.position {
            self.file.set_len(self.position)?;
        }
        self.sync()
    }

    fn roll_back(&mut self, recorded: u64) -> io::Result<()> {
        // Its bytes were durable before it had its name.
        if self.is_published {
            return Ok(());
        }
        // Sealing may fail after the bytes are durable.
        if !self.is_lost && self.suspend().is_ok() {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-023
        //# It SHOULD cut the output to the end of that commit.
        if self.file.size()? > recorded {
            self.file.set_len(recorded)?;
        }
        Ok(())
    }

    fn abort(&mut self) -> io::Result<()> {
        let partial = self.output.partial();
        if self.file.is_named(&partial)? {
            self.output.remove(&partial)?;
            // The journal is removed next. Without it, nothing vouches for a partial file.
            self.output.storage().sync_folder(&partial)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn unit(position: u64, body: &[u8]) -> SinkUnit<'_> {
        SinkUnit { index: None, position, head: b"", body }
    }

    fn output() -> (tempfile::TempDir, OutputFile) {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFile::new(folder.path().join("out"));
        (folder, output)
    }

    fn refused(output: &OutputFile) -> ErrorKind {
        FileSink::create(output).err().unwrap().kind()
    }

    #[test]
    fn appears_under_its_name_only_when_sealed() {
        let (_folder, output) = output();
        let mut sink = FileSink::create(&output).unwrap();
        sink.append(&unit(0, b"one")).unwrap();
        sink.append(&unit(3, b"two")).unwrap();
        assert!(!output.target().exists());
        sink.seal().unwrap();
        assert_eq!(fs::read(output.target()).unwrap(), b"onetwo");
        assert!(!output.partial().exists());
    }

    #[test]
    fn a_file_with_its_name_is_not_cut() {
        for overwrite in [false, true] {
            let (_folder, output) = output();
            let output = output.overwriting(overwrite);
            let mut sink = FileSink::create(&output).unwrap();
            sink.append(&unit(0, b"all of it")).unwrap();
            sink.seal().unwrap();
            // As if the sync of its folder, and another one, had failed.
            sink.is_lost = true;
            sink.roll_back(3).unwrap();
            assert_eq!(fs::read(output.target()).unwrap(), b"all of it");
        }
    }

    #[test]
    fn replaces_nothing_unasked() {
        let (_folder, output) = output();
        let replacing = output.clone().overwriting(true);
        let mut sink = FileSink::create(&output).unwrap();
        assert_eq!((refused(&output), refused(&replacing)), (ErrorKind::WouldBlock, ErrorKind::WouldBlock));
        assert_eq!(output.discard().unwrap_err().kind(), ErrorKind::WouldBlock);
        fs::write(output.target(), b"came in between").unwrap();
        assert_eq!(sink.seal().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(output.target()).unwrap(), b"came in between");
        drop(sink);
        assert_eq!(
            (refused(&output), refused(&replacing)),
            (ErrorKind::AlreadyExists, ErrorKind::AlreadyExists)
        );
        output.discard().unwrap();
        assert_eq!(refused(&output), ErrorKind::AlreadyExists);
        FileSink::create(&replacing).unwrap().seal().unwrap();
        assert_eq!(fs::read(output.target()).unwrap(), b"");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_under_the_partial_name_is_not_followed() {
        let (folder, output) = output();
        let precious = folder.path().join("precious");
        fs::write(&precious, b"precious").unwrap();
        std::os::unix::fs::symlink(&precious, output.partial()).unwrap();
        assert_eq!(refused(&output), ErrorKind::AlreadyExists);
        assert_eq!(output.lock_partial().err().unwrap().kind(), ErrorKind::InvalidData);
        assert_eq!(output.discard().unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(output.partial().is_symlink());
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
    }

    #[cfg(unix)]
    #[test]
    fn replaced_file_is_not_published_or_removed() {
        for seals in [true, false] {
            let (_folder, output) = output();
            let mut sink = FileSink::create(&output).unwrap();
            sink.append(&unit(0, b"mine")).unwrap();
            fs::remove_file(output.partial()).unwrap();
            fs::write(output.partial(), b"theirs").unwrap();
            if seals {
                assert_eq!(sink.seal().unwrap_err().kind(), ErrorKind::NotFound);
            } else {
                sink.abort().unwrap();
            }
            assert_eq!(fs::read(output.partial()).unwrap(), b"theirs");
            assert!(!output.target().exists());
        }
    }

    #[test]
    fn suspended_sink_resumes_and_aborts_cleanly() {
        let (folder, output) = output();
        let mut sink = FileSink::create(&output).unwrap();
        sink.append(&unit(0, b"whole")).unwrap();
        sink.file.write_all(b"ha").unwrap();
        sink.suspend().unwrap();
        assert_eq!(fs::read(output.partial()).unwrap(), b"whole");
        drop(sink);
        let file = output.lock_partial().unwrap().unwrap();
        assert_eq!(output.lock_partial().err().unwrap().kind(), ErrorKind::WouldBlock);
        let mut sink = FileSink::take_up(&output, file, 3, 3).unwrap();
        sink.append(&unit(3, b"le")).unwrap();
        assert_eq!(fs::read(output.partial()).unwrap(), b"whole");
        sink.abort().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
