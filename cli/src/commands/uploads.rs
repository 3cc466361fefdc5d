//! `sv2 uploads`: incomplete uploads to S3. S3 keeps and bills their parts until they are aborted.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::Serialize;
use stream_v2::s3::{Aborted, Bucket, Config, Leftover, Multipart, Unfinished, UploadId};

use crate::args::UploadsArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::interrupt;
use crate::report::json::{finish, place};
use crate::state;
use crate::stdio::print;
use crate::text::size::{age, count};

/// The default minimum age for `--abort`, as a younger upload may still be in progress.
const YOUNG: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn run(args: &UploadsArgs) -> CmdResult {
    let (place, place_hex) = place(&args.place);
    let mut list = List { place, place_hex, uploads: Vec::new() };
    let done = each(args, &mut list.uploads);
    finish(args.json, "uploads", &list, done)
}

/// Lists uploads, and aborts them if asked. With `--json` they are collected in `found`.
fn each(args: &UploadsArgs, found: &mut Vec<Listed>) -> CmdResult {
    interrupt::end_at_once()?;
    let (name, prefix) = bucket_and_prefix(&args.place)?;
    let bucket = Config::from_env()
        .and_then(|config| Bucket::new(name, &config))
        .map_err(|error| Failure::s3(&error))?;
    let older_than = args.older_than.unwrap_or(if args.abort { YOUNG } else { Duration::ZERO });
    let aborting =
        if args.abort { Some(Aborting { bucket: &bucket, folder: state::of_uploads().ok() }) } else { None };
    let (mut failures, mut printed) = (0, Ok(()));
    let listed = bucket.each_unfinished(prefix, &mut |page| {
        for upload in page.iter().filter(|upload| passed(upload).is_some_and(|age| age >= older_than)) {
            let what = aborting.as_ref().map_or(Ok(What::LISTED), |aborting| aborting.abort(upload));
            let begun = passed(upload).map(age).unwrap_or_default();
            let name = bucket.name_of(&upload.key);
            match &what {
                Ok(_) if args.json => {}
                Ok(what) => {
                    let done = print(format_args!("{name}: begun {begun} ago{}", what.sentence()));
                    if printed.is_ok() {
                        printed = done;
                    }
                }
                Err(why) => {
                    failures += 1;
                    note(format_args!("{name}: begun {begun} ago, not aborted: {why}"));
                }
            }
            if args.json {
                found.push(Listed::new(name, upload, what));
            }
            // Uploads are aborted even if they can no longer be printed.
            if printed.is_err() && aborting.is_none() {
                return Err(ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    });
    printed?;
    listed.map_err(|error| Failure::s3(&error))?;
    match failures {
        0 => Ok(()),
        failures => Err(Failure::io(format!("{} could not be aborted", count(failures, "upload"))).hint(
            "their parts stay at S3, and are billed; a lifecycle rule of the bucket removes them, too",
        )),
    }
}

/// The result as JSON.
#[derive(Serialize)]
struct List {
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place_hex: Option<String>,
    uploads: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    place: String,
    key: String,
    upload_id: String,
    begun: Option<String>,
    status: &'static str,
    local_files_removed: bool,
    message: Option<String>,
}

impl Listed {
    fn new(place: String, upload: &Unfinished, what: Result<What, String>) -> Self {
        let begun = upload.begun.map(|begun| Timestamp::from_nanosecond(begun.into()));
        let begun = begun.and_then(Result::ok).map(|begun| begun.to_string());
        let local_files_removed = what.as_ref().is_ok_and(|what| what.local_files_removed);
        let (status, message) =
            what.map_or_else(|why| ("not_aborted", Some(why)), |what| (what.status, None));
        let (key, upload_id) = (upload.key.clone(), upload.id.clone());
        Self { place, key, upload_id, begun, status, local_files_removed, message }
    }
}

/// The result for an upload.
struct What {
    status: &'static str,
    /// Its partial output on this machine was removed.
    local_files_removed: bool,
}

impl What {
    const LISTED: Self = Self { status: "unfinished", local_files_removed: false };

    /// Returns the end of a sentence.
    fn sentence(&self) -> String {
        let status = match self.status {
            "aborted" => ", aborted",
            "gone" => ", was gone already",
            _ => "",
        };
        let removed =
            if self.local_files_removed { "; its partial output on this machine is removed" } else { "" };
        format!("{status}{removed}")
    }
}

/// Aborts uploads one by one. A failure does not spare the others.
struct Aborting<'a> {
    bucket: &'a Bucket,
    /// The folder of data not yet uploaded.
    folder: Option<PathBuf>,
}

impl Aborting<'_> {
    /// Aborts an upload and returns the result for the report.
    fn abort(&self, upload: &Unfinished) -> Result<What, String> {
        let key = self.key_of(upload).map_err(|error| error.to_string())?;
        let id = UploadId { key, id: &upload.id };
        let leftover = self.leftover(id).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => "another sv2 on this machine is at work on it".into(),
            _ => error.to_string(),
        })?;
        let status = match self.bucket.abort(id).map_err(|error| error.to_string())? {
            Aborted::Now => "aborted",
            Aborted::Before if self.is_listed(id) => {
                return Err("S3 lists it, and does not know it under this key".into());
            }
            Aborted::Before => "gone",
            Aborted::Refused(why) => return Err(why),
        };
        let local_files_removed = leftover.is_some();
        if let Some(leftover) = leftover {
            leftover
                .remove()
                .map_err(|error| format!("its files on this machine cannot be removed: {error}"))?;
        }
        Ok(What { status, local_files_removed })
    }

    /// Returns the key of an upload. If the list is ambiguous, S3 knows the upload under one of two
    /// keys.
    fn key_of<'u>(&self, upload: &'u Unfinished) -> io::Result<&'u str> {
        if upload.otherwise.is_none() {
            return Ok(&upload.key);
        }
        let mut refused = None;
        for key in [&upload.key].into_iter().chain(&upload.otherwise) {
            match self.bucket.parts(UploadId { key, id: &upload.id }) {
                Ok(Some(_)) => return Ok(key),
                Ok(None) => {}
                // Without permission to ask, try this key, because no other upload has this id.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(&upload.key),
                // A server may reject a form that no key can have, so try the other one.
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        refused.map_or(Ok(&upload.key), Err)
    }

    fn leftover(&self, upload: UploadId<'_>) -> io::Result<Option<Leftover>> {
        let folder = self.folder.as_ref();
        folder.map_or(Ok(None), |folder| Leftover::find(self.bucket, upload.key, upload.id, folder))
    }

    /// Returns true if S3 still lists the upload.
    fn is_listed(&self, upload: UploadId<'_>) -> bool {
        let mut is_listed = false;
        let looked = self.bucket.each_unfinished(upload.key, &mut |page| {
            is_listed |= page.iter().any(|other| other.id == upload.id);
            Ok(())
        });
        looked.is_err() || is_listed
    }
}

/// Returns the age of an upload. Without a time from S3, an upload is never old enough.
fn passed(upload: &Unfinished) -> Option<Duration> {
    let begun = Duration::from_nanos(u64::try_from(upload.begun?).ok()?);
    // The clock of S3 may be ahead.
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.saturating_sub(begun))
}

fn bucket_and_prefix(place: &Path) -> Result<(&str, &str), Failure> {
    let rest = place.to_str().and_then(|place| place.strip_prefix("s3://")).filter(|rest| !rest.is_empty());
    let rest = rest.ok_or_else(|| {
        Failure::usage(format!("{}: is not a place in S3", place.display()))
            .hint("a bucket is s3://BUCKET, and keys that begin in some way are s3://BUCKET/PREFIX")
    })?;
    Ok(rest.split_once('/').unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_buckets_and_prefixes() {
        let place = |text: &'static str| bucket_and_prefix(Path::new(text)).ok();
        assert_eq!(place("s3://b"), Some(("b", "")));
        assert_eq!(place("s3://b/"), Some(("b", "")));
        assert_eq!(place("s3://b/a/c"), Some(("b", "a/c")));
        for wrong in ["b", "s3://", "sqlite:a"] {
            assert!(place(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_has_no_age_is_not_old() {
        let upload = |begun| Unfinished { key: "k".into(), otherwise: None, id: "i".into(), begun };
        assert_eq!(passed(&upload(None)), None);
        assert_eq!(passed(&upload(Some(i64::MAX))), Some(Duration::ZERO));
        assert!(passed(&upload(Some(0))).is_some_and(|age| age > YOUNG));
    }
}
