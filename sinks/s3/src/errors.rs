//! Errors of S3 and of the connection, as I/O errors that name the object and hold no secret.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::retry::Failed;

/// Longer messages are cut.
const MESSAGE_MAX: usize = 300;

/// An answer without success: its status, and the content of its body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    /// The region of the bucket, if it is another one.
    region: Option<String>,
}

impl Refusal {
    /// Reads the body of an answer: the XML of S3, or anything else, which is ignored.
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        let mut refusal = Self { status, ..Self::default() };
        // The elements before a fault in the XML are kept.
        let _ = refusal.read(&String::from_utf8_lossy(body));
        refusal
    }

    fn read(&mut self, xml: &str) -> Result<(), quick_xml::Error> {
        let mut reader = Reader::from_str(xml);
        let mut is_error = false;
        loop {
            match reader.read_event()? {
                Event::Eof => return Ok(()),
                Event::Start(start) if !is_error => is_error = start.local_name().as_ref() == b"Error",
                Event::Start(start) => {
                    let text = reader.read_text(start.name())?.decode().map(|text| shown(&text));
                    let field = match start.local_name().as_ref() {
                        b"Code" => &mut self.code,
                        b"Message" => &mut self.message,
                        b"Region" => &mut self.region,
                        _ => continue,
                    };
                    *field = text.ok().flatten();
                }
                _ => {}
            }
        }
    }

    /// Reads an error in the body of an answer that has a status of success.
    pub(super) fn late(body: &[u8]) -> Self {
        let refusal = Self::new(200, body);
        let for_now = ["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"].map(Some);
        let status = match refusal.code.as_deref() {
            code if for_now.contains(&code) => 503,
            Some("PreconditionFailed") => 412,
            Some("ConditionalRequestConflict" | "OperationAborted") => 409,
            Some("NoSuchUpload" | "NoSuchBucket") => 404,
            Some("NotImplemented") => 501,
            _ => 400,
        };
        Self { status, ..refusal }
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// Adds the region in a header of the answer.
    pub(super) fn in_region(mut self, region: Option<&str>) -> Self {
        self.region = self.region.or_else(|| region.and_then(shown));
        self
    }

    /// Returns whether S3 refuses for good, instead of being busy or broken.
    pub(super) fn is_for_good(&self) -> bool {
        !matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }

    /// Returns whether S3 does not know the object or the upload, but the bucket.
    pub(super) fn is_absent(&self) -> bool {
        self.status == 404 && self.code.as_deref() != Some("NoSuchBucket")
    }

    /// Returns whether valid credentials may not do this.
    ///
    /// S3 also answers so for an object that does not exist, if the credentials may not list the
    /// bucket.
    pub(super) fn is_hidden(&self) -> bool {
        self.status == 403 && matches!(self.code.as_deref(), Some("AccessDenied") | None)
    }

    /// Returns whether this request will never be allowed, though others are.
    pub(super) fn is_forbidden(&self) -> bool {
        self.is_hidden() || matches!(self.status, 405 | 501)
    }

    /// Returns whether the server may have refused a request for its condition. Faults in parts
    /// have other codes.
    pub(super) fn is_about_condition(&self) -> bool {
        let code = self.code.as_deref();
        match self.status {
            501 => true,
            400 => matches!(
                code,
                Some("NotImplemented" | "InvalidArgument" | "InvalidRequest" | "BadRequest") | None
            ),
            _ => false,
        }
    }

    fn is_about_time(&self) -> bool {
        self.code.as_deref() == Some("RequestTimeTooSkewed")
    }

    /// Returns the text of S3.
    pub(super) fn words(&self) -> String {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => format!("S3 says {code}: {message}"),
            (Some(said), None) | (None, Some(said)) => format!("S3 says {said}"),
            (None, None) => format!("S3 answers with the status {}", self.status),
        }
    }

    /// Returns the error, for an object or a bucket.
    pub(super) fn failed(&self, name: &str) -> Failed {
        let kind = match (self.status, self.code.as_deref()) {
            (404, _) => ErrorKind::NotFound,
            (401 | 403, _) | (_, Some("ExpiredToken" | "InvalidToken" | "RequestTimeTooSkewed")) => {
                ErrorKind::PermissionDenied
            }
            (412 | 416, _) => ErrorKind::InvalidData,
            (300..400, _) | (400, Some("AuthorizationHeaderMalformed" | "InvalidBucketName")) => {
                ErrorKind::InvalidInput
            }
            (429 | 503, _) => ErrorKind::ResourceBusy,
            _ => ErrorKind::Other,
        };
        let mut what = match self.status {
            _ if self.is_about_time() => "the clock of this machine is wrong: set it, and try again; ".into(),
            412 => "was replaced while it was read; ".into(),
            416 => "became shorter while it was read; ".into(),
            _ => String::new(),
        };
        what += &self.words();
        if let Some(region) = self.region.as_deref().filter(|_| kind == ErrorKind::InvalidInput) {
            what += &format!(" (the bucket is in the region {region})");
        }
        let error = io::Error::new(kind, format!("{name}: {what}"));
        if self.is_for_good() { Failed::ForGood(error) } else { Failed::ForNow(error) }
    }
}

/// Cleans text for a message: one line, not too long, and without any part of a signature.
fn shown(raw: &str) -> Option<String> {
    let text = quick_xml::escape::unescape(raw.trim()).ok()?;
    let line: String =
        text.chars().take(MESSAGE_MAX).map(|char| if char.is_control() { ' ' } else { char }).collect();
    let signed = ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWS4-HMAC-SHA256 "];
    let is_told = !line.is_empty() && !signed.iter().any(|part| text.contains(part));
    is_told.then_some(line)
}

/// Returns the error of a request without a complete answer.
pub(super) fn disconnected(name: &str, host: &str, error: ureq::Error) -> Failed {
    // Texts of the client may hold the URL.
    let (kind, what) = match error {
        ureq::Error::Io(error) => (error.kind(), error.to_string()),
        ureq::Error::Timeout(_) => (ErrorKind::TimedOut, "no answer in time".into()),
        ureq::Error::HostNotFound => (ErrorKind::HostUnreachable, "there is no host of this name".into()),
        ureq::Error::ConnectionFailed => (ErrorKind::NotConnected, "no connection".into()),
        ureq::Error::Protocol(_) => {
            (ErrorKind::UnexpectedEof, "an answer that is cut off, or no HTTP".into())
        }
        ureq::Error::Tls(what) => (ErrorKind::InvalidData, what.into()),
        ureq::Error::Rustls(error) => (ErrorKind::InvalidData, error.to_string()),
        ureq::Error::InvalidProxyUrl | ureq::Error::ConnectProxyFailed(_) => {
            (ErrorKind::NotConnected, "the proxy did not connect".into())
        }
        _ => (ErrorKind::Other, "the request could not be made".into()),
    };
    let is_final = matches!(
        kind,
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::PermissionDenied | ErrorKind::Other
    );
    let error = io::Error::new(kind, format!("{name}: {host}: {what}"));
    if is_final { Failed::ForGood(error) } else { Failed::ForNow(error) }
}

/// The error if S3 does not reveal whether an object exists.
#[derive(Debug)]
struct Hidden(String);

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Hidden {}

/// Returns the error for credentials that may not know whether an object exists.
pub(super) fn hidden(name: &str, refusal: &Refusal) -> Failed {
    let what = "S3 does not say whether it exists, because the credentials may not list the bucket";
    Failed::ForGood(hidden_error(format!("{name}: {what} ({})", refusal.words())))
}

/// Returns an error for which [`is_hidden`] holds.
pub(super) fn hidden_error(what: String) -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, Hidden(what))
}

/// Returns whether the credentials may not know whether an object exists.
///
/// Without `s3:ListBucket` S3 answers with 403 in both cases. The credentials may still write the
/// object.
#[must_use]
pub fn is_hidden(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Hidden>())
}

/// Returns the error for an answer that makes no sense.
pub(super) fn nonsense(name: &str, what: &str) -> Failed {
    Failed::ForGood(io::Error::new(ErrorKind::InvalidData, format!("{name}: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> (ErrorKind, String) {
        let (Failed::ForNow(error) | Failed::ForGood(error)) =
            Refusal::new(status, body.as_bytes()).failed("s3://b/k");
        (error.kind(), error.to_string())
    }

    #[test]
    fn the_words_of_s3_are_told() {
        let body = "<?xml version=\"1.0\"?>\n<Error xmlns=\"x\"><Code>NoSuchKey</Code><Message>a &lt;key&gt;\n&#38; so on</Message>\
                    <Key><Code>not this</Code></Key></Error>";
        let expected = (ErrorKind::NotFound, "s3://b/k: S3 says NoSuchKey: a <key> & so on".to_owned());
        assert_eq!(error(404, body), expected);
        let cut = "<Error><Code>AccessDenied</Code><Message>no";
        assert_eq!(error(403, cut), (ErrorKind::PermissionDenied, "s3://b/k: S3 says AccessDenied".into()));
        for other in ["", "<html><Code>x</Code></html>", "\u{0}", "<Error", "{}"] {
            assert_eq!(error(502, other).1, "s3://b/k: S3 answers with the status 502", "{other}");
        }
        let elsewhere = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
        assert!(error(400, elsewhere).1.ends_with("(the bucket is in the region eu-west-1)"));
    }

    #[test]
    fn a_wrong_clock_is_told() {
        let body =
            "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>";
        let (kind, text) = error(403, body);
        assert_eq!(kind, ErrorKind::PermissionDenied);
        assert!(text.starts_with("s3://b/k: the clock of this machine is wrong"), "{text}");
        let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert!(!error(403, denied).1.contains("clock"));
    }

    #[test]
    fn nothing_of_a_signed_request_is_repeated() {
        let body = "<Error><Code>AccessDenied</Code><Message>GET /k?X-Amz-Signature=0123</Message></Error>";
        assert_eq!(error(403, body).1, "s3://b/k: S3 says AccessDenied");
        let long = format!("<Error><Message>{}</Message></Error>", "a".repeat(10_000));
        assert!(error(403, &long).1.len() < 400);
        let uri = ureq::Error::BadUri("http://h/k?X-Amz-Signature=0123".into());
        let Failed::ForGood(error) = disconnected("s3://b/k", "h", uri) else { unreachable!() };
        assert_eq!(error.to_string(), "s3://b/k: h: the request could not be made");
    }
}
