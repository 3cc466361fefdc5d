//! Replaces the beginning of an object by another one, of any length (§12.4): a new object under
//! the same key, of which S3 copies all but the first part itself.
//!
//! # Requests
//!
//! | request | purpose |
//! |---|---|
//! | `HEAD` with `If-Match` | the metadata to keep |
//! | `GET ?tagging` | the tags to keep |
//! | `CreateMultipartUpload` | metadata, tags and storage class |
//! | `GET` of a range, `UploadPart` 1 | the new beginning, and up to 5 MiB after the old one |
//! | `UploadPartCopy` with `x-amz-copy-source-if-match` | the rest |
//! | `HEAD` | whether the old object is still there, for servers that ignore `If-Match` |
//! | `CompleteMultipartUpload` with `If-Match` | the object, if the old one is still there |
//! | `GET` of a range | the beginning is read back |
//!
//! An upload that fails is aborted. A reader has the old object or the new one, and never a
//! mixture: each of its requests names the version that it has opened. Access control lists, locks
//! and the time of modification are not kept. A bucket with versions keeps the old version.

use std::io::{self, ErrorKind};
use std::time::Duration;

use ureq::http::Method;

use crate::answers::{Element, complete_body};
use crate::ask::{Ask, Content, Refused, header_text};
use crate::client::{Bucket, check_key};
use crate::encoding::encoded;
use crate::errors::{Refusal, nonsense};
use crate::multipart::{Aborted, Multipart, PartBytes, UploadId};
use crate::object::Object;
use crate::retry::Failed;

/// Bytes of the old body in part 1. S3 takes no smaller part before another one.
const FIRST: u64 = 5 << 20;
/// Bytes that S3 copies in one request, at most 5 GiB. The largest object then has 5,121 parts.
const COPIED: u64 = 1 << 30;
/// S3 may take long to copy a part, or to make an object of many.
const COPYING: Duration = Duration::from_secs(15 * 60);

/// Headers of an object that its replacement gets, too. So do all that begin with `x-amz-meta-`.
const KEPT: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];
const METADATA: &str = "x-amz-meta-";

/// What a replacement has moved, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadReplaced {
    /// Read from S3, without headers and lists.
    pub received: u64,
    /// Sent to S3.
    pub sent: u64,
    /// Copied by S3 itself.
    pub copied: u64,
}

/// Name and value of a header.
type Header = (String, String);

impl Bucket {
    /// Replaces the first `old_len` bytes of `object` by `head`, of any length, in a new object.
    ///
    /// # Errors
    ///
    /// - `InvalidData` if the object was replaced meanwhile.
    /// - `PermissionDenied` for an archived or locked object, and if the credentials may not read
    ///   or write its tags.
    /// - those of the [crate](crate#errors). The old object is still there, unless the answer about
    ///   the new one was lost.
    pub fn replace_head(&self, object: &Object, old_len: u64, head: &[u8]) -> io::Result<HeadReplaced> {
        let (key, etag, len) = (object.key(), object.etag(), object.size());
        check_key(key, &self.name_of(key))?;
        if old_len >= len {
            let what = format!("{}: is shorter than the beginning to be replaced", object.name());
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        }
        let mut headers = self.kept_headers(key, etag)?;
        headers.extend(self.tags(key)?.map(|tags| ("x-amz-tagging".to_owned(), tags)));
        let first = FIRST.min(len - old_len);
        let mut part = head.to_vec();
        let body = head.len();
        part.resize(body + usize::try_from(first).unwrap_or(usize::MAX), 0);
        object.read_exact_at(old_len, &mut part[body..])?;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let id = self.begin_with(key, &headers)?;
        let upload = UploadId { key, id: &id };
        let made =
            self.send_and_copy(upload, &PartBytes(&part), old_len + first..len, etag).and_then(|etags| {
                let etags: Vec<&str> = etags.iter().map(String::as_str).collect();
                self.complete_if(upload, &etags, etag, head)
            });
        if let Err(error) = made {
            // The failure to report is the first one.
            let _: io::Result<Aborted> = self.abort(upload);
            return Err(error);
        }
        let copied = len - old_len - first;
        Ok(HeadReplaced { received: first + head.len() as u64, sent: part.len() as u64, copied })
    }

    /// Returns the headers that make up the properties of this version of an object.
    fn kept_headers(&self, key: &str, etag: &str) -> io::Result<Vec<Header>> {
        let name = self.name_of(key);
        let condition = [("if-match", etag)];
        self.0.retry.run(|| {
            let answer = self.ask(&Ask::new(Method::HEAD, key, &[]).with_headers(&condition))?;
            match answer.status().as_u16() {
                200 => {}
                412 => return Err(replaced(&name)),
                _ => return Err(crate::ask::refusal(answer).failed(&name)),
            }
            if answer.headers().contains_key("x-amz-object-lock-mode") {
                let what = format!("{name}: is locked, and its replacement would not be");
                return Err(Failed::ForGood(io::Error::new(ErrorKind::PermissionDenied, what)));
            }
            let is_kept = |name: &str| KEPT.contains(&name) || name.starts_with(METADATA);
            let names = answer.headers().keys().map(|name| name.as_str()).filter(|name| is_kept(name));
            let value = |header: &str| {
                let value = header_text(answer.headers(), header);
                value.map(str::to_owned).ok_or_else(|| nonsense(&name, "a header of it is not text"))
            };
            names.map(|header| Ok((header.to_owned(), value(header)?))).collect()
        })
    }

    /// Returns the tags of an object in the form of a query, if it has any.
    ///
    /// A server without tags answers with an error.
    fn tags(&self, key: &str) -> io::Result<Option<String>> {
        let name = self.name_of(key);
        self.0.retry.run(|| {
            let xml = match self.ask_for(&Ask::new(Method::GET, key, &[("tagging", "")])) {
                Ok((_, xml)) => xml,
                Err(Refused::Refusal(refusal)) if has_no_tags(&refusal) => return Ok(None),
                Err(refused) => return Err(refused.failed(&name)),
            };
            let tags = Element::root(&xml).and_then(|root| root.all("TagSet")?.first()?.all("Tag"));
            let tags = tags.ok_or_else(|| nonsense(&name, "S3 does not say which tags it has"))?;
            let pair = |tag: &Element| {
                let (key, value) = (tag.exact("Key")?, tag.exact("Value")?);
                Some(format!("{}={}", encoded(&key, ""), encoded(&value, "")))
            };
            let pairs: Option<Vec<String>> = tags.iter().map(pair).collect();
            let pairs = pairs.ok_or_else(|| nonsense(&name, "S3 lists a tag without a key or a value"))?;
            Ok(Some(pairs.join("&")).filter(|tags| !tags.is_empty()))
        })
    }

    /// Sends part 1, and lets S3 copy the others. Returns their entity tags.
    fn send_and_copy(
        &self,
        upload: UploadId<'_>,
        first: &PartBytes<'_>,
        rest: std::ops::Range<u64>,
        etag: &str,
    ) -> io::Result<Vec<String>> {
        let mut etags = vec![self.send(upload, 1, first)?];
        let mut begin = rest.start;
        while begin < rest.end {
            let end = rest.end.min(begin + COPIED);
            etags.push(self.copy_part(upload, etags.len() + 1, begin..end, etag)?);
            begin = end;
        }
        Ok(etags)
    }

    fn copy_part(
        &self,
        upload: UploadId<'_>,
        number: usize,
        range: std::ops::Range<u64>,
        etag: &str,
    ) -> io::Result<String> {
        let name = self.name_of(upload.key);
        let source = format!("/{}/{}", self.name(), encoded(upload.key, "/"));
        let range = format!("bytes={}-{}", range.start, range.end - 1);
        let number = number.to_string();
        let query = [("partNumber", &*number), ("uploadId", upload.id)];
        let headers = [
            ("x-amz-copy-source", &*source),
            ("x-amz-copy-source-if-match", etag),
            ("x-amz-copy-source-range", &*range),
        ];
        self.0.retry.longer().run(|| {
            let ask = Ask::new(Method::PUT, upload.key, &query).with_headers(&headers);
            let copied = self.ask_for(&ask.with_content(Content::Text("")).with_patience(COPYING));
            let (_, xml) = copied.map_err(|refused| match refused {
                Refused::Refusal(refusal) if refusal.status() == 412 => replaced(&name),
                refused => refused.failed(&name),
            })?;
            match Element::root(&xml) {
                // S3 answers before it knows the outcome.
                Some(root) if root.name() == "Error" => Err(Refusal::late(xml.as_bytes()).failed(&name)),
                root => root
                    .and_then(|root| root.text("ETag"))
                    .ok_or_else(|| nonsense(&name, "S3 does not say the entity tag of a copied part")),
            }
        })
    }

    /// Makes the object, if the one with this entity tag is still there, and reads its beginning
    /// back.
    fn complete_if(&self, upload: UploadId<'_>, etags: &[&str], etag: &str, head: &[u8]) -> io::Result<()> {
        let name = self.name_of(upload.key);
        let (query, headers) = ([("uploadId", upload.id)], [("if-match", etag)]);
        let body = complete_body(etags);
        // Some servers ignore If-Match.
        if self.find(upload.key)?.is_none_or(|found| found.etag != etag) {
            return Err(replaced(&name).into_error());
        }
        let made = self.0.retry.longer().run(|| {
            let ask = Ask::new(Method::POST, upload.key, &query).with_headers(&headers);
            let ask = ask.with_content(Content::Text(&body)).with_patience(COPYING);
            let (_, xml) = self.ask_for(&ask).map_err(|refused| match refused {
                Refused::Refusal(refusal) if refusal.status() == 412 => replaced(&name),
                refused => refused.failed(&name),
            })?;
            match Element::root(&xml) {
                Some(root) if root.name() == "Error" => Err(Refusal::late(xml.as_bytes()).failed(&name)),
                Some(_) => Ok(()),
                None => Err(nonsense(&name, "S3 does not say whether it is complete")),
            }
        });
        // An earlier attempt may have made it, and its answer was lost. The new envelope has salts
        // of its own, so these bytes are in no other object.
        let is_made = || {
            let object = self.object(upload.key)?;
            let mut begin = vec![0; head.len()];
            object.read_exact_at(0, &mut begin)?;
            Ok::<_, io::Error>(begin == head)
        };
        match made {
            Ok(()) if is_made()? => Ok(()),
            Ok(()) => Err(replaced(&name).into_error()),
            Err(error) if is_made().unwrap_or(false) => {
                drop(error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns whether the answer means that an object has no tags: there are none, or no server could
/// keep them.
fn has_no_tags(refusal: &Refusal) -> bool {
    matches!(refusal.status(), 404 | 405 | 501)
}

fn replaced(name: &str) -> Failed {
    let what = format!("{name}: was replaced by another object meanwhile, and is left alone");
    Failed::ForGood(io::Error::new(ErrorKind::InvalidData, what))
}
