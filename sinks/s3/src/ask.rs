//! Requests: signing, sending, and reading of answers.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::{HeaderMap, Method, Request, Response};
use ureq::{AsSendBody, Body, SendBody};

use crate::answers::Element;
use crate::client::Bucket;
use crate::encoding::hex;
use crate::errors::{Refusal, nonsense};
use crate::multipart::PartBody;
use crate::retry::{Failed, Retry};
use crate::signing::{EMPTY_SHA256, Signed, canonical_query};

/// Most bytes of an answer. A list has a thousand entries.
const ANSWER_MAX: u64 = 4 << 20;
/// Most bytes that are read of an error answer.
const ERROR_MAX: u64 = 64 << 10;
const MINUTE: Duration = Duration::from_secs(60);
/// Most pages of a list.
const PAGES_MAX: usize = 100_000;

/// The marker of the next page that is a key. Only keys are encoded.
pub(super) const NEXT_KEY: &str = "NextKeyMarker";

/// The body of a request.
pub(super) enum Content<'a> {
    Nothing,
    Text(&'a str),
    Part(&'a dyn PartBody),
}

impl Content<'_> {
    /// Returns the SHA-256, in hexadecimal.
    fn sha256(&self) -> String {
        match self {
            Self::Nothing => EMPTY_SHA256.into(),
            Self::Text(text) => hex(&Sha256::digest(text)),
            Self::Part(part) => hex(&part.sha256()),
        }
    }

    fn len(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Text(text) => Some(text.len() as u64),
            Self::Part(part) => Some(part.len()),
        }
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Nothing => Ok(Box::new(io::empty())),
            Self::Text(text) => Ok(Box::new(text.as_bytes())),
            Self::Part(part) => part.open().map(|body| body as _),
        }
    }
}

/// A request for one object, or for the bucket if the key is empty.
pub(super) struct Ask<'a> {
    method: Method,
    key: &'a str,
    query: &'a [(&'a str, &'a str)],
    /// These are signed too.
    headers: &'a [(&'a str, &'a str)],
    content: Content<'a>,
    /// Limit on the time of the answer.
    patience: Duration,
}

impl<'a> Ask<'a> {
    pub(super) const fn new(method: Method, key: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { method, key, query, headers: &[], content: Content::Nothing, patience: MINUTE }
    }

    pub(super) fn with_headers(self, headers: &'a [(&'a str, &'a str)]) -> Self {
        Self { headers, ..self }
    }

    pub(super) fn with_content(self, content: Content<'a>) -> Self {
        Self { content, ..self }
    }

    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Bucket {
    /// Sends one request. A refusal is an answer too.
    pub(super) fn ask(&self, ask: &Ask<'_>) -> Result<Response<Body>, Failed> {
        let path = self.0.address.path(ask.key);
        let answer = self.send_signed(ask, &path.sent, &path.decoded)?;
        // Most servers decode the path and encode it again before they check the signature. For the
        // others the signature must be that of the path as it is sent.
        if answer.status().as_u16() == 403 && path.sent != path.decoded {
            return self.send_signed(ask, &path.sent, &path.sent);
        }
        Ok(answer)
    }

    fn send_signed(&self, ask: &Ask<'_>, path: &str, signed: &str) -> Result<Response<Body>, Failed> {
        let (address, credentials) = (&self.0.address, &self.0.credentials);
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let body = ask.content.sha256();
        let mut headers = ask.headers.to_vec();
        headers.extend([
            ("host", &*address.authority),
            ("x-amz-date", &time),
            ("x-amz-content-sha256", &body),
        ]);
        headers.extend(credentials.token.as_ref().map(|token| ("x-amz-security-token", token.as_str())));
        let (method, region) = (ask.method.as_str(), &*address.region);
        let (query, time) = (ask.query, &*time);
        let signed = Signed { method, path: signed, query, headers: &headers, body: &body, time, region };
        let authorization = signed.authorization(credentials);
        headers.push(("authorization", &authorization));
        let len = ask.content.len().map(|len| len.to_string());
        headers.extend(len.as_deref().map(|len| ("content-length", len)));
        self.send_once(ask, path, &headers)
    }

    fn send_once(
        &self,
        ask: &Ask<'_>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Response<Body>, Failed> {
        if matches!(ask.content, Content::Nothing) {
            return self.run(ask, path, headers, ());
        }
        let mut body = ask.content.open().map_err(Failed::ForGood)?;
        self.run(ask, path, headers, SendBody::from_reader(&mut *body))
    }

    fn run(
        &self,
        ask: &Ask<'_>,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Result<Response<Body>, Failed> {
        let name = self.name_of(ask.key);
        let impossible = |_| nonsense(&name, "the request cannot be made");
        let uri = self.0.address.uri(path, &canonical_query(ask.query)).map_err(impossible)?;
        let request = Request::builder().method(ask.method.clone()).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(body).map_err(impossible)?;
        let agent = self.agent();
        let (answer, rest) = (Some(ask.patience), Some(ask.patience.max(MINUTE)));
        let request = agent.configure_request(request).timeout_recv_response(answer).timeout_recv_body(rest);
        agent.run(request.build()).map_err(|error| self.disconnected(&name, error))
    }

    /// Sends one request that must succeed, and returns the answer with its body.
    pub(super) fn ask_for(&self, ask: &Ask<'_>) -> Result<(Response<Body>, String), Refused> {
        let mut answer = self.ask(ask)?;
        if !answer.status().is_success() {
            return Err(Refused::Refusal(refusal(answer)));
        }
        let mut text = String::new();
        let read = answer.body_mut().as_reader().take(ANSWER_MAX + 1).read_to_string(&mut text);
        let name = self.name_of(ask.key);
        read.map_err(|error| self.disconnected(&name, error.into()))?;
        if text.len() as u64 > ANSWER_MAX {
            return Err(nonsense(&name, "an answer of S3 is longer than any that it gives").into());
        }
        Ok((answer, text))
    }

    /// Reads a list, page after page, and holds no more than one page.
    ///
    /// A page is requested again after a passing failure. `markers` are the parameters that name
    /// the place of the next page, each with the element of the page before that holds it.
    pub(super) fn pages(
        &self,
        list: &Ask<'_>,
        retry: Retry,
        markers: &[(&'static str, &'static str)],
        mut visit: impl FnMut(&Element) -> io::Result<Option<()>>,
    ) -> io::Result<Result<(), Refusal>> {
        let name = self.name_of(list.key);
        let mut place = Vec::<(&str, String)>::new();
        let mut places = HashSet::new();
        while places.insert(place.clone()) && places.len() <= PAGES_MAX {
            let page = match retry.run(|| self.page(list, &place))? {
                Ok(page) => page,
                Err(refusal) => return Ok(Err(refusal)),
            };
            visit(&page)?.ok_or_else(|| unreadable(&name).into_error())?;
            if !page.goes_on() {
                return Ok(Ok(()));
            }
            let value = |next| if next == NEXT_KEY { page.key(next) } else { page.exact(next) };
            let next = markers.iter().filter_map(|(marker, next)| Some((*marker, value(next)?)));
            // Some servers give only one of two markers.
            place = next.filter(|(_, value)| !value.is_empty()).collect();
            if place.is_empty() {
                return Err(unreadable(&name).into_error());
            }
        }
        Err(nonsense(&name, "a list of S3 does not come to its end").into_error())
    }

    fn page(&self, list: &Ask<'_>, place: &[(&str, String)]) -> Result<Result<Element, Refusal>, Failed> {
        let name = self.name_of(list.key);
        let place = place.iter().map(|(name, marker)| (*name, &**marker));
        let query: Vec<_> = list.query.iter().copied().chain(place).collect();
        match self.ask_for(&Ask::new(list.method.clone(), list.key, &query)) {
            Ok((_, xml)) => Element::root(&xml).map(Ok).ok_or_else(|| unreadable(&name)),
            Err(Refused::Refusal(refusal)) if refusal.is_for_good() => Ok(Err(refusal)),
            Err(refused) => Err(refused.failed(&name)),
        }
    }
}

/// The reason for the lack of a usable answer.
pub(super) enum Refused {
    Refusal(Refusal),
    Failed(Failed),
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl Refused {
    pub(super) fn failed(self, name: &str) -> Failed {
        match self {
            Self::Refusal(refusal) => refusal.failed(name),
            Self::Failed(failed) => failed,
        }
    }

    /// Returns whether S3 does not know the object or the upload. An unknown bucket is a different
    /// case.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.is_absent())
    }

    /// Converts the refusal of a request that creates an object, with or without the condition that
    /// there is none.
    pub(super) fn failed_to_create(self, name: &str, replace: bool) -> Failed {
        let Self::Refusal(refusal) = self else { return self.failed(name) };
        if replace && refusal.status() != 409 {
            return refusal.failed(name);
        }
        match refusal.status() {
            412 => {
                let what = format!("{name}: exists already at S3");
                Failed::ForGood(io::Error::new(ErrorKind::AlreadyExists, what))
            }
            // Another request for the object is in progress, and its outcome is unknown.
            409 => {
                let what = format!("{name}: another request for it is under way: {}", refusal.words());
                Failed::ForNow(io::Error::new(ErrorKind::ResourceBusy, what))
            }
            _ if refusal.is_about_condition() => {
                let what = format!("{name}: this S3 creates no object on a condition: {}", refusal.words());
                Failed::ForGood(io::Error::new(ErrorKind::Unsupported, what))
            }
            _ => refusal.failed(name),
        }
    }
}

pub(super) fn unreadable(name: &str) -> Failed {
    nonsense(name, "S3 answers with something that is not a list")
}

/// Reads the refusal of S3.
pub(super) fn refusal(mut answer: Response<Body>) -> Refusal {
    let mut body = Vec::new();
    // The bytes before a cut of the connection are kept.
    let _ = answer.body_mut().as_reader().take(ERROR_MAX).read_to_end(&mut body);
    let region = header_text(answer.headers(), "x-amz-bucket-region");
    Refusal::new(answer.status().as_u16(), &body).in_region(region)
}

pub(super) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
