//! The folder of this user for what outlives a run: data not yet uploaded, and resume keys.

use std::path::{Path, PathBuf};

use stream_v2::pipeline::ResumeKeys;

use crate::failure::Failure;

/// The variables that name the folder, for hints.
pub(crate) const VARIABLES: &str = "name one in SV2_STATE_DIR, XDG_STATE_HOME or HOME";

/// Returns the folder, if the environment names one.
pub(crate) fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_programs = || {
        variable("XDG_STATE_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
            .map(|folder| folder.join("sv2"))
    };
    variable("SV2_STATE_DIR").or_else(of_programs)
}

/// Returns the folder for data not yet uploaded. Others must not enter it.
pub(crate) fn of_uploads() -> Result<PathBuf, Failure> {
    let folder = folder()
        .ok_or_else(|| Failure::usage("there is no folder for data not yet uploaded").hint(VARIABLES))?;
    if std::env::var_os("SV2_STATE_DIR").is_none_or(|chosen| chosen.is_empty()) {
        tighten(&folder);
    }
    Ok(folder)
}

/// Returns the resume keys of this user, if the environment names a folder.
pub(crate) fn resume_keys() -> Option<ResumeKeys> {
    folder().map(ResumeKeys::new)
}

/// Restricts a folder to its owner. If that fails, the folder is rejected later.
fn tighten(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}
