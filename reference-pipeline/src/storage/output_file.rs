//! The names of an output in a file: `NAME.partial` until it is complete, `NAME.journal` next to
//! it, then `NAME`.
//!
//! If there is no room for these endings, they are added to a shorter name (`working_name.rs`).

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stream_v2_format::wire::{JOURNAL_MAGIC, STREAM_MAGIC};

use super::working_name::working_name;
use super::{Disk, ResumeKeys, Storage, StoredFile};

/// The name of a complete file, and whether it may replace another one.
///
/// Cloning shares the storage.
#[derive(Clone)]
pub struct OutputFile {
    storage: Arc<dyn Storage>,
    target: PathBuf,
    overwrite: bool,
    pub(super) resume_keys: Option<ResumeKeys>,
    /// The salt of the stream whose files these are, once it is known.
    pub(super) stream_salt: Option<[u8; 32]>,
}

impl OutputFile {
    /// Returns an output of this name on the disk. It does not replace a file.
    #[must_use]
    pub fn new(target: impl Into<PathBuf>) -> Self {
        Self::stored(Arc::new(Disk::default()), target)
    }

    /// Returns an output of this name in a storage. It does not replace a file.
    #[must_use]
    pub fn stored(storage: Arc<dyn Storage>, target: impl Into<PathBuf>) -> Self {
        Self { storage, target: target.into(), overwrite: false, resume_keys: None, stream_salt: None }
    }

    /// Sets whether the complete file may replace a file of the same name.
    #[must_use]
    pub fn overwriting(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// Returns the name of the complete file.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Returns the name until it is complete: `NAME.partial`.
    #[must_use]
    pub fn partial(&self) -> PathBuf {
        self.beside(".partial")
    }

    /// Returns the name of its journal: `NAME.journal`.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.beside(".journal")
    }

    /// Returns whether the name of the complete file exists.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.storage.exists(&self.target)
    }

    /// Returns whether the name of the complete file exists, in a storage that may not know.
    ///
    /// [`is_taken`](Self::is_taken) counts an unknown name as existing.
    ///
    /// # Errors
    ///
    /// - any error that prevents the answer.
    pub fn try_is_taken(&self) -> io::Result<bool> {
        self.storage.try_exists(&self.target)
    }

    /// Returns whether the name of the partial file exists.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        self.storage.exists(&self.partial())
    }

    /// Returns whether the name of the journal exists.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.storage.exists(&self.journal())
    }

    /// Returns whether a writer of this crate, in any process, is using the partial file.
    #[must_use]
    pub fn is_being_written(&self) -> bool {
        self.storage
            .open(&self.partial())
            .and_then(|mut file| file.lock())
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Removes the partial file and the journal of an earlier run, and its resume key first.
    ///
    /// It is for outputs without a committed segment, and for callers who give up the committed
    /// segments (SV2-RES-013).
    ///
    /// # Errors
    ///
    /// - `WouldBlock` if another process is writing the output.
    /// - `InvalidData` for a file of another program under one of these names (SV2-RES-014), which
    ///   is left alone.
    /// - any other error of the file system.
    pub fn discard(&self) -> io::Result<()> {
        // Held until the end: a partial file that appears later is of another run, and so is its
        // journal.
        let mut partial = self.hold_partial()?;
        let mut journal = self.own_journal(&self.journal())?;
        let new = self.own_journal(&self.new_journal())?;
        if let Some(partial) = &mut partial
            && journal.is_none()
            && !self.storage.is_private()
        {
            self.refuse_foreign_output(&mut **partial)?;
        }
        self.forget_resume_keys_of(partial.as_deref_mut(), journal.as_deref_mut())?;
        if partial.is_some() {
            self.remove(&self.partial())?;
            // Without its journal nothing vouches for a partial file.
            self.storage.sync_folder(&self.target)?;
        }
        self.remove_checks()?;
        self.remove_held(journal, &self.journal())?;
        self.remove_held(new, &self.new_journal())
    }

    /// Opens the partial file and keeps other writers out, so that it can be removed.
    fn hold_partial(&self) -> io::Result<Option<Box<dyn StoredFile>>> {
        let Some(mut file) = self.open_if_there(&self.partial())? else { return Ok(None) };
        match file.lock() {
            // A missing file next to it prevents resuming, but not removal.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) => {}
            locked => locked?,
        }
        // Between opening and locking, another process may have completed it.
        if file.is_named(&self.partial())? { Ok(Some(file)) } else { Err(ErrorKind::WouldBlock.into()) }
    }

    /// Opens a journal, if there is one, and refuses a file that is not one.
    ///
    /// Other programs use that name too (SV2-RES-014).
    fn own_journal(&self, path: &Path) -> io::Result<Option<Box<dyn StoredFile>>> {
        let Some(mut file) = self.open_if_there(path)? else { return Ok(None) };
        let len = file.size()?;
        let mut begin = Vec::new();
        (&mut file).take(JOURNAL_MAGIC.len() as u64).read_to_end(&mut begin)?;
        //= spec/stream-v2.md#sv2-res-014
        //# nor a file under the name of its journal that does not begin with the magic of one.
        let is_own = match path == self.journal() {
            true => begin == JOURNAL_MAGIC,
            // It may have been torn while it was written.
            false => begins_as(&begin, len, &JOURNAL_MAGIC),
        };
        if is_own { Ok(Some(file)) } else { Err(not_ours(path, "is not a journal")) }
    }

    /// Refuses a partial file that does not show to be of an earlier run.
    fn refuse_foreign_output(&self, partial: &mut dyn StoredFile) -> io::Result<()> {
        let len = partial.size()?;
        let mut begin = Vec::new();
        partial.take(STREAM_MAGIC.len() as u64).read_to_end(&mut begin)?;
        if begins_as(&begin, len, &STREAM_MAGIC) {
            return Ok(());
        }
        Err(not_ours(&self.partial(), "is not a stream, and no journal belongs to it"))
    }

    /// Refuses a file under the name of a journal that is not one.
    pub(crate) fn refuse_foreign(&self, path: &Path) -> io::Result<()> {
        self.own_journal(path).map(drop)
    }

    /// Removes a journal, if there is one.
    pub(crate) fn remove_own(&self, path: &Path) -> io::Result<()> {
        self.own_journal(path).and_then(|journal| self.remove_held(journal, path))
    }

    /// Removes a file that was opened, unless its name belongs to another one now.
    fn remove_held(&self, file: Option<Box<dyn StoredFile>>, path: &Path) -> io::Result<()> {
        match file {
            Some(file) if file.is_named(path)? => self.remove(path),
            _ => Ok(()),
        }
    }

    /// Removes the partial name of `file`, which has its final name too, once that is durable.
    pub(crate) fn drop_partial_name(&self, file: &dyn StoredFile) -> io::Result<()> {
        if self.storage.discards_uploaded() {
            // An object has no other name, and the files on this machine are removed next.
            self.remove_resume_key()?;
        }
        self.storage.sync_folder(&self.target)?;
        if file.is_named(&self.partial())? {
            self.remove(&self.partial())?;
        }
        self.storage.sync_folder(&self.target)
    }

    //= spec/stream-v2.md#sv2-res-032
    //# An owner of an output in a folder MUST use the names and the lock of this table, in the
    //# folder of the result.
    fn beside(&self, suffix: &str) -> PathBuf {
        let name_len_max = self.storage.name_len_max(&self.target);
        let mut name = working_name(&self.target, name_len_max).into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Returns the name of a journal before it replaces another one: `NAME.journal.new`.
    pub(crate) fn new_journal(&self) -> PathBuf {
        self.beside(".journal.new")
    }

    /// Returns the name of the checks of an output that cannot be read back: `NAME.checks`.
    pub(crate) fn checks(&self) -> PathBuf {
        self.beside(".checks")
    }

    /// Returns the name of the copy of an envelope that is being replaced: `NAME.rewrap`.
    #[must_use]
    pub fn rewrap_copy(&self) -> PathBuf {
        self.beside(".rewrap")
    }

    /// Returns the name of that copy until it is durable: `NAME.rewrap.new`.
    pub(crate) fn new_rewrap_copy(&self) -> PathBuf {
        self.beside(".rewrap.new")
    }

    /// Removes the journal, and the rest of a new one after a crash.
    pub(crate) fn remove_journal(&self) -> io::Result<()> {
        self.remove_checks()?;
        let (journal, new) = (self.journal(), self.new_journal());
        let is_there = self.storage.exists(&journal) || self.storage.exists(&new);
        self.remove_own(&journal)?;
        self.remove_own(&new)?;
        // A journal that came back would vouch for a complete result, which may have been changed
        // since.
        if is_there { self.storage.sync_folder(&journal) } else { Ok(()) }
    }

    /// Renames a complete file back to its partial name, so that it can be published again.
    ///
    /// The durability point of the name may have failed (SV2-RES-025).
    ///
    /// # Errors
    ///
    /// - `WouldBlock` if another process is using the file.
    /// - any other error of the file system.
    pub(crate) fn take_name_back(&self, file: &mut dyn StoredFile) -> io::Result<()> {
        let partial = self.partial();
        if file.is_named(&partial)? {
            return self.remove(&self.target);
        }
        file.lock()?;
        if !file.is_named(&self.target)? || self.storage.exists(&partial) {
            return Err(ErrorKind::WouldBlock.into());
        }
        // In one step: the file is never without a name.
        self.storage.rename(&self.target, &partial)?;
        self.storage.sync_folder(&self.target)
    }

    fn remove_checks(&self) -> io::Result<()> {
        if self.storage.discards_uploaded() && self.storage.exists(&self.checks()) {
            self.remove(&self.checks())?;
            // The partial file is looked for only next to a journal.
            self.storage.sync_folder(&self.target)?;
        }
        Ok(())
    }

    /// Opens the partial file of an earlier run, and keeps other writers out before any of it is
    /// read (SV2-RES-004).
    ///
    /// Returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// - `WouldBlock` if another process is writing it.
    /// - `InvalidData` for a link or a device.
    /// - any other error of the file system.
    pub(crate) fn lock_partial(&self) -> io::Result<Option<Box<dyn StoredFile>>> {
        //= spec/stream-v2.md#sv2-res-004
        //# An owner MUST keep a second one from the same output before it reads anything there, or
        //# say that it cannot.
        self.lock_if_there(&self.partial())
    }

    /// Opens and locks a file, or returns `None` if there is none.
    pub(crate) fn lock_if_there(&self, path: &Path) -> io::Result<Option<Box<dyn StoredFile>>> {
        let Some(mut file) = self.open_if_there(path)? else { return Ok(None) };
        file.lock()?;
        // Between opening and locking, its owner may have completed it, under another name.
        if file.is_named(path)? { Ok(Some(file)) } else { Err(ErrorKind::WouldBlock.into()) }
    }

    /// Opens a file, or returns `None` if there is none.
    pub(crate) fn open_if_there(&self, path: &Path) -> io::Result<Option<Box<dyn StoredFile>>> {
        match self.storage.open(path) {
            Err(error) if is_absent(&error) => Ok(None),
            file => file.map(Some),
        }
    }

    /// Removes a name that may not be there.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        match self.storage.remove(path) {
            Err(error) if is_absent(&error) => Ok(()),
            removed => removed,
        }
    }

    /// Returns the reason why names in its folder cannot be made durable, if it is known.
    ///
    /// A loss of power may then restore the former names.
    #[must_use]
    pub fn names_at_risk(&self) -> Option<&str> {
        self.storage.names_at_risk()
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Returns whether the complete file may replace a file of the same name.
    #[must_use]
    pub const fn overwrites(&self) -> bool {
        self.overwrite
    }
}

/// Returns whether a file begins with this magic, or was torn before its magic was durable.
///
/// In the second case it holds nothing. `begin` is its beginning, as long as the magic if the file
/// is. Bytes that were never written are zero.
pub(crate) fn begins_as(begin: &[u8], len: u64, magic: &[u8]) -> bool {
    let is_torn = len <= magic.len() as u64
        && begin.iter().zip(magic).all(|(&byte, &expected)| byte == expected || byte == 0);
    begin == magic || is_torn
}

/// Returns the error for a file of another program under a name that this crate would use. It is
/// left alone.
pub(crate) fn not_ours(path: &Path, what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{}: {what}, and is left alone", path.display()))
}

/// Returns whether there is no such name. That includes a name whose folder is not a folder.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
