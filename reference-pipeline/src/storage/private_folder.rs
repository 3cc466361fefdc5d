//! A folder that only its owner may open, and that backup programs pass by (§19.9).

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Disk, Storage};

/// The name and the beginning of the file that marks a folder for backup programs.
const TAG: &str = "CACHEDIR.TAG";
const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55";
const EXPLAINED: &str = "\n# This folder holds content keys of unfinished streams (sv2 resume-keys).\n\
                         # Backup programs should leave it out.\n";

/// Creates a folder, and those above it, or checks an existing one. Its name is then durable.
pub(super) fn create(disk: &Disk, folder: &Path) -> io::Result<()> {
    let missing: Vec<PathBuf> = folder
        .ancestors()
        .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
        .map(Into::into)
        .collect();
    for folder in missing.iter().rev() {
        match make(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(|error| of(folder, error))?,
        }
        disk.sync_folder(folder)?;
    }
    check(folder)?;
    // A run that was killed may have created it.
    disk.sync_folder(folder)?;
    mark(&folder.join(TAG))
}

/// Checks that a folder belongs to this user, and that no other one may open it.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    let found = folder.symlink_metadata()?;
    if !found.is_dir() {
        return Err(of(folder, io::Error::new(ErrorKind::InvalidData, "is not a folder")));
    }
    check_owner(&found).map_err(|error| of(folder, error))
}

/// Checks that a file or folder belongs to this user, and that no other one may open it.
#[cfg(unix)]
pub(super) fn check_owner(found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let what = match found.mode() & 0o077 {
        _ if found.uid() != rustix::process::geteuid().as_raw() => "it belongs to another user",
        0 => return Ok(()),
        _ => "other users can open it, and it is for content keys",
    };
    Err(io::Error::new(ErrorKind::PermissionDenied, what))
}

#[cfg(not(unix))]
pub(super) fn check_owner(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes the mark, unless it is there. It may have been torn when it was written.
fn mark(path: &Path) -> io::Result<()> {
    let begins = |file: fs::File| {
        let mut begin = String::new();
        let read = file.take(SIGNATURE.len() as u64).read_to_string(&mut begin);
        read.is_ok() && begin == SIGNATURE
    };
    if path.symlink_metadata().is_ok_and(|found| found.is_file()) && fs::File::open(path).is_ok_and(begins) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(of(path, error)),
        _ => {}
    }
    fs::write(path, [SIGNATURE, EXPLAINED].concat()).map_err(|error| of(path, error))
}

fn of(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    //= spec/stream-v2.md#sv2-res-019
    //= type=test
    //# A resume key MUST be readable by its owner alone, apart from the output.
    #[test]
    fn folder_is_created_and_refused() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("a/b/resume-keys");
        assert_eq!(check(&folder).unwrap_err().kind(), ErrorKind::NotFound);
        for _ in 0..2 {
            create(&Disk::default(), &folder).unwrap();
        }
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(fs::read_to_string(folder.join(TAG)).unwrap().starts_with(SIGNATURE));
        for mode in [0o710, 0o701, 0o755] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            assert_eq!(check(&folder).unwrap_err().kind(), ErrorKind::PermissionDenied);
            assert_eq!(create(&Disk::default(), &folder).unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        let link = state.path().join("link");
        symlink(&folder, &link).unwrap();
        assert_eq!(create(&Disk::default(), &link).unwrap_err().kind(), ErrorKind::InvalidData);
        // A mark that was torn.
        fs::write(folder.join(TAG), "Sig").unwrap();
        create(&Disk::default(), &folder).unwrap();
        assert!(fs::read_to_string(folder.join(TAG)).unwrap().contains("Backup programs"));
    }
}
