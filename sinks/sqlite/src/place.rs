//! The path of a database.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The file of a database.
#[derive(Clone)]
pub(super) struct Place {
    /// The path as it was given, for messages.
    pub(super) shown: PathBuf,
    /// The absolute path without links. Another name of the file would have other locks next to it.
    ///
    /// SQLite takes a path that begins with `file:` for a URI, and `:memory:` for no file. This
    /// path is neither.
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new(shown: &Path) -> io::Result<Self> {
        let path = Self::resolve(shown)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", shown.display())))?;
        Ok(Self { shown: shown.to_owned(), path })
    }

    fn resolve(path: &Path) -> io::Result<PathBuf> {
        match path.canonicalize() {
            Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => {
                let name = path.file_name().ok_or(error)?;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                Ok(folder.unwrap_or(Path::new(".")).canonicalize()?.join(name))
            }
            found => found,
        }
    }
}

/// Names the database in an error of the file system.
pub(super) fn of(at: &Place, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", at.shown.display()))
}
