//! The folder of resume keys: `STATE/resume-keys/NAME`, a file for each unfinished stream that its
//! writer cannot open (§19.9).
//!
//! # Assumptions
//!
//! Those of the file sink. Nothing is assumed about the order in which this folder and that of the
//! output become durable.
//!
//! # Crash table
//!
//! | killed | on disk | what is found |
//! |---|---|---|
//! | before the file has its name | nothing, or a part of a line in `NAME.new` | nothing |
//! | before its name is durable | the file, or nothing | the same |
//! | before its removal is durable | the file, or nothing | the same |
//!
//! A sync of the folder may have failed in an earlier run. So a run that finds no journal writes
//! its key again, and one that finds no key removes its name again.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use stream_v2_format::crypto::ResumeKey;
use zeroize::Zeroizing;

use super::output_file::is_absent;
use super::{Disk, Storage};

/// The folder in STATE.
const FOLDER: &str = "resume-keys";
/// The longest file that is read. An output has a shorter name.
const LEN_MAX: usize = 1 << 17;
/// Digits of the name of a file.
const NAME_DIGITS: usize = 32;
/// The ending of a file that is being written.
const NEW: &str = ".new";

/// The folder in which writers keep the content keys of streams that they cannot open (§19.9).
///
/// A writer that wraps the content key for others alone cannot open its own envelope after a crash.
/// It keeps the content key here until the stream is complete. Cloning shares the storage.
#[derive(Clone)]
pub struct ResumeKeys {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    keeps: bool,
}

impl fmt::Debug for ResumeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeKeys").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl ResumeKeys {
    /// Returns the resume keys in the folder `resume-keys` of `state` on the disk.
    ///
    /// The folder is created for its owner alone when the first key is kept.
    #[must_use]
    pub fn new(state: impl AsRef<Path>) -> Self {
        Self::stored(Arc::new(Disk::default()), state)
    }

    /// Returns the resume keys in the folder `resume-keys` of `state` in a storage.
    #[must_use]
    pub fn stored(storage: Arc<dyn Storage>, state: impl AsRef<Path>) -> Self {
        Self { storage, folder: state.as_ref().join(FOLDER), keeps: true }
    }

    /// Sets whether new streams keep a key. Existing keys are used and removed in any case.
    #[must_use]
    pub fn keeping(self, keeps: bool) -> Self {
        Self { keeps, ..self }
    }

    pub(crate) const fn keeps(&self) -> bool {
        self.keeps
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a key, and makes it durable. It replaces the same key of an earlier run.
    pub(crate) fn keep(&self, key: &ResumeKey) -> io::Result<()> {
        //= spec/stream-v2.md#sv2-res-019
        //# A resume key MUST be readable by its owner alone, apart from the output.
        self.storage.create_private_folder(&self.folder)?;
        let path = self.path(key.stream_salt());
        let new = new_path(&path);
        self.remove_name(&new)?;
        let mut file = self.storage.create(&new)?;
        file.write_all(&key.to_text())?;
        file.sync()?;
        self.storage.rename(&new, &path)?;
        self.storage.sync_folder(&path)
    }

    /// Returns the key of a stream, if there is a whole one.
    ///
    /// # Errors
    ///
    /// - `PermissionDenied` if others can read it.
    /// - `InvalidData` for a link.
    /// - any other error of the file system.
    pub(crate) fn find(&self, stream_salt: &[u8; 32]) -> io::Result<Option<ResumeKey>> {
        match self.read(&self.path(stream_salt)) {
            Err(error) if is_absent(&error) => Ok(None),
            found => Ok(found?.filter(|key| key.stream_salt() == stream_salt)),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Option<ResumeKey>> {
        self.storage.check_private_folder(&self.folder)?;
        let mut file = self.storage.open(path)?;
        file.check_private()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        // Allocated once and never moved, so that no copy of the key remains.
        let mut text = Zeroizing::new(Vec::with_capacity(LEN_MAX + 1));
        (&mut file).take(LEN_MAX as u64).read_to_end(&mut text)?;
        Ok(ResumeKey::parse(&text))
    }

    /// Removes the key of a stream durably, if there is one.
    ///
    /// `again` is for a key that an earlier run may have removed. Its durability point may have
    /// failed, so the name is given and removed once more.
    pub(crate) fn remove(&self, stream_salt: &[u8; 32], again: bool) -> io::Result<()> {
        let path = self.path(stream_salt);
        let was_there = self.remove_names(&path)?;
        if !was_there && again {
            match self.storage.create(&path) {
                // There is no folder, so there was no key.
                Err(error) if is_absent(&error) => return Ok(()),
                created => drop(created?),
            }
            self.remove_name(&path)?;
        }
        if was_there || again { self.storage.sync_folder(&path) } else { Ok(()) }
    }

    /// Removes the name of a key, and that of one that is being written.
    fn remove_names(&self, path: &Path) -> io::Result<bool> {
        let new = self.remove_name(&new_path(path))?;
        Ok(self.remove_name(path)? || new)
    }

    /// Removes a name, and returns whether it was there.
    fn remove_name(&self, path: &Path) -> io::Result<bool> {
        match self.storage.remove(path) {
            Err(error) if is_absent(&error) => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    fn path(&self, stream_salt: &[u8; 32]) -> PathBuf {
        self.folder.join(ResumeKey::file_name(stream_salt))
    }

    /// Returns the keys in the folder on the disk, the oldest first.
    ///
    /// # Errors
    ///
    /// - `PermissionDenied` if others can open the folder, or one of the files.
    /// - any other error of the file system.
    pub fn entries(&self) -> io::Result<Vec<KeptKey>> {
        let checked = self.storage.check_private_folder(&self.folder);
        let listed = match checked.and_then(|()| fs::read_dir(&self.folder)) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            listed => listed?,
        };
        let names = listed.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        // One that was being written has an ending.
        let names: BTreeSet<&str> =
            names.iter().map(|name| name.trim_end_matches(NEW)).filter(|name| is_name(name)).collect();
        let mut entries = names
            .into_iter()
            .map(|name| self.entry(self.folder.join(name)))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|one, other| (one.written, &one.path).cmp(&(other.written, &other.path)));
        Ok(entries)
    }

    fn entry(&self, path: PathBuf) -> io::Result<KeptKey> {
        let found = if self.storage.exists(&path) { path.clone() } else { new_path(&path) };
        let written = found.symlink_metadata().and_then(|found| found.modified()).ok();
        let output = match self.read(&found) {
            // It was removed meanwhile, by its owner.
            Err(error) if is_absent(&error) => None,
            key => key?.map(|key| key.output().to_vec()),
        };
        Ok(KeptKey { path, output, written })
    }

    /// Removes a key durably. A stream that needs it can be resumed only with something that opens
    /// its envelope.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    pub fn delete(&self, entry: &KeptKey) -> io::Result<()> {
        self.remove_names(&entry.path)?;
        self.storage.sync_folder(&entry.path)
    }
}

/// A resume key in its folder.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptKey {
    /// The file.
    pub path: PathBuf,
    /// The absolute path or the address of the output; `None` if the file is damaged.
    pub output: Option<Vec<u8>>,
    /// The time at which the stream was begun, if the file system knows it.
    pub written: Option<SystemTime>,
}

impl fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptKey").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Returns the name of a key that is being written.
fn new_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NEW);
    name.into()
}

/// Returns whether a file is a resume key by its name.
fn is_name(name: &str) -> bool {
    name.len() == NAME_DIGITS && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use stream_v2_format::crypto::{ContentKey, StreamSealer};
    use stream_v2_format::wire::StreamParams;

    use super::*;
    use std::io::ErrorKind;

    fn key(salt: u8) -> ResumeKey {
        let content_key = ContentKey::new([9; 32]);
        let stream = StreamSealer::new(StreamParams::new([salt; 32]), &content_key, b"").unwrap();
        ResumeKey::new(stream.header(), b"", &content_key, ["age1a"], b"/srv/out.sv2")
    }

    fn keys() -> (tempfile::TempDir, ResumeKeys) {
        let state = tempfile::tempdir().unwrap();
        let keys = ResumeKeys::new(state.path());
        (state, keys)
    }

    //= spec/stream-v2.md#sv2-res-019
    //= type=test
    //# A resume key MUST be readable by its owner alone, apart from the output.
    #[test]
    fn keys_are_for_their_owner_alone() {
        let (_state, keys) = keys();
        keys.remove(&[1; 32], true).unwrap();
        assert!(keys.find(&[1; 32]).unwrap().is_none() && !keys.folder().exists());
        keys.keep(&key(1)).unwrap();
        let path = keys.path(&[1; 32]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.file_name().unwrap().to_str(), Some(&*"01".repeat(16)));
        assert_eq!(keys.find(&[1; 32]).unwrap().unwrap().output(), b"/srv/out.sv2");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(keys.find(&[1; 32]).unwrap_err().kind(), ErrorKind::PermissionDenied);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(keys.folder(), Permissions::from_mode(0o750)).unwrap();
        assert_eq!(keys.find(&[1; 32]).unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(keys.keep(&key(2)).unwrap_err().kind(), ErrorKind::PermissionDenied);
        fs::set_permissions(keys.folder(), Permissions::from_mode(0o700)).unwrap();
        keys.remove(&[1; 32], true).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn links_and_other_lines_are_not_used() {
        let (state, keys) = keys();
        keys.keep(&key(1)).unwrap();
        // The key of another stream under this name.
        fs::rename(keys.path(&[1; 32]), keys.path(&[2; 32])).unwrap();
        assert!(keys.find(&[2; 32]).unwrap().is_none());
        fs::rename(keys.path(&[2; 32]), state.path().join("elsewhere")).unwrap();
        symlink(state.path().join("elsewhere"), keys.path(&[1; 32])).unwrap();
        assert_eq!(keys.find(&[1; 32]).unwrap_err().kind(), ErrorKind::InvalidData);
        keys.remove(&[1; 32], true).unwrap();
        assert!(state.path().join("elsewhere").exists());
        fs::write(keys.path(&[1; 32]), "sv2-resume-key-1").unwrap();
        fs::set_permissions(keys.path(&[1; 32]), Permissions::from_mode(0o600)).unwrap();
        assert!(keys.find(&[1; 32]).unwrap().is_none());
    }

    #[test]
    fn keys_are_listed_and_deleted() {
        let (_state, keys) = keys();
        assert_eq!(keys.entries().unwrap(), []);
        keys.keep(&key(1)).unwrap();
        keys.keep(&key(2)).unwrap();
        // A run was killed while it wrote one, and another one was damaged.
        fs::rename(keys.path(&[1; 32]), new_path(&keys.path(&[1; 32]))).unwrap();
        fs::write(keys.path(&[2; 32]), "damaged").unwrap();
        fs::write(keys.folder().join("of-others"), "").unwrap();
        let entries = keys.entries().unwrap();
        let output = |number: u8| {
            let entry = entries.iter().find(|entry| entry.path == keys.path(&[number; 32])).unwrap();
            entry.output.clone()
        };
        assert_eq!((entries.len(), output(1), output(2)), (2, Some(b"/srv/out.sv2".to_vec()), None));
        entries.iter().for_each(|entry| keys.delete(entry).unwrap());
        assert_eq!(keys.entries().unwrap(), []);
        assert!(keys.folder().join("of-others").exists());
    }
}
