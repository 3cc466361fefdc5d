//! Outputs in S3, and the folder on this machine for data not yet uploaded.

use std::io::ErrorKind;

use stream_v2::pipeline::{OutputFile, Shutdown};
use stream_v2::s3::{Bucket, Config, Multipart, Unfinished, Upload, UploadNotice, is_hidden};

use crate::failure::{Failure, hint, note};
use crate::progress::bar::Progress;
use crate::state;
use crate::text::size::count;

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
    let bucket = Config::from_env()
        .and_then(|config| Bucket::new(bucket, &config))
        .map_err(|error| Failure::s3(&error))?;
    let upload =
        Upload::new(bucket.clone(), key, &state::of_uploads()?).map_err(|error| Failure::s3(&error))?;
    look(&bucket, key, force)?;
    let UploadSettings { expected, jobs, shutdown, progress } = settings;
    let lanes = jobs.map_or(LANES, usize::from);
    let mut upload = upload.expecting(expected).with_lanes(lanes).with_shutdown(shutdown);
    if let Some(uploaded) = progress.map(Progress::count_uploaded) {
        upload = upload.telling(move |len| uploaded.reaches(len));
    }
    let name = Multipart::name_of(&bucket, key);
    let warned = name.clone();
    let output = upload.noticing(move |notice| warn(&warned, &notice)).output();
    if !output.has_partial() {
        warn_of_others(&bucket, key, &name);
    }
    Ok(output)
}

/// Warns of uploads that were begun elsewhere, because only their machines can resume them.
///
/// Credentials that may not list uploads get no warning.
fn warn_of_others(bucket: &Bucket, key: &str, name: &str) {
    let others = bucket.unfinished(key).unwrap_or_default();
    let is_of_key = |upload: &&Unfinished| upload.key == key || upload.otherwise.as_deref() == Some(key);
    let others = others.iter().filter(is_of_key).count() as u64;
    if others > 0 {
        let others = count(others, "unfinished upload");
        note(format_args!(
            "warning: {name}: S3 has {others} of it that this machine has no record of, so this run starts over"
        ));
        hint(format_args!(
            "the machine that began it can resume it; sv2 uploads {name} lists it, and --abort --older-than 0m removes it"
        ));
    }
}

/// Asks S3 for the object. Credentials that may not ask may still be allowed to create it.
fn look(bucket: &Bucket, key: &str, force: bool) -> Result<(), Failure> {
    let hidden = match bucket.find(key) {
        Err(error) if is_hidden(&error) => error,
        found => return found.map(drop).map_err(|error| Failure::s3(&error)),
    };
    match bucket.tries_condition(key) {
        Err(error) if error.kind() == ErrorKind::Unsupported && force => {}
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            return Err(Failure::io(hidden).hint(error).hint("--force writes it whether or not it exists"));
        }
        tried => tried.map_err(|error| Failure::s3(&error))?,
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

/// The default number of parts to send at once. They wait for the network, not for a processor.
const LANES: usize = 4;
