//! The address of requests for a bucket, and the encoding of keys in it.
//!
//! A key is a name, and not a path: `../other/key` is the name of an object of this bucket. So no
//! layer may resolve it. Every byte except letters, digits, `-`, `_`, `.`, `~` and `/` is sent as
//! `%XX`. So are the dots of segments that are `.` or `..`, and the slashes next to them: many
//! layers take `%2E%2E` between two slashes for `..`. The path becomes a `Uri`, which takes it as
//! it is.

use std::io::{self, ErrorKind};

use ureq::http::Uri;

use crate::config::Config;
use crate::encoding::encoded;

/// The address of a bucket.
pub(super) struct Address {
    scheme: String,
    /// The value of the header `Host`: the host, and the port unless it is that of the scheme.
    pub(super) authority: String,
    /// The path before the key. It begins and ends with a slash.
    base: String,
    pub(super) bucket: String,
    pub(super) region: String,
}

/// The path of a key.
pub(super) struct KeyPath {
    /// The path as a server that decodes it encodes it again. Most servers look at this one.
    pub(super) decoded: String,
    /// The path as it is sent.
    pub(super) sent: String,
}

impl Address {
    pub(super) fn new(bucket: &str, config: &Config) -> io::Result<Self> {
        let invalid =
            |what: String| io::Error::new(ErrorKind::InvalidInput, format!("s3://{bucket}: {what}"));
        check_bucket(bucket, config)
            .map_err(|rule| invalid(format!("is not the name of a bucket: {rule}")))?;
        let aws = || {
            let end = if config.region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://s3.{}.amazonaws.com{end}", config.region)
        };
        let endpoint = config.endpoint.clone().unwrap_or_else(aws);
        let uri: Uri = endpoint.parse().map_err(|error| invalid(format!("endpoint {endpoint}: {error}")))?;
        let wrong = || invalid(format!("endpoint {endpoint}: is not http:// or https:// with a host"));
        let scheme = uri.scheme_str().ok_or_else(wrong)?.to_owned();
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_ascii_lowercase();
        let default = if scheme == "https" { 443 } else { 80 };
        let port = uri.port_u16().filter(|port| *port != default);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let path = uri.path().trim_end_matches('/');
        let has_dots = path.split('/').any(is_dots);
        if path != encoded(path, "/") || has_dots {
            return Err(invalid(format!(
                "endpoint {endpoint}: its path may hold letters, digits, -, _, . and ~ only"
            )));
        }
        let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let (authority, base) = if config.endpoint.is_none() && bucket.bytes().all(is_host) {
            (format!("{bucket}.{host}{port}"), format!("{path}/"))
        } else {
            (format!("{host}{port}"), format!("{path}/{bucket}/"))
        };
        Ok(Self { scheme, authority, base, bucket: bucket.into(), region: config.region.clone() })
    }

    /// Returns the URL of the bucket.
    pub(super) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.base)
    }

    pub(super) fn host(&self) -> &str {
        let end = self.authority.rfind(':').filter(|at| !self.authority[*at..].contains(']'));
        &self.authority[..end.unwrap_or(self.authority.len())]
    }

    pub(super) fn port(&self) -> u16 {
        let rest = self.authority[self.host().len()..].trim_start_matches(':');
        rest.parse().unwrap_or(if self.scheme == "https" { 443 } else { 80 })
    }

    /// Returns the path of an object, or of the bucket if the key is empty.
    pub(super) fn path(&self, key: &str) -> KeyPath {
        let key = encoded(key, "/");
        let mut sent = self.base.clone();
        let mut before = "";
        for (place, segment) in key.split('/').enumerate() {
            if place > 0 {
                sent.push_str(if is_dots(before) || is_dots(segment) { "%2F" } else { "/" });
            }
            match is_dots(segment) {
                true => sent.push_str(&segment.replace('.', "%2E")),
                false => sent.push_str(segment),
            }
            before = segment;
        }
        KeyPath { sent, decoded: format!("{}{key}", self.base) }
    }

    /// Returns the URL of a request.
    ///
    /// # Errors
    ///
    /// - an error if the path is longer than a URL can be.
    pub(super) fn uri(&self, path: &str, query: &str) -> Result<Uri, ureq::http::Error> {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let path = format!("{path}{query}");
        Uri::builder().scheme(&*self.scheme).authority(&*self.authority).path_and_query(path).build()
    }
}

/// Returns whether URLs take the segment for a step in a path.
fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// Checks the name of a bucket. The error is the rule that it breaks.
fn check_bucket(name: &str, config: &Config) -> Result<(), String> {
    // Early buckets, and those of other servers, follow older rules.
    let is_lenient = config.endpoint.is_some() || config.region == "us-east-1";
    let longest = if is_lenient { 255 } else { 63 };
    if !(3..=longest).contains(&name.len()) {
        return Err(format!("its length is {}, expected 3 to {longest}", name.len()));
    }
    let is_allowed = |byte: u8| {
        let of_old = is_lenient && (byte.is_ascii_uppercase() || byte == b'_');
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte) || of_old
    };
    if let Some(wrong) = name.chars().find(|char| !u8::try_from(*char).is_ok_and(is_allowed)) {
        let upper = if is_lenient { "letters" } else { "lower-case letters" };
        let shown = wrong.escape_debug();
        return Err(format!("it holds '{shown}', and may hold {upper}, digits, hyphens and dots"));
    }
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if !is_end(name.as_bytes().first()) || !is_end(name.as_bytes().last()) {
        return Err("it does not begin and end with a letter or a digit".into());
    }
    if name.contains("..") {
        return Err("it holds two dots in a row".into());
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("it is the address of a machine".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(bucket: &str, region: &str, endpoint: Option<&str>) -> io::Result<Address> {
        let config = Config::new(region, "key", "hidden").unwrap();
        let config = match endpoint {
            Some(endpoint) => config.with_endpoint(endpoint).unwrap(),
            None => config,
        };
        Address::new(bucket, &config)
    }

    #[test]
    fn bucket_is_in_host_unless_endpoint_is_set() {
        let url = |bucket: &str, endpoint| {
            let address = address(bucket, "eu-west-1", endpoint).unwrap();
            address.uri(&address.path("a b").sent, "").unwrap().to_string()
        };
        assert_eq!(url("bucket", None), "https://bucket.s3.eu-west-1.amazonaws.com/a%20b");
        assert_eq!(url("dotted.bucket", None), "https://s3.eu-west-1.amazonaws.com/dotted.bucket/a%20b");
        let local = Some("http://LocalHost:9000/");
        assert_eq!(url("bucket", local), "http://localhost:9000/bucket/a%20b");
        assert_eq!(url("bucket", Some("https://h:443/s3/")), "https://h/s3/bucket/a%20b");
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        for (endpoint, host, port) in [
            ("http://h", "h", 80),
            ("https://h", "h", 443),
            ("http://h:9000", "h", 9000),
            ("http://[::1]:9000", "[::1]", 9000),
            ("https://[::1]", "[::1]", 443),
        ] {
            let address = address("bucket", "r", Some(endpoint)).unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{endpoint}");
        }
        for wrong in ["http://", "http://h/a b", "http://h/../x", "http://h/%2e", "https://:1"] {
            assert!(address("bucket", "r", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_key_is_resolved() {
        let address = address("bucket", "r", Some("http://h")).unwrap();
        for (key, path) in [
            ("../victim/obj", "/bucket/%2E%2E%2Fvictim/obj"),
            ("..", "/bucket/%2E%2E"),
            (".", "/bucket/%2E"),
            ("a/../b/./c", "/bucket/a%2F%2E%2E%2Fb%2F%2E%2Fc"),
            ("a/..", "/bucket/a%2F%2E%2E"),
            ("../..", "/bucket/%2E%2E%2F%2E%2E"),
            ("...", "/bucket/..."),
            ("%2e%2e/x", "/bucket/%252e%252e/x"),
            ("/", "/bucket//"),
            ("a//b", "/bucket/a//b"),
            (" lead", "/bucket/%20lead"),
            ("trail ", "/bucket/trail%20"),
            ("q?x=1#f", "/bucket/q%3Fx%3D1%23f"),
            ("\u{1}\\;ü", "/bucket/%01%5C%3B%C3%BC"),
        ] {
            let sent = address.path(key).sent;
            assert_eq!(sent, path);
            assert_eq!(address.uri(&sent, "uploadId=a").unwrap().path(), path);
        }
        assert_eq!(address.path("a/../b").decoded, "/bucket/a/../b");
    }

    #[test]
    fn names_of_buckets_break_one_rule() {
        let told = |name: &str, region, endpoint| {
            let error = address(name, region, endpoint).err()?;
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            Some(error.to_string())
        };
        let long = "a".repeat(64);
        for (name, rule) in [
            ("", "its length is 0, expected 3 to 63"),
            ("ab", "its length is 2, expected 3 to 63"),
            (&long, "its length is 64, expected 3 to 63"),
            ("Upper", "it holds 'U', and may hold lower-case letters"),
            ("under_score", "it holds '_'"),
            ("a/b", "it holds '/'"),
            ("a@b.c", "it holds '@'"),
            ("bü-cher", "it holds 'ü'"),
            ("...", "begin and end"),
            ("-abc", "begin and end"),
            ("a..b", "two dots"),
            ("127.0.0.1", "the address of a machine"),
        ] {
            let text = told(name, "eu-west-1", None).unwrap();
            assert!(text.contains("is not the name of a bucket") && text.contains(rule), "{text}");
        }
        assert_eq!(told("Upper_Case", "us-east-1", None), None);
        assert_eq!(told("Upper_Case", "x", Some("http://h")), None);
        assert!(told("a/../b", "x", Some("http://h")).is_some());
    }
}
