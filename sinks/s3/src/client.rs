//! Requests for reading: what is signed, sent, and believed of the answers.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderMap, Method, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::address::Address;
use crate::ask::{Ask, Refused};
use crate::direct::{is_direct, is_here};
use crate::errors::{Refusal, disconnected, nonsense};
use crate::retry::{Failed, Patience};
use crate::signing::Credentials;
use crate::{Config, Object, Retry};

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);
/// What an object carries of the upload that made it.
pub(super) const MARK: &str = "x-amz-meta-stream-v2-upload";
/// Of what S3 says about an error no more is read.
const ERROR_MAX: u64 = 64 << 10;

/// A bucket that objects are read from. Clones share the connections.
#[derive(Clone)]
pub struct Bucket(pub(super) Arc<Inner>);

pub(super) struct Inner {
    agent: Mutex<Agent>,
    pub(super) address: Address,
    pub(super) credentials: Credentials,
    pub(super) retry: Retry,
}

/// What is known of an object when it is opened.
pub(super) struct Head {
    pub(super) len: u64,
    pub(super) etag: String,
    /// Nanoseconds since 1970-01-01T00:00:00Z, in whole seconds.
    pub(super) modified: Option<i64>,
    /// What its upload was marked with, where it was one of this crate.
    pub(super) mark: Option<String>,
}

/// A part of one version of an object.
#[derive(Clone, Copy)]
pub(super) struct Range<'a> {
    pub(super) key: &'a str,
    pub(super) etag: &'a str,
    /// Bytes of the whole object.
    pub(super) object_len: u64,
    pub(super) offset: u64,
}

impl Bucket {
    /// A bucket by its name. Nothing is sent yet.
    ///
    /// # Errors
    /// `InvalidInput` for names and endpoints that cannot be.
    pub fn new(name: &str, config: &Config) -> io::Result<Self> {
        let address = Address::new(name, config)?;
        let agent = Mutex::new(agent(&address, config));
        let (credentials, retry) = (config.credentials.clone(), config.retry);
        Ok(Self(Arc::new(Inner { agent, address, credentials, retry })))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.address.bucket
    }

    /// Opens an object: asks how long it is, and which version.
    ///
    /// # Errors
    /// Those of the module.
    pub fn object(&self, key: &str) -> io::Result<Object> {
        check_key(key, &self.name_of(key))?;
        let name = self.name_of(key);
        let head = self.0.retry.run(|| self.head(key).map_err(|refused| refused.failed(&name)))?;
        Ok(Object::new(self.clone(), key, head))
    }

    /// How messages call an object.
    pub(super) fn name_of(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name())
    }

    pub(super) fn agent(&self) -> Agent {
        self.0.agent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends what is being sent and received by other threads. Requests that come later are not
    /// concerned.
    pub(super) fn interrupt_requests(&self) {
        let fresh = self.agent().config().clone().new_agent();
        let mut agent = self.0.agent.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *agent, fresh).shutdown();
    }

    pub(super) fn head(&self, key: &str) -> Result<Head, Refused> {
        let name = self.name_of(key);
        let answer = self.ask(&Ask::new(Method::HEAD, key, &[]).with_patience(ANSWER))?;
        if answer.status().as_u16() != 200 {
            return Err(Refused::Refusal(self.why(key, answer)));
        }
        let text = |header| header_text(answer.headers(), header);
        let len = text("content-length").and_then(|len| len.parse().ok());
        let len = len.ok_or_else(|| nonsense(&name, "S3 does not say how long it is"))?;
        let etag = text("etag").filter(|etag| !etag.is_empty());
        let etag = etag.ok_or_else(|| nonsense(&name, "S3 does not say which version it is"))?.to_owned();
        let modified = text("last-modified").and_then(nanoseconds);
        let mark = text(MARK).map(str::to_owned);
        Ok(Head { len, etag, modified, mark })
    }

    /// The answer to `HEAD` has no body: the answer to `GET` says why S3 refuses.
    fn why(&self, key: &str, answer: Response<Body>) -> Refusal {
        let refusal = refusal(answer);
        if !refusal.is_for_good() {
            return refusal;
        }
        match self.get(key, &[("range", "bytes=0-0")]) {
            Ok(answer) if answer.status().as_u16() >= 300 => self::refusal(answer),
            _ => refusal,
        }
    }

    /// Reads exactly `buffer.len()` bytes, in as many requests as it takes.
    pub(super) fn read_range(&self, range: Range<'_>, buffer: &mut [u8]) -> io::Result<()> {
        let mut patience = Patience::new(self.0.retry);
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = Range { offset: range.offset + filled as u64, ..range };
            let (read, failed) = self.read_some(rest, &mut buffer[filled..]);
            filled += read;
            if read > 0 {
                patience.renew();
            }
            if filled < buffer.len() {
                let name = self.name_of(range.key);
                let short =
                    io::Error::new(ErrorKind::UnexpectedEof, format!("{name}: the answer was too short"));
                patience.after(failed.unwrap_or(Failed::ForNow(short)))?;
            }
        }
        Ok(())
    }

    /// One request: how many bytes it brought, and what ended it too early.
    fn read_some(&self, range: Range<'_>, buffer: &mut [u8]) -> (usize, Option<Failed>) {
        let mut answer = match self.get_range(range, buffer.len() as u64) {
            Ok(answer) => answer,
            Err(failed) => return (0, Some(failed)),
        };
        let mut body = answer.body_mut().as_reader();
        let mut filled = 0;
        while filled < buffer.len() {
            match body.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let name = self.name_of(range.key);
                    return (filled, Some(self.disconnected(&name, error.into())));
                }
            }
        }
        // Only a body that was read to its end gives its connection back.
        let _ = body.read(&mut [0]);
        (filled, None)
    }

    /// Asks for `len` bytes; the answer has the first of them, of this version of the object.
    fn get_range(&self, range: Range<'_>, len: u64) -> Result<Response<Body>, Failed> {
        let Range { key, etag, object_len, offset } = range;
        let name = self.name_of(key);
        let bytes = format!("bytes={offset}-{}", offset + (len - 1));
        let answer = self.get(key, &[("if-match", etag), ("range", &bytes)])?;
        let status = answer.status().as_u16();
        if !matches!(status, 200 | 206) {
            return Err(refusal(answer).failed(&name));
        }
        // Not every server looks at If-Match.
        match header_text(answer.headers(), "etag") {
            Some(found) if found == etag => {}
            Some(_) => return Err(nonsense(&name, "was replaced while it was read")),
            None => return Err(nonsense(&name, "S3 does not say which version it is")),
        }
        let is_what_was_asked_for = match header_text(answer.headers(), "content-range") {
            Some(found) if status == 206 => is_range(found, offset, object_len),
            // All of it.
            None if status == 200 => offset == 0 && len == object_len,
            _ => false,
        };
        if !is_what_was_asked_for {
            return Err(nonsense(&name, "S3 answers with another range than the one that was asked for"));
        }
        Ok(answer)
    }

    fn get(&self, key: &str, headers: &[(&'static str, &str)]) -> Result<Response<Body>, Failed> {
        self.ask(&Ask::new(Method::GET, key, &[]).with_headers(headers).with_patience(ANSWER))
    }

    pub(super) fn disconnected(&self, name: &str, error: ureq::Error) -> Failed {
        disconnected(name, &self.0.address.authority, error)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Refuses keys that other programs take for the name of another object, of the bucket, or of
/// another bucket.
pub(super) fn check_key(key: &str, name: &str) -> io::Result<()> {
    if key.is_empty() || key.split('/').any(|part| matches!(part, "." | "..")) {
        let what = if key.is_empty() {
            "the key is empty"
        } else {
            "the key has a part that is . or .., which many programs resolve as in a path"
        };
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("{name}: {what}")));
    }
    Ok(())
}

/// Redirections are not followed: the signature is for one host.
fn agent(address: &Address, config: &Config) -> Agent {
    let mut tls = TlsConfig::builder();
    if !config.roots.is_empty() {
        tls = tls.root_certs(RootCerts::new_with_certs(&config.roots));
    }
    let is_direct = is_here(address.host()) || is_direct(&config.no_proxy, address.host(), address.port());
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(tls.build())
        .accept_encoding("identity")
        .user_agent(concat!("stream-v2/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        // However long a body takes, as long as the connection takes some of it.
        .timeout_per_write(Some(config.stall));
    if is_direct {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

pub(super) fn refusal(mut answer: Response<Body>) -> Refusal {
    let mut body = Vec::new();
    // What was read before the connection was cut is kept.
    let _ = answer.body_mut().as_reader().take(ERROR_MAX).read_to_end(&mut body);
    let region = header_text(answer.headers(), "x-amz-bucket-region");
    Refusal::new(answer.status().as_u16(), &body).in_region(region)
}

pub(super) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Whether `bytes BEGIN-END/LEN` begins where it should, in an object of that length.
fn is_range(found: &str, offset: u64, object_len: u64) -> bool {
    let parts = found.strip_prefix("bytes ").and_then(|found| found.split_once('/'));
    let Some((range, len)) = parts else { return false };
    let begin = range.split_once('-').and_then(|(begin, _)| begin.parse().ok());
    begin == Some(offset) && len.parse() == Ok(object_len)
}

fn nanoseconds(date: &str) -> Option<i64> {
    let time = jiff::fmt::rfc2822::parse(date).ok()?;
    i64::try_from(time.timestamp().as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_dates() {
        assert!(is_range("bytes 5-9/10", 5, 10));
        for wrong in ["bytes 4-9/10", "bytes 5-9/11", "bytes 5-9/*", "5-9/10", "bytes */10", ""] {
            assert!(!is_range(wrong, 5, 10), "{wrong}");
        }
        assert_eq!(nanoseconds("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480_000_000_000));
        assert_eq!(nanoseconds("yesterday"), None);
    }

    #[test]
    fn keys_that_others_resolve_are_refused() {
        let bucket = Bucket::new("bucket", &Config::new("eu-west-1", "key", "hidden").unwrap()).unwrap();
        for key in ["", ".", "..", "a/../b", "../other/key", "a/."] {
            let kind = bucket.object(key).err().map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::InvalidInput), "{key}");
        }
        assert!(!format!("{bucket:?}").contains("hidden"));
    }

    #[test]
    fn hosts_that_no_proxy_names_are_reached_directly() {
        let agent = |endpoint: &str, no_proxy: &str| {
            let mut config = Config::new("r", "key", "hidden").unwrap().with_endpoint(endpoint).unwrap();
            config.no_proxy = no_proxy.into();
            Bucket::new("bucket", &config).unwrap().agent()
        };
        // Whatever the environment of the test says.
        assert!(agent("http://s3.local:9000", "x, .LOCAL:9000").config().proxy().is_none());
        assert!(agent("http://[::1]:9000", "").config().proxy().is_none());
    }
}
