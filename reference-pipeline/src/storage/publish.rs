//! Gives a complete output its name (§19.7, SV2-RES-003).

use std::io::{self, ErrorKind};
use std::path::Path;

use super::{OutputFile, StoredFile};

impl OutputFile {
    /// Gives a complete file its permissions and its name, and sets `is_published` once it has it.
    ///
    /// A file that `was_complete` keeps its permissions, unless it replaces another one. The two
    /// names are never both missing, in whatever order they become durable (SV2-RES-003).
    pub(crate) fn publish(
        &self,
        file: &mut dyn StoredFile,
        was_complete: bool,
        is_published: &mut bool,
    ) -> io::Result<()> {
        let (partial, target, storage) = (self.partial(), self.target(), self.storage());
        if !file.is_named(&partial)? {
            return Err(another_file(&partial));
        }
        if !was_complete || storage.exists(target) {
            file.permit(target);
        }
        if self.overwrites() {
            return self.rename(file, is_published);
        }
        match storage.link(&partial, target) {
            Ok(()) => {
                *is_published = true;
                self.drop_partial_name(file)
            }
            // The check and the rename are two steps there.
            Err(error) if error.kind() == ErrorKind::Unsupported && !storage.exists(target) => {
                self.rename(file, is_published)
            }
            Err(error) => Err(error),
        }
    }

    fn rename(&self, file: &dyn StoredFile, is_published: &mut bool) -> io::Result<()> {
        self.storage().rename(&self.partial(), self.target())?;
        *is_published = true;
        match self.storage().discards_uploaded() {
            // The files on this machine are still there.
            true => self.drop_partial_name(file),
            false => self.storage().sync_folder(self.target()),
        }
    }
}

/// Returns the error for a partial name that is not the file that was written.
fn another_file(partial: &Path) -> io::Error {
    let what = "is not the file that was written: it was removed or replaced, or the numbers of files change on \
                this file system (some FUSE and CIFS mounts)";
    io::Error::new(ErrorKind::NotFound, format!("{} {what}", partial.display()))
}
