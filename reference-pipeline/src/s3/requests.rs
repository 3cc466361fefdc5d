//! Uploads to a bucket: the requests, and what their answers mean.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rusty_s3::Method;
use rusty_s3::signing::sign;
use ureq::http::{Request, Response};
use ureq::{AsSendBody, Body, SendBody};

use super::Bucket;
use super::answers::{Element, complete_body};
use super::client::{MARK, SIGNED_FOR, header_text, refusal};
use super::errors::{Refusal, nonsense};
use super::multipart::{Found, Listed, Multipart, PartBody, Readable, Unfinished, UploadId};
use super::retry::Failed;

/// Bytes of an answer: a list has a thousand entries.
const ANSWER_MAX: u64 = 4 << 20;
/// For making an object of ten thousand parts S3 takes its time.
const COMPLETING: Duration = Duration::from_secs(15 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// Bytes for which a body is given a second.
const SLOWEST: u64 = 32 << 10;
/// Pages of a list at most.
const PAGES_MAX: usize = 1000;

/// A request for one object, or for the bucket where the key is empty.
struct Ask<'a> {
    method: Method,
    key: &'a str,
    query: &'a [(&'a str, &'a str)],
    /// Signed too, in the order of their names.
    headers: &'a [(&'static str, &'a str)],
    /// Bytes of the body, where it does not know that itself.
    len: Option<u64>,
    /// How long the body may take.
    sending: Duration,
    /// How long the answer may take, and its body.
    patience: Duration,
}

impl<'a> Ask<'a> {
    const fn new(method: Method, key: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { method, key, query, headers: &[], len: None, sending: MINUTE, patience: MINUTE }
    }

    const fn with_headers(self, headers: &'a [(&'static str, &'a str)]) -> Self {
        Self { headers, ..self }
    }

    /// A body of so many bytes, which is given a minute, and a second for each of `SLOWEST` bytes.
    const fn with_len(self, len: u64) -> Self {
        Self { len: Some(len), sending: Duration::from_secs(60 + len / SLOWEST), ..self }
    }

    const fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Bucket {
    /// One request. What is refused is an answer too.
    fn ask(&self, ask: &Ask<'_>, body: impl AsSendBody) -> Result<Response<Body>, Failed> {
        let (place, credentials) = (&self.0.place, &self.0.credentials);
        let (key, secret, token) = (credentials.key(), credentials.secret(), credentials.token());
        let (query, headers) = (ask.query.iter().copied(), ask.headers.iter().copied());
        let (url, seconds) = (place.object_url(ask.key), SIGNED_FOR.as_secs());
        let now = jiff::Timestamp::now();
        let url = sign(&now, ask.method, url, key, secret, token, place.region(), seconds, query, headers);
        let request = Request::builder().method(ask.method.to_str()).uri(url.as_str());
        let request =
            ask.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = ask.len.iter().fold(request, |request, len| request.header("content-length", *len));
        let name = self.name_of(ask.key);
        let request = request.body(body).map_err(|_| nonsense(&name, "the request cannot be made"))?;
        let agent = &self.0.agent;
        let (sending, patience) = (Some(ask.sending), Some(ask.patience));
        let request = agent.configure_request(request).timeout_send_body(sending).timeout_recv_body(patience);
        let request = request.timeout_recv_response(patience).allow_non_standard_methods(false).build();
        agent.run(request).map_err(|error| self.disconnected(&name, error))
    }

    /// The same, where only success will do: the answer with its body.
    fn ask_for(&self, ask: &Ask<'_>, body: impl AsSendBody) -> Result<(Response<Body>, String), Refused> {
        let mut answer = self.ask(ask, body)?;
        if !answer.status().is_success() {
            return Err(Refused::Refusal(refusal(answer)));
        }
        let mut text = String::new();
        let read = answer.body_mut().as_reader().take(ANSWER_MAX).read_to_string(&mut text);
        let name = self.name_of(ask.key);
        read.map_err(|error| self.disconnected(&name, error.into()))?;
        Ok((answer, text))
    }

    /// A list, page after page.
    fn list<T>(
        &self,
        key: &str,
        query: &[(&str, &str)],
        names: &[(&'static str, &'static str)],
        mut read: impl FnMut(&Element) -> Option<Vec<T>>,
    ) -> Result<Vec<T>, Refused> {
        let name = self.name_of(key);
        let (mut entries, mut markers) = (Vec::new(), Vec::<(&str, String)>::new());
        for _ in 0..PAGES_MAX {
            let marked = markers.iter().map(|(name, marker)| (*name, &**marker));
            let mut query: Vec<_> = query.iter().copied().chain(marked).collect();
            query.sort_unstable();
            let (_, xml) = self.ask_for(&Ask::new(Method::Get, key, &query), SendBody::none())?;
            let page = Element::root(&xml).ok_or_else(|| unreadable(&name))?;
            entries.extend(read(&page).ok_or_else(|| unreadable(&name))?);
            if !page.goes_on() {
                return Ok(entries);
            }
            let next = names.iter().map(|(marker, next)| Some((*marker, page.text(next)?)));
            let next = next.collect::<Option<Vec<_>>>().ok_or_else(|| unreadable(&name))?;
            if next == markers {
                return Err(nonsense(&name, "a list of S3 does not come to its end").into());
            }
            markers = next;
        }
        Err(nonsense(&name, "a list of S3 does not come to its end").into())
    }
}

/// Why there is no answer that could be used.
enum Refused {
    Refusal(Refusal),
    Failed(Failed),
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl Refused {
    fn failed(self, name: &str) -> Failed {
        match self {
            Self::Refusal(refusal) => refusal.failed(name),
            Self::Failed(failed) => failed,
        }
    }

    /// Whether S3 does not know the upload.
    const fn is_absent(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.status() == 404)
    }

    /// The same where the key may be taken.
    fn failed_to_complete(self, name: &str) -> Failed {
        match &self {
            // 409 is for somebody who is faster at this very moment.
            Self::Refusal(refusal) if matches!(refusal.status(), 409 | 412) => {
                let what = "exists already at S3, or is being written";
                Failed::ForGood(io::Error::new(ErrorKind::AlreadyExists, format!("{name}: {what}")))
            }
            _ => self.failed(name),
        }
    }
}

fn unreadable(name: &str) -> Failed {
    nonsense(name, "S3 answers with something that is no list")
}

impl Multipart for Bucket {
    fn name_of(&self, key: &str) -> String {
        Self::name_of(self, key)
    }

    fn place(&self) -> String {
        self.0.place.base_url().to_string()
    }

    fn find(&self, key: &str) -> io::Result<Option<Found>> {
        self.0.retry.run(|| match self.head(key) {
            Ok(head) => Ok(Some(Found { len: head.len, etag: head.etag, mark: head.mark })),
            Err(Failed::ForGood(error)) if error.kind() == ErrorKind::NotFound => {
                // A bucket that is not there has no objects, and takes none.
                if error.to_string().contains("NoSuchBucket") {
                    Err(Failed::ForGood(error))
                } else {
                    Ok(None)
                }
            }
            Err(failed) => Err(failed),
        })
    }

    fn read(&self, key: &str) -> io::Result<Box<dyn Readable>> {
        self.object(key).map(|object| Box::new(object) as _)
    }

    fn begin(&self, key: &str, mark: &str) -> io::Result<String> {
        let name = self.name_of(key);
        self.0.retry.run(|| {
            let headers = [(MARK, mark)];
            let ask = Ask::new(Method::Post, key, &[("uploads", "1")]).with_headers(&headers);
            let (_, xml) = self.ask_for(&ask, "").map_err(|refused| refused.failed(&name))?;
            let id = Element::root(&xml).and_then(|root| root.text("UploadId")).filter(|id| !id.is_empty());
            id.ok_or_else(|| nonsense(&name, "S3 does not say what it calls the upload"))
        })
    }

    fn send(&self, upload: UploadId<'_>, number: u16, part: &dyn PartBody) -> io::Result<String> {
        let name = self.name_of(upload.key);
        let number = number.to_string();
        let md5 = BASE64_STANDARD.encode(part.md5());
        let query = [("partNumber", &*number), ("uploadId", upload.id)];
        let headers = [("content-md5", &*md5)];
        self.0.retry.longer().run(|| {
            let ask = Ask::new(Method::Put, upload.key, &query).with_headers(&headers).with_len(part.len());
            let mut body = part.open().map_err(Failed::ForGood)?;
            let sent = self.ask_for(&ask, SendBody::from_reader(&mut body));
            let (answer, _) = sent.map_err(|refused| refused.failed(&name))?;
            let etag = header_text(answer.headers(), "etag").filter(|etag| !etag.is_empty());
            etag.map(str::to_owned).ok_or_else(|| nonsense(&name, "S3 does not say the entity tag of a part"))
        })
    }

    fn parts(&self, upload: UploadId<'_>) -> io::Result<Option<Vec<Listed>>> {
        let name = self.name_of(upload.key);
        let read = |page: &Element| {
            let part = |part: &Element| {
                let (number, len) = (part.number("PartNumber")?, part.number("Size")?);
                Some(Listed { number, len, etag: part.text("ETag")? })
            };
            page.all("Part")?.iter().map(part).collect()
        };
        self.0.retry.longer().run(|| {
            let names = [("part-number-marker", "NextPartNumberMarker")];
            match self.list(upload.key, &[("uploadId", upload.id)], &names, read) {
                Ok(listed) => Ok(Some(listed)),
                Err(refused) if refused.is_absent() => Ok(None),
                Err(refused) => Err(refused.failed(&name)),
            }
        })
    }

    fn complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> io::Result<()> {
        let name = self.name_of(upload.key);
        let body = complete_body(etags);
        let headers: &[_] = if replace { &[] } else { &[("if-none-match", "*")] };
        self.0.retry.longer().run(|| {
            let query = [("uploadId", upload.id)];
            let ask =
                Ask::new(Method::Post, upload.key, &query).with_headers(headers).with_patience(COMPLETING);
            let completed = self.ask_for(&ask, &*body);
            let (_, xml) = completed.map_err(|refused| refused.failed_to_complete(&name))?;
            match Element::root(&xml) {
                Some(root) if root.name() == "CompleteMultipartUploadResult" => Ok(()),
                // S3 answers before it knows how it ends.
                Some(root) if root.name() == "Error" => {
                    Err(Refused::Refusal(Refusal::late(xml.as_bytes())).failed_to_complete(&name))
                }
                _ => {
                    let what = "S3 does not say whether it is complete";
                    Err(Failed::ForNow(io::Error::new(ErrorKind::UnexpectedEof, format!("{name}: {what}"))))
                }
            }
        })
    }

    fn put_empty(&self, key: &str, mark: &str, replace: bool) -> io::Result<()> {
        let name = self.name_of(key);
        let headers = [("if-none-match", "*"), (MARK, mark)];
        let headers = if replace { &headers[1..] } else { &headers[..] };
        self.0.retry.run(|| {
            let put = self.ask_for(&Ask::new(Method::Put, key, &[]).with_headers(headers), "");
            put.map(drop).map_err(|refused| refused.failed_to_complete(&name))
        })
    }

    fn abort(&self, upload: UploadId<'_>) -> io::Result<()> {
        let name = self.name_of(upload.key);
        self.0.retry.run(|| {
            let query = [("uploadId", upload.id)];
            match self.ask_for(&Ask::new(Method::Delete, upload.key, &query), SendBody::none()) {
                Err(refused) if !refused.is_absent() => Err(refused.failed(&name)),
                _ => Ok(()),
            }
        })
    }

    fn unfinished(&self, prefix: &str) -> io::Result<Vec<Unfinished>> {
        let name = self.name_of(prefix);
        let read = |page: &Element| {
            let upload = |upload: &Element| {
                let begun = upload.text("Initiated").and_then(|time| time.parse::<jiff::Timestamp>().ok());
                let begun = begun.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
                Some(Unfinished { key: upload.text("Key")?, id: upload.text("UploadId")?, begun })
            };
            page.all("Upload")?.iter().map(upload).collect()
        };
        self.0.retry.run(|| {
            let names = [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")];
            let listed = self.list("", &[("prefix", prefix), ("uploads", "1")], &names, read);
            listed.map_err(|refused| refused.failed(&name))
        })
    }
}
