//! Outputs in S3, and where on this machine stands what is not uploaded yet.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use stream_v2_pipeline::s3::{Bucket, Config, Multipart, Upload};
use stream_v2_pipeline::{OutputFile, Shutdown};

use crate::progress::Progress;
use crate::report::Failure;

/// What an upload has to know of the run.
pub(crate) struct Uploading<'a> {
    /// Bytes of the output, as far as they are known.
    pub(crate) expected: Option<u64>,
    /// Parts that are sent at once, where that was asked for.
    pub(crate) jobs: Option<u16>,
    pub(crate) shutdown: &'a Shutdown,
    /// Shows what S3 has.
    pub(crate) progress: Option<&'a mut Progress>,
}

/// An object as an output. S3 is asked for it, so that what is wrong with names and credentials is told before anything is read.
pub(crate) fn output(bucket: &str, key: &str, uploading: Uploading<'_>) -> Result<OutputFile, Failure> {
    let bucket =
        Config::from_env().and_then(|config| Bucket::new(bucket, &config)).map_err(|error| failed(&error))?;
    let upload = Upload::new(bucket.clone(), key, &folder()?).map_err(|error| failed(&error))?;
    bucket.find(key).map_err(|error| failed(&error))?;
    let Uploading { expected, jobs, shutdown, progress } = uploading;
    let lanes = jobs.map_or(LANES, usize::from);
    let mut upload = upload.expecting(expected).with_lanes(lanes).with_shutdown(shutdown);
    if let Some(uploaded) = progress.map(Progress::count_uploaded) {
        upload = upload.telling(move |len| uploaded.reaches(len));
    }
    Ok(upload.output())
}

/// Names and settings that cannot be right are told as usage.
pub(crate) fn failed(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::InvalidInput => Failure::usage(error),
        _ => Failure::io(error),
    }
}

/// Parts that are sent at once by default: they wait for the network, and not for a processor.
const LANES: usize = 4;

/// The folder of what is not uploaded yet.
fn folder() -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(chosen) = variable("SV2_STATE_DIR") {
        return Ok(chosen);
    }
    let folder = variable("XDG_STATE_HOME")
        .map(|folder| folder.join("sv2"))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/sv2")))
        .ok_or_else(|| {
            Failure::usage("there is no folder for what is not uploaded yet")
                .hint("name one in SV2_STATE_DIR, XDG_STATE_HOME or HOME")
        })?;
    tighten(&folder);
    Ok(folder)
}

/// Keeps others out of a folder that is for `sv2` alone. One that cannot be tightened is refused later.
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
