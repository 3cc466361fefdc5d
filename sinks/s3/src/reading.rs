//! Requests for reading, and the checks of their answers.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use ureq::Body;
use ureq::http::{Method, Response};

use crate::ask::{Ask, Refused, header_text, refusal};
use crate::client::Bucket;
use crate::errors::{Refusal, nonsense};
use crate::retry::{Failed, Patience};

const ANSWER: Duration = Duration::from_secs(30);
/// The header with the mark of the upload that made an object.
pub(super) const MARK: &str = "x-amz-meta-stream-v2-upload";

/// The properties of an object when it is opened.
pub(super) struct Head {
    pub(super) len: u64,
    pub(super) etag: String,
    /// Nanoseconds since 1970-01-01T00:00:00Z, in whole seconds.
    pub(super) modified: Option<i64>,
    /// The mark of its upload, if it was one of this crate.
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

    /// Finds the reason of a refusal. The answer to `HEAD` has no body, but the answer to `GET` has
    /// a reason.
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

    /// Reads exactly `buffer.len()` bytes, in as many requests as needed.
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

    /// Sends one request. Returns the number of bytes that it brought, and the error that ended it
    /// too early.
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

    /// Requests `len` bytes. The answer has the first of them, of this version of the object.
    fn get_range(&self, range: Range<'_>, len: u64) -> Result<Response<Body>, Failed> {
        let Range { key, etag, object_len, offset } = range;
        let name = self.name_of(key);
        let bytes = format!("bytes={offset}-{}", offset + (len - 1));
        let answer = self.get(key, &[("if-match", etag), ("range", &bytes)])?;
        let status = answer.status().as_u16();
        if !matches!(status, 200 | 206) {
            return Err(refusal(answer).failed(&name));
        }
        // Some servers ignore If-Match.
        match header_text(answer.headers(), "etag") {
            Some(found) if found == etag => {}
            Some(_) => return Err(nonsense(&name, "was replaced while it was read")),
            None => return Err(nonsense(&name, "S3 does not say which version it is")),
        }
        let is_what_was_asked_for = match header_text(answer.headers(), "content-range") {
            Some(found) if status == 206 => is_range(found, offset, object_len),
            // The whole object.
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
}

/// Returns whether `bytes BEGIN-END/LEN` begins at `offset`, in an object of that length.
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
}
