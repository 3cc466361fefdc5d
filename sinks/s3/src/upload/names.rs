//! The files on this machine with data not yet uploaded: in one folder, under names made of the
//! object's name.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::encoding::hex;

/// The endings of a journal, of one that is being written, and of the file next to it.
const JOURNALS: [&str; 3] = [".journal", ".journal.new", ".checks"];

/// The role of a name of an output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The object itself.
    Object,
    /// The file that becomes the object.
    Partial,
    /// A journal, one that is being written, or the file next to it.
    Journal,
}

/// The names of one output.
pub(super) struct Names {
    target: PathBuf,
    stem: PathBuf,
}

impl Names {
    /// Returns names for the object `target`, at that S3.
    pub(super) fn new(folder: &Path, place: &str, target: &str) -> Self {
        // Keys may be longer than file names, and may hold characters that those do not.
        let digest = Sha256::digest(format!("{place}\n{target}"));
        Self { target: target.into(), stem: folder.join(&hex(&digest)[..32]) }
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns the path to which the endings of files are added.
    pub(super) fn stem(&self) -> &Path {
        &self.stem
    }

    /// Returns the folder of the files.
    pub(super) fn folder(&self) -> &Path {
        self.stem.parent().unwrap_or(Path::new(""))
    }

    pub(super) fn partial(&self) -> PathBuf {
        self.stem.with_extension("partial")
    }

    pub(super) fn record(&self) -> PathBuf {
        self.stem.with_extension("upload")
    }

    /// Returns all files, the record last.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        let journals = JOURNALS.iter().map(|suffix| self.stem.with_extension(&suffix[1..]));
        [self.partial()].into_iter().chain(journals).chain([self.record()]).collect()
    }

    pub(super) fn role(&self, path: &Path) -> io::Result<Role> {
        if path == self.target {
            return Ok(Role::Object);
        }
        match self.suffix(path) {
            Some(".partial") => Ok(Role::Partial),
            Some(suffix) if JOURNALS.contains(&suffix) => Ok(Role::Journal),
            _ => Err(io::Error::new(
                ErrorKind::InvalidInput,
                format!("{}: is no name of this output", path.display()),
            )),
        }
    }

    /// Returns the file for a name of the output other than the object.
    pub(super) fn local(&self, path: &Path) -> PathBuf {
        let mut name = self.stem.as_os_str().to_owned();
        name.push(self.suffix(path).unwrap_or_default());
        name.into()
    }

    fn suffix<'p>(&self, path: &'p Path) -> Option<&'p str> {
        path.to_str()?.strip_prefix(self.target.to_str()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_folder_differ_by_object() {
        let names = Names::new(Path::new("/state"), "https://s3", "s3://bucket/a/b");
        let other = Names::new(Path::new("/state"), "https://elsewhere", "s3://bucket/a/b");
        assert_ne!(names.partial(), other.partial());
        let local = |name: &str| names.local(Path::new(name));
        assert_eq!(local("s3://bucket/a/b.partial"), names.partial());
        assert!(local("s3://bucket/a/b.journal.new").starts_with("/state"));
        assert!(names.role(names.target()).is_ok_and(|role| role == Role::Object));
        assert!(names.role(Path::new("s3://bucket/a/b.journal")).is_ok_and(|role| role == Role::Journal));
        assert!(names.role(Path::new("s3://bucket/a/c")).is_err());
    }
}
