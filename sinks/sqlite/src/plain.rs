//! Files next to the database.
//!
//! Their names can be guessed, so anything may be there: a link, a named pipe, a file of another
//! program.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens an existing regular file. It does not follow a link, and does not wait for a named pipe.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let regular = |is_file: bool| if is_file { Ok(()) } else { Err(not_regular()) };
    regular(path.symlink_metadata()?.is_file())?;
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // Another file may be there by now.
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    regular(file.metadata()?.is_file())?;
    Ok(file)
}

/// Creates a file, unless the name is taken.
pub(super) fn create(path: &Path, permissions: Permissions) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(permissions.mode());
    }
    let file = options.open(path)?;
    // Others who can write the database can use the file as well, whatever the mask of this
    // process.
    file.set_permissions(permissions)?;
    Ok(file)
}

/// Returns whether a path is a name of this very file.
#[cfg(unix)]
pub(super) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    Ok(path.symlink_metadata().is_ok_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())))
}

#[cfg(not(unix))]
pub(super) fn is_named(_: &File, path: &Path) -> io::Result<bool> {
    Ok(path.symlink_metadata().is_ok())
}

pub(super) fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "is not a regular file; move it away")
}
