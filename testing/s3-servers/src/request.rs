//! Requests signed in their headers (AWS Signature Version 4), and raw answers.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::Request;

/// Characters that are never encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_MAX: u64 = 64 << 20;

/// The region of every server.
pub const REGION: &str = "us-east-1";

/// A request to a server.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The method.
    pub method: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// The key, empty for the bucket itself.
    pub key: &'a str,
    /// Names and values of the query.
    pub query: &'a [(&'a str, &'a str)],
    /// Headers, by names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// The answer of a server.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Pairs of names in lower case and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }

    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the text of the first element of this name, as written in the XML.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// Returns the texts of all elements of this name, as written in the XML.
    #[must_use]
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
        let texts = text.split(&*begin).skip(1).filter_map(|rest| rest.split_once(&*end));
        texts.map(|(text, _)| text.to_owned()).collect()
    }

    /// Returns whether the status is a success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }
}

/// Encodes a key or a value for a URL, with every character that may be encoded.
#[must_use]
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Sends a request that is signed with these credentials.
pub(crate) fn send(host: &str, (key_id, secret): (&str, &str), ask: &Ask<'_>) -> Result<Answer, ureq::Error> {
    let mut query: Vec<_> =
        ask.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    query.sort_unstable();
    let query = query.join("&");
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let hash = hex::encode(Sha256::digest(ask.body));
    let mut headers = ask.headers.to_vec();
    headers.extend([("host", host), ("x-amz-content-sha256", &hash), ("x-amz-date", &time)]);
    headers.sort_unstable();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let parts: Vec<_> = ask.key.split('/').map(encoded).collect();
    let object = if ask.key.is_empty() { String::new() } else { format!("/{}", parts.join("/")) };
    let path = format!("/{}{object}", ask.bucket);
    let canonical = [ask.method, &path, &query, &lines, &names, &hash].join("\n");
    let scope = format!("{}/{REGION}/s3/aws4_request", &time[..8]);
    let hashed = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = ["AWS4-HMAC-SHA256", &time, &scope, &hashed].join("\n");
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex::encode(mac(&key, &to_sign));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}");

    // The signature covers plain dots. In the URL they are encoded so that no layer resolves them.
    let on_the_wire =
        |part: &String| if matches!(&**part, "." | "..") { part.replace('.', "%2E") } else { part.clone() };
    let object = if ask.key.is_empty() {
        String::new()
    } else {
        format!("/{}", parts.iter().map(on_the_wire).collect::<Vec<_>>().join("/"))
    };
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("http://{host}/{}{object}{mark}{query}", ask.bucket);
    let request = headers.iter().fold(Request::builder().method(ask.method).uri(url), |request, header| {
        if header.0 == "host" { request } else { request.header(header.0, header.1) }
    });
    let request = request.header("authorization", authorization);
    run(request, ask)
}

fn run(request: ureq::http::request::Builder, ask: &Ask<'_>) -> Result<Answer, ureq::Error> {
    let config =
        Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(PATIENCE));
    let agent = config.build().new_agent();
    let has_body = matches!(ask.method, "PUT" | "POST");
    let mut answer = match has_body {
        true => agent.run(request.body(ask.body).unwrap())?,
        false => agent.run(request.body(()).unwrap())?,
    };
    let body = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec()?;
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Ok(Answer { status: answer.status().as_u16(), headers, body })
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
