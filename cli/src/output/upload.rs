//! Outputs in S3, and the folder on this machine for data not yet uploaded.

use std::io::{self, ErrorKind};

use stream_v2::pipeline::{OutputFile, Shutdown};
use stream_v2::s3::{Bucket, Config, Multipart, Upload, UploadNotice, is_hidden};

use crate::failure::{Failure, note};
use crate::progress::bar::Progress;
use crate::state;

/// The settings of a run that an upload depends on.
pub(crate) struct UploadSettings<'a> {
    /// Bytes of the output, as far as known.
    pub(crate) expected: Option<u64>,
    /// The number of parts to send at once, if requested.
    pub(crate) jobs: Option<u16>,
    pub(crate) shutdown: &'a Shutdown,
    /// Shows how much S3 has.
    pub(crate) progress: Option<&'a mut Progress>,
}

/// Returns an object as an output.
///
/// It asks S3 for the object, so that wrong names and credentials are reported before anything is
/// read.
pub(crate) fn output(
    bucket: &str,
    key: &str,
    force: bool,
    settings: UploadSettings<'_>,
) -> Result<OutputFile, Failure> {
    let bucket =
        Config::from_env().and_then(|config| Bucket::new(bucket, &config)).map_err(|error| failed(&error))?;
    let upload = Upload::new(bucket.clone(), key, &state::of_uploads()?).map_err(|error| failed(&error))?;
    look(&bucket, key, force)?;
    let UploadSettings { expected, jobs, shutdown, progress } = settings;
    let lanes = jobs.map_or(LANES, usize::from);
    let mut upload = upload.expecting(expected).with_lanes(lanes).with_shutdown(shutdown);
    if let Some(uploaded) = progress.map(Progress::count_uploaded) {
        upload = upload.telling(move |len| uploaded.reaches(len));
    }
    let name = Multipart::name_of(&bucket, key);
    Ok(upload.noticing(move |notice| warn(&name, &notice)).output())
}

/// Asks S3 for the object. Credentials that may not ask may still be allowed to create it.
fn look(bucket: &Bucket, key: &str, force: bool) -> Result<(), Failure> {
    let hidden = match bucket.find(key) {
        Err(error) if is_hidden(&error) => error,
        found => return found.map(drop).map_err(|error| failed(&error)),
    };
    match bucket.tries_condition(key) {
        Err(error) if error.kind() == ErrorKind::Unsupported && force => {}
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            return Err(Failure::io(hidden).hint(error).hint("--force writes it whether or not it exists"));
        }
        tried => tried.map_err(|error| failed(&error))?,
    }
    if !force {
        note(format_args!("warning: {hidden}; it is written only if it does not exist"));
    }
    Ok(())
}

/// Warns the owner of an upload.
fn warn(name: &str, notice: &UploadNotice) {
    match notice {
        UploadNotice::NotAtomic => note(format_args!(
            "warning: {name}: this S3 does not create objects on a condition (If-None-Match): sv2 looked just before that the name was free, \
             and cannot notice another writer at the same moment"
        )),
        UploadNotice::NotAborted(why) => note(format_args!(
            "warning: {name}: the upload that was given up stays at S3, and its parts are billed: {why}; sv2 uploads --abort removes it with credentials \
             that may abort uploads, and so does a lifecycle rule of the bucket"
        )),
        _ => {}
    }
}

/// Returns the failure of a call to S3. Wrong names and settings are failures of usage.
pub(crate) fn failed(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::InvalidInput => Failure::usage(error),
        _ => Failure::io(error),
    }
}

/// The default number of parts to send at once. They wait for the network, not for a processor.
const LANES: usize = 4;
