//! Uploads to a bucket: the requests, and the meaning of their answers.

use std::io::{self, ErrorKind};
use std::mem;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use ureq::http::Method;

use crate::answers::{Element, complete_body};
use crate::ask::{Ask, Content, NEXT_KEY, Refused, header_text};
use crate::client::Bucket;
use crate::encoding::hex;
use crate::errors::{Refusal, hidden, nonsense};
use crate::multipart::{Aborted, Found, Listed, Multipart, PartBody, Readable, Unfinished, UploadId};
use crate::reading::MARK;
use crate::retry::Failed;

/// S3 takes a long time to make an object of ten thousand parts.
const COMPLETING: Duration = Duration::from_secs(15 * 60);
/// After a part was sent its last MiB may still be on a slow line.
const ARRIVING: Duration = Duration::from_secs(10 * 60);
/// Most parts in a list of S3. Some servers list a part twice that was sent twice.
const LISTED_MAX: usize = 40_000;
const CONDITION: (&str, &str) = ("if-none-match", "*");

impl Bucket {
    /// Begins an upload of an object with these properties, and returns its id.
    pub(super) fn begin_with(&self, key: &str, headers: &[(&str, &str)]) -> io::Result<String> {
        let name = self.name_of(key);
        self.0.retry.run(|| {
            let ask = Ask::new(Method::POST, key, &[("uploads", "1")]).with_headers(headers);
            let begun = self.ask_for(&ask.with_content(Content::Text("")));
            let (_, xml) = begun.map_err(|refused| refused.failed(&name))?;
            let id = Element::root(&xml).and_then(|root| root.exact("UploadId"));
            let id = id.filter(|id| !id.is_empty());
            id.ok_or_else(|| nonsense(&name, "S3 does not say what it calls the upload"))
        })
    }

    /// Requests an object of the parts with these entity tags.
    fn ask_to_complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> Result<(), Failed> {
        let name = self.name_of(upload.key);
        let body = complete_body(etags);
        let headers: &[_] = if replace { &[] } else { &[CONDITION] };
        let query = [("uploadId", upload.id)];
        let ask = Ask::new(Method::POST, upload.key, &query).with_headers(headers);
        let ask = ask.with_content(Content::Text(&body)).with_patience(COMPLETING);
        let (_, xml) = self.ask_for(&ask).map_err(|refused| refused.failed_to_create(&name, replace))?;
        match Element::root(&xml) {
            Some(root) if root.name() == "CompleteMultipartUploadResult" => Ok(()),
            // S3 answers before it knows the outcome.
            Some(root) if root.name() == "Error" => {
                let refused = Refused::Refusal(Refusal::late(xml.as_bytes()));
                Err(refused.failed_to_create(&name, replace))
            }
            _ => {
                let what = "S3 does not say whether it is complete";
                Err(Failed::ForNow(io::Error::new(ErrorKind::UnexpectedEof, format!("{name}: {what}"))))
            }
        }
    }
}

impl Multipart for Bucket {
    fn name_of(&self, key: &str) -> String {
        Self::name_of(self, key)
    }

    fn place(&self) -> String {
        self.0.address.url()
    }

    fn find(&self, key: &str) -> io::Result<Option<Found>> {
        let name = self.name_of(key);
        self.0.retry.run(|| match self.head(key) {
            Ok(head) => Ok(Some(Found { len: head.len, etag: head.etag, mark: head.mark })),
            Err(refused) if refused.is_absent() => Ok(None),
            Err(Refused::Refusal(refusal)) if refusal.is_hidden() => Err(hidden(&name, &refusal)),
            Err(refused) => Err(refused.failed(&name)),
        })
    }

    fn tries_condition(&self, key: &str) -> io::Result<()> {
        // No upload has this id, so the requests change nothing, however the server reacts.
        let id = hex(&Sha256::digest(self.name_of(key)));
        let ask = |replace| self.ask_to_complete(UploadId { key, id: &id }, &["\"0\""], replace);
        let is_unlike = |error: &io::Error| {
            // Some refuse the id in the same way.
            let plain = ask(true).err().map(Failed::into_error);
            plain.is_none_or(|plain| {
                plain.kind() != ErrorKind::Other && plain.to_string() != error.to_string()
            })
        };
        // Only a clear refusal counts: some servers answer for a missing upload as if they were
        // broken.
        match ask(false) {
            Err(Failed::ForGood(error)) => match error.kind() {
                ErrorKind::Unsupported if is_unlike(&error) => Err(error),
                ErrorKind::PermissionDenied => Err(error),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn read(&self, key: &str) -> io::Result<Box<dyn Readable>> {
        self.object(key).map(|object| Box::new(object) as _)
    }

    fn begin(&self, key: &str, mark: &str) -> io::Result<String> {
        self.begin_with(key, &[(MARK, mark)])
    }

    fn send(&self, upload: UploadId<'_>, number: u16, part: &dyn PartBody) -> io::Result<String> {
        let name = self.name_of(upload.key);
        let number = number.to_string();
        let md5 = BASE64_STANDARD.encode(part.md5());
        let query = [("partNumber", &*number), ("uploadId", upload.id)];
        let headers = [("content-md5", &*md5)];
        self.0.retry.longer().run(|| {
            let ask = Ask::new(Method::PUT, upload.key, &query).with_headers(&headers);
            let sent = self.ask_for(&ask.with_content(Content::Part(part)).with_patience(ARRIVING));
            let (answer, _) = sent.map_err(|refused| refused.failed(&name))?;
            let etag = header_text(answer.headers(), "etag").filter(|etag| !etag.is_empty());
            etag.map(str::to_owned).ok_or_else(|| nonsense(&name, "S3 does not say the entity tag of a part"))
        })
    }

    fn parts(&self, upload: UploadId<'_>) -> io::Result<Option<Vec<Listed>>> {
        let name = self.name_of(upload.key);
        let mut listed = Vec::new();
        let query = [("uploadId", upload.id)];
        let list = Ask::new(Method::GET, upload.key, &query);
        let markers = [("part-number-marker", "NextPartNumberMarker")];
        let read = self.pages(&list, self.0.retry.longer(), &markers, |page| {
            let parts = page.all("Part").and_then(|all| all.iter().map(listed_part).collect());
            let parts: Option<Vec<_>> =
                parts.filter(|parts: &Vec<_>| listed.len() + parts.len() <= LISTED_MAX);
            Ok(parts.map(|parts| listed.extend(parts)))
        })?;
        match read {
            Ok(()) => Ok(Some(listed)),
            Err(refusal) if refusal.is_absent() => Ok(None),
            Err(refusal) => Err(refusal.failed(&name).into_error()),
        }
    }

    fn complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> io::Result<()> {
        self.0.retry.longer().run(|| self.ask_to_complete(upload, etags, replace))
    }

    fn put_empty(&self, key: &str, mark: &str, replace: bool) -> io::Result<()> {
        let name = self.name_of(key);
        let headers = [CONDITION, (MARK, mark)];
        let headers = if replace { &headers[1..] } else { &headers[..] };
        self.0.retry.run(|| {
            let ask = Ask::new(Method::PUT, key, &[]).with_headers(headers);
            let put = self.ask_for(&ask.with_content(Content::Text("")));
            put.map(drop).map_err(|refused| refused.failed_to_create(&name, replace))
        })
    }

    fn abort(&self, upload: UploadId<'_>) -> io::Result<Aborted> {
        let name = self.name_of(upload.key);
        if upload.key.is_empty() || upload.id.is_empty() {
            let what = format!("{name}: an upload without a key or an id cannot be aborted");
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        }
        let query = [("uploadId", upload.id)];
        let mut absent = Aborted::Before;
        self.0.retry.run(|| {
            // An earlier attempt may have done it, and its answer was lost.
            let absent = mem::replace(&mut absent, Aborted::Now);
            match self.ask_for(&Ask::new(Method::DELETE, upload.key, &query)) {
                Ok(_) => Ok(Aborted::Now),
                Err(refused) if refused.is_absent() => Ok(absent),
                Err(Refused::Refusal(refusal)) if refusal.is_forbidden() => {
                    Ok(Aborted::Refused(refusal.words()))
                }
                Err(refused) => Err(refused.failed(&name)),
            }
        })
    }

    fn each_unfinished(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Vec<Unfinished>) -> io::Result<()>,
    ) -> io::Result<()> {
        let name = self.name_of(prefix);
        let query = [("encoding-type", "url"), ("prefix", prefix), ("uploads", "1")];
        let list = Ask::new(Method::GET, "", &query);
        let markers = [("key-marker", NEXT_KEY), ("upload-id-marker", "NextUploadIdMarker")];
        let read = self.pages(&list, self.0.retry, &markers, |page| {
            let uploads = page.all("Upload");
            let encoded = page.is_url_encoded();
            let uploads =
                uploads.and_then(|all| all.iter().map(|upload| listed_upload(upload, encoded)).collect());
            let uploads: Option<Vec<_>> = uploads;
            uploads.map(&mut *visit).transpose()
        })?;
        read.map_err(|refusal| refusal.failed(&name).into_error())
    }

    fn interrupt(&self) {
        self.interrupt_requests();
    }
}

fn listed_part(part: &Element) -> Option<Listed> {
    let (number, len) = (part.number("PartNumber")?, part.number("Size")?);
    Some(Listed { number, len, etag: part.text("ETag")? })
}

fn listed_upload(upload: &Element, encoded: bool) -> Option<Unfinished> {
    let begun = upload.text("Initiated").and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let begun = begun.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    let (key, otherwise) = upload.key_in(encoded, "Key")?;
    let id = upload.exact("UploadId")?;
    // Without one of them a request to abort would delete the object, or the bucket.
    (!key.is_empty() && !id.is_empty()).then_some(Unfinished { key, otherwise, id, begun })
}
