//! The permissions of an output's files: only the owner may open them until the output is complete.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::Mode;

use super::disk::folder_of;

//= spec/stream-v2.md#sv2-res-041
//# An owner MUST keep other users from opening an output that is not complete, and the files beside
//# it, if the system can do that.
/// The mode of a file that is not complete.
pub(super) const OWNER_ALONE: u32 = 0o600;
const ALL: u32 = 0o777;

/// Takes away the permissions of others that an older version gave, because plaintext may follow.
pub(super) fn restrict(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    match file.set_permissions(Permissions::from_mode(OWNER_ALONE)) {
        Err(_) if found.uid() != rustix::process::geteuid().as_raw() => {
            let what = "the partial file belongs to another user, and others can read it";
            Err(io::Error::new(ErrorKind::PermissionDenied, what))
        }
        // A file system without permissions.
        _ => Ok(()),
    }
}

/// Gives a complete file the permissions, the owner and the group of the file that it replaces, or
/// the permissions of a new file.
///
/// The file is never more open than the file that it replaces. A permission that cannot be set
/// stays as narrow as it is. Nothing is taken from a planted file, because its owner would read the
/// output.
pub(super) fn permit(file: &File, target: &Path) {
    //= spec/stream-v2.md#sv2-res-042
    //# A complete output MUST NOT be more open than the file that it replaces.
    let replaced = target.symlink_metadata().ok().filter(Metadata::is_file);
    let mode = match replaced {
        Some(replaced) if !is_planted(target) => inherited(file, target, &replaced),
        Some(planted) => planted.mode() & mode_of_new_file(folder_of(target)),
        None => mode_of_new_file(folder_of(target)),
    };
    let _ = file.set_permissions(Permissions::from_mode(mode));
}

/// Copies owner, group and access control list of a file, as far as this process may, and returns
/// the matching mode.
fn inherited(file: &File, target: &Path, replaced: &Metadata) -> u32 {
    let _ = fchown(file, Some(replaced.uid()), None);
    let _ = fchown(file, None, Some(replaced.gid()));
    let same_group = file.metadata().is_ok_and(|now| now.gid() == replaced.gid());
    match take_over_acl(file, target) {
        _ if !same_group => narrowed(replaced.mode() & ALL),
        Acl::Lost => replaced.mode() & 0o707,
        Acl::Same => replaced.mode() & ALL,
    }
}

/// Returns the mode for a file of another group: its members get the permissions of everybody.
const fn narrowed(mode: u32) -> u32 {
    mode & 0o707 | (mode & 0o007) << 3 & mode
}

/// The result of copying the access control list of a replaced file.
enum Acl {
    /// Both files have the same one, or none.
    Same,
    /// It could not be copied. The bits of the group are its mask, and not the permissions of the
    /// group.
    Lost,
}

#[cfg(target_os = "linux")]
fn take_over_acl(file: &File, target: &Path) -> Acl {
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr, lgetxattr};
    const NAME: &str = "system.posix_acl_access";
    let mut acl = Vec::with_capacity(1 << 16);
    match lgetxattr(target, NAME, rustix::buffer::spare_capacity(&mut acl)) {
        Ok(_) => fsetxattr(file, NAME, &acl, XattrFlags::empty()).map_or(Acl::Lost, |()| Acl::Same),
        Err(_) => {
            // The new file may have inherited one from the folder.
            let _ = fremovexattr(file, NAME);
            Acl::Same
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn take_over_acl(_: &File, _: &Path) -> Acl {
    Acl::Same
}

/// Returns the mode that other programs' new files get in this folder.
fn mode_of_new_file(folder: &Path) -> u32 {
    probed(folder).unwrap_or_else(|| 0o666 & !umask())
}

/// Asks the file system: a default access control list of the folder replaces the umask.
#[cfg(target_os = "linux")]
fn probed(folder: &Path) -> Option<u32> {
    use rustix::fs::OFlags;
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let probe = rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)).ok()?;
    Some(File::from(probe).metadata().ok()?.mode() & ALL)
}

#[cfg(not(target_os = "linux"))]
fn probed(_: &Path) -> Option<u32> {
    None
}

/// Returns the umask of the process.
///
/// Reading it requires setting it. If the system does not show it, it is for a moment one that
/// denies everything.
#[cfg_attr(target_os = "linux", expect(clippy::useless_conversion, reason = "other systems have fewer bits"))]
fn umask() -> u32 {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    shown_umask().unwrap_or_else(|| {
        let _one = ONE_AT_A_TIME.lock();
        let umask = rustix::process::umask(Mode::from_raw_mode(0o777));
        rustix::process::umask(umask);
        u32::from(umask.as_raw_mode())
    })
}

#[cfg(target_os = "linux")]
fn shown_umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(umask.trim(), 8).ok()
}

#[cfg(not(target_os = "linux"))]
fn shown_umask() -> Option<u32> {
    None
}

/// Returns whether another user may have planted a file there for this process to find.
///
/// That is so for a file of another user in a folder such as `/tmp`, in which everybody may create
/// files but only their owners remove them. In a folder without that bit everybody may replace
/// everything, and a file server may give all files to one user.
pub(super) fn is_planted(path: &Path) -> bool {
    let (Ok(found), Ok(folder)) = (path.symlink_metadata(), fs::metadata(folder_of(path))) else {
        return false;
    };
    let me = rustix::process::geteuid().as_raw();
    planted(found.uid(), (folder.mode(), folder.uid()), me)
}

/// Excludes root and the owner of the folder, which could do worse.
const fn planted(owner: u32, (folder_mode, folder_owner): (u32, u32), me: u32) -> bool {
    const STICKY: u32 = 0o1000;
    folder_mode & 0o002 != 0
        && folder_mode & STICKY != 0
        && owner != me
        && owner != 0
        && owner != folder_owner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_others_in_open_folders_are_planted() {
        let (me, other, root) = (1000, 1001, 0);
        let (tmp, mine, closed) = ((0o1777, root), (0o1777, me), (0o1775, me));
        assert!(planted(other, tmp, me) && planted(other, mine, me) && planted(other, tmp, root));
        // A share whose server gives all files to one user.
        assert!(!planted(other, (0o777, root), me));
        assert!(!planted(me, tmp, me) && !planted(root, tmp, me) && !planted(root, tmp, root));
        assert!(!planted(other, closed, me) && !planted(other, (0o1777, other), me));
    }

    #[test]
    fn another_group_gets_what_everybody_has() {
        let modes = [0o640, 0o644, 0o664, 0o604, 0o600, 0o666, 0o660].map(narrowed);
        assert_eq!(modes, [0o600, 0o644, 0o644, 0o604, 0o600, 0o666, 0o600]);
    }

    #[test]
    fn the_umask_is_read_and_left_as_it_is() {
        let shown = shown_umask();
        let umask = umask();
        assert!(shown.is_none_or(|shown| shown == umask) && shown_umask() == shown);
    }

    /// Returns the mode of a file that was created for its owner alone and then completed as
    /// `target`.
    fn completed(target: &Path) -> u32 {
        let file = tempfile::NamedTempFile::new_in(folder_of(target)).unwrap();
        permit(file.as_file(), target);
        file.as_file().metadata().unwrap().mode() & ALL
    }

    #[test]
    fn complete_file_inherits_replaced_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let new = File::create(folder.path().join("new")).unwrap();
        assert_eq!(completed(&target), new.metadata().unwrap().mode() & ALL);
        fs::write(&target, "old").unwrap();
        for mode in [0o600, 0o640, 0o644, 0o444, 0o666, 0o755] {
            fs::set_permissions(&target, Permissions::from_mode(mode)).unwrap();
            assert_eq!(completed(&target), mode);
        }
        fs::set_permissions(&target, Permissions::from_mode(0o4755)).unwrap();
        assert_eq!(completed(&target), 0o755);
    }
}
