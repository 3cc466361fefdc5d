//! The names of an output in a file: `NAME.partial` until it is complete, `NAME.journal` beside it, then `NAME`.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stream_v2_format::wire::JOURNAL_MAGIC;

use crate::{Disk, Storage, StoredFile};

/// Where a complete file is to stand, and whether it may replace another one. Cloning shares the storage.
#[derive(Clone)]
pub struct OutputFile {
    storage: Arc<dyn Storage>,
    target: PathBuf,
    overwrite: bool,
}

impl OutputFile {
    /// An output of this name on the disk. It replaces nothing.
    #[must_use]
    pub fn new(target: impl Into<PathBuf>) -> Self {
        Self::stored(Arc::new(Disk), target)
    }

    /// An output of this name in a storage. It replaces nothing.
    #[must_use]
    pub fn stored(storage: Arc<dyn Storage>, target: impl Into<PathBuf>) -> Self {
        Self { storage, target: target.into(), overwrite: false }
    }

    /// Whether the complete file may replace what stands under its name.
    #[must_use]
    pub fn overwriting(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// The name of the complete file.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The name until it is complete: `NAME.partial`.
    #[must_use]
    pub fn partial(&self) -> PathBuf {
        with_suffix(&self.target, ".partial")
    }

    /// The name of its journal: `NAME.journal`.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        with_suffix(&self.target, ".journal")
    }

    /// Whether something stands under the name of the complete file.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.storage.exists(&self.target)
    }

    /// The same where it can be that nobody knows: [`is_taken`](Self::is_taken) takes that for something.
    ///
    /// # Errors
    /// Why it cannot be found out.
    pub fn try_is_taken(&self) -> io::Result<bool> {
        self.storage.try_exists(&self.target)
    }

    /// Whether something stands under the name of the partial file.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        self.storage.exists(&self.partial())
    }

    /// Whether something stands under the name of the journal.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.storage.exists(&self.journal())
    }

    /// Whether a writer of this crate, of this process or another one, is at work on the partial file.
    #[must_use]
    pub fn is_being_written(&self) -> bool {
        self.storage
            .open(&self.partial())
            .and_then(|mut file| file.lock())
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Removes what an earlier run has left: partial file and journal. It is for what holds no committed segment, and for callers who give that up
    /// (SV2-RES-013). A link that stands there is removed, and not what it leads to.
    ///
    /// # Errors
    /// `WouldBlock` where another process is writing it; `InvalidData` for a file under the name of the journal that is none; whatever the file
    /// system reports.
    pub fn discard(&self) -> io::Result<()> {
        if self.is_being_written() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.refuse_foreign(&self.journal())?;
        if self.storage.exists(&self.partial()) {
            self.remove(&self.partial())?;
            // A partial file without its journal would be one that nobody vouches for.
            self.storage.sync_folder(&self.target)?;
        }
        self.remove_journal()
    }

    /// Refuses a file under the name of a journal that is none: others use that name too (SV2-RES-014).
    pub(crate) fn refuse_foreign(&self, path: &Path) -> io::Result<()> {
        let mut begin = Vec::new();
        match self.storage.open(path) {
            Err(error) if is_absent(&error) => return Ok(()),
            file => file?.take(JOURNAL_MAGIC.len() as u64).read_to_end(&mut begin)?,
        };
        //= spec/stream-v2.md#sv2-res-014
        //# nor a file under the name of its journal that does not begin with the magic of one.
        if begins_like(&begin, &JOURNAL_MAGIC) { Ok(()) } else { Err(not_ours(path)) }
    }

    /// Removes a journal, if there is one.
    pub(crate) fn remove_own(&self, path: &Path) -> io::Result<()> {
        self.refuse_foreign(path).and_then(|()| self.remove(path))
    }

    /// Takes the partial name away from a file that has its own name too, once that is durable.
    pub(crate) fn drop_partial_name(&self) -> io::Result<()> {
        self.storage.sync_folder(&self.target)?;
        self.remove(&self.partial())?;
        self.storage.sync_folder(&self.target)
    }

    /// Where a journal is written before it replaces another one: `NAME.journal.new`.
    pub(crate) fn new_journal(&self) -> PathBuf {
        with_suffix(&self.target, ".journal.new")
    }

    /// What stands beside the journal of an output that cannot be read back: `NAME.checks`.
    pub(crate) fn checks(&self) -> PathBuf {
        with_suffix(&self.target, ".checks")
    }

    /// Removes the journal, and what a crash has left of a new one.
    pub(crate) fn remove_journal(&self) -> io::Result<()> {
        if self.storage.gives_up() && self.storage.exists(&self.checks()) {
            self.remove(&self.checks())?;
            // Nobody looks for it where there is no journal.
            self.storage.sync_folder(&self.target)?;
        }
        self.remove_own(&self.journal())?;
        self.remove_own(&self.new_journal())
    }

    /// Opens what an earlier run has left under the partial name, and keeps other writers out before anything of it is read (SV2-RES-004);
    /// `None` where there is nothing.
    ///
    /// # Errors
    /// `WouldBlock` where another process is writing it; `InvalidInput` for a link or a device; whatever the file system reports.
    pub(crate) fn lock_partial(&self) -> io::Result<Option<Box<dyn StoredFile>>> {
        let mut file = match self.storage.open(&self.partial()) {
            Err(error) if is_absent(&error) => return Ok(None),
            file => file?,
        };
        //= spec/stream-v2.md#sv2-res-004
        //# An owner MUST keep a second one from the same output before it reads anything there, or say that
        //# it cannot.
        file.lock()?;
        // Between opening and locking, another process may have completed it.
        if file.is_named(&self.partial())? { Ok(Some(file)) } else { Err(ErrorKind::WouldBlock.into()) }
    }

    /// Removes a name that may not be there.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        match self.storage.remove(path) {
            Err(error) if is_absent(&error) => Ok(()),
            removed => removed,
        }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Whether the complete file may replace what stands under its name.
    #[must_use]
    pub const fn overwrites(&self) -> bool {
        self.overwrite
    }
}

/// Whether a file begins as one with this magic does that was torn while it was written: bytes that were never written are zero.
pub(crate) fn begins_like(bytes: &[u8], magic: &[u8]) -> bool {
    bytes.iter().zip(magic).all(|(&byte, &expected)| byte == expected || byte == 0)
}

/// A file that stands where one of ours would, and is left alone.
pub(crate) fn not_ours(path: &Path) -> io::Error {
    let why = format!("{}: is no journal of a stream, and is left alone", path.display());
    io::Error::new(ErrorKind::InvalidData, why)
}

/// Whether there is no such name: nor can there be one, where its folder is none.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
