//! `sv2 uploads`: uploads to S3 that were begun and not completed. S3 keeps their parts, and bills them, until somebody aborts them.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stream_v2_pipeline::s3::{Bucket, Config, Multipart, Unfinished, UploadId};

use crate::args::UploadsArgs;
use crate::report::Failure;
use crate::size::age;
use crate::uploads::failed;
use crate::{Done, interrupt, print};

/// What `--abort` leaves alone where nothing else is said: somebody may still be at work on it.
const YOUNG: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn run(args: &UploadsArgs) -> Done {
    interrupt::end_at_once()?;
    let (name, prefix) = bucket_and_prefix(&args.place)?;
    let bucket =
        Config::from_env().and_then(|config| Bucket::new(name, &config)).map_err(|error| failed(&error))?;
    let older_than = args.older_than.unwrap_or(if args.abort { YOUNG } else { Duration::ZERO });
    let uploads = bucket.unfinished(prefix).map_err(|error| failed(&error))?;
    for upload in uploads.iter().filter(|upload| passed(upload).is_some_and(|age| age >= older_than)) {
        if args.abort {
            bucket.abort(UploadId { key: &upload.key, id: &upload.id }).map_err(|error| failed(&error))?;
        }
        let begun = passed(upload).map(age).unwrap_or_default();
        let what = if args.abort { ", aborted" } else { "" };
        print(format_args!("s3://{name}/{}: begun {begun} ago{what}", upload.key))?;
    }
    Ok(())
}

/// How long ago an upload was begun. One of which S3 does not say it is never old enough.
fn passed(upload: &Unfinished) -> Option<Duration> {
    let begun = Duration::from_nanos(u64::try_from(upload.begun?).ok()?);
    // The clock of S3 may be ahead.
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.saturating_sub(begun))
}

fn bucket_and_prefix(place: &Path) -> Result<(&str, &str), Failure> {
    let rest = place.to_str().and_then(|place| place.strip_prefix("s3://")).filter(|rest| !rest.is_empty());
    let rest = rest.ok_or_else(|| {
        Failure::usage(format!("{}: is no place in S3", place.display()))
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
        let upload = |begun| Unfinished { key: "k".into(), id: "i".into(), begun };
        assert_eq!(passed(&upload(None)), None);
        assert_eq!(passed(&upload(Some(i64::MAX))), Some(Duration::ZERO));
        assert!(passed(&upload(Some(0))).is_some_and(|age| age > YOUNG));
    }
}
