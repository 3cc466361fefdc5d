//! The state of the server: its objects and its settings.

use std::collections::BTreeMap;

use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Result, s3_error};

use crate::fault::Faults;
use crate::object::Stored;
use crate::request::Request;
use crate::uploads::Uploads;

/// How this server differs from others.
#[derive(Default)]
pub(crate) struct Manners {
    /// The longest page of a list.
    pub(crate) page: Option<usize>,
    /// Lists also show parts that were overwritten.
    pub(crate) lists_twice: bool,
    pub(crate) allows_small_parts: bool,
    /// A completed upload is not known any more.
    pub(crate) forgets_completed: bool,
    /// If-None-Match is ignored.
    pub(crate) ignores_conditions: bool,
    /// Requests with If-None-Match are refused with this status and code.
    pub(crate) refuses_conditions: Option<(u16, &'static str)>,
    /// The caller may not list the bucket. Objects that do not exist are answered with 403.
    pub(crate) hides_absent: bool,
}

#[derive(Default)]
pub(crate) struct State {
    /// By bucket and key: `BUCKET/KEY`.
    pub(crate) objects: BTreeMap<String, Stored>,
    pub(crate) uploads: Uploads,
    pub(crate) faults: Faults,
    pub(crate) manners: Manners,
    pub(crate) requests: Vec<Request>,
}

impl State {
    /// Returns the object if it has the wanted ETag.
    pub(crate) fn object(&self, name: &str, if_match: Option<&ETagCondition>) -> S3Result<&Stored> {
        let object = self.objects.get(name);
        let object = object.ok_or_else(|| match self.manners.hides_absent {
            true => s3_error!(AccessDenied, "Access Denied"),
            false => s3_error!(NoSuchKey, "The specified key does not exist."),
        })?;
        match if_match {
            Some(ETagCondition::ETag(etag)) if *etag != ETag::Strong(object.etag.clone()) => {
                Err(s3_error!(PreconditionFailed, "At least one of the pre-conditions did not hold."))
            }
            _ => Ok(object),
        }
    }

    /// Checks that an object may be written. `*` allows it only if no object exists.
    pub(crate) fn check_absent(&self, name: &str, if_none_match: Option<&ETagCondition>) -> S3Result {
        match if_none_match.filter(|_| !self.manners.ignores_conditions) {
            Some(ETagCondition::Any) if self.objects.contains_key(name) => {
                Err(s3_error!(PreconditionFailed, "At least one of the pre-conditions did not hold."))
            }
            Some(ETagCondition::ETag(_)) => Err(s3_error!(NotImplemented, "If-None-Match knows * alone")),
            _ => Ok(()),
        }
    }
}
