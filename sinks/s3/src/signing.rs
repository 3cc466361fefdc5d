//! AWS Signature Version 4 in the headers of a request.
//!
//! Nothing of it is in the URL, because proxies write URLs to their logs. The signature covers the
//! method, the path, the query, every header that affects the answer, and the SHA-256 of the body.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::encoding::encoded;
use crate::encoding::hex;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "s3";
/// SHA-256 of no bytes.
pub(super) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An access key.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) key_id: String,
    pub(super) secret: Zeroizing<String>,
    /// The token of temporary credentials.
    pub(super) token: Option<Zeroizing<String>>,
}

impl Credentials {
    pub(super) fn new(key_id: &str, secret: &str) -> Self {
        Self { key_id: key_id.into(), secret: secret.to_owned().into(), token: None }
    }

    pub(super) fn with_token(self, token: Option<&str>) -> Self {
        Self { token: token.map(|token| token.to_owned().into()), ..self }
    }
}

/// The signed parts of a request.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// The path, encoded.
    pub(super) path: &'a str,
    /// Names and values, not encoded, in any order.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// All headers that are signed, with lower-case names, in any order.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body, in hexadecimal.
    pub(super) body: &'a str,
    /// `YYYYMMDDThhmmssZ`.
    pub(super) time: &'a str,
    pub(super) region: &'a str,
}

impl Signed<'_> {
    /// Returns the value of the header `Authorization`.
    pub(super) fn authorization(&self, credentials: &Credentials) -> String {
        let mut headers = self.headers.to_vec();
        headers.sort_unstable();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{}\n", single_spaced(value))).collect();
        let query = canonical_query(self.query);
        let request = [self.method, self.path, &query, &lines, &names, self.body].join("\n");

        let date = self.time.split('T').next().unwrap_or_default();
        let scope = format!("{date}/{}/{SERVICE}/aws4_request", self.region);
        let request = hex(&Sha256::digest(request));
        let to_sign = [ALGORITHM, self.time, &scope, &request].join("\n");
        let signature = hex(&hmac(&*self.signing_key(credentials, date), &to_sign)[..]);
        let key_id = &credentials.key_id;
        format!("{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    fn signing_key(&self, credentials: &Credentials, date: &str) -> Zeroizing<[u8; 32]> {
        let first = Zeroizing::new(format!("AWS4{}", &*credentials.secret));
        let key = hmac(first.as_bytes(), date);
        [self.region, SERVICE, "aws4_request"].iter().fold(key, |key, word| hmac(&*key, word))
    }
}

/// Returns the query as it is sent and signed: encoded, and in the order of the names.
pub(super) fn canonical_query(query: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| (encoded(name, ""), encoded(value, ""));
    let mut pairs: Vec<_> = query.iter().map(pair).collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Returns the value of a header without blanks around it, and with single ones in it.
fn single_spaced(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Zeroizing::new([0; 32]) };
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");
    const DATE: (&str, &str) = ("x-amz-date", "20130524T000000Z");
    const EMPTY: (&str, &str) = ("x-amz-content-sha256", EMPTY_SHA256);

    fn signed<'a>(path: &'a str, query: &'a [(&str, &str)], headers: &'a [(&str, &str)]) -> Signed<'a> {
        let (time, region) = (DATE.1, "us-east-1");
        Signed { method: "GET", path, query, headers, body: EMPTY_SHA256, time, region }
    }

    fn signature(signed: &Signed<'_>) -> String {
        let credentials =
            Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let all = signed.authorization(&credentials);
        assert!(
            all.contains(" Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "),
            "{all}"
        );
        all.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// The examples that AWS publishes for Amazon S3.
    #[test]
    fn published_examples_have_their_signatures() {
        let headers = [HOST, ("range", "bytes=0-9"), EMPTY, DATE];
        let get = signature(&signed("/test.txt", &[], &headers));
        assert_eq!(get, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

        let body = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        let headers = [
            DATE,
            ("x-amz-content-sha256", body),
            HOST,
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        let path = encoded("/test$file.text", "/");
        let put = signature(&Signed { method: "PUT", body, ..signed(&path, &[], &headers) });
        assert_eq!(put, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

        let headers = [HOST, EMPTY, DATE];
        let lifecycle = signature(&signed("/", &[("lifecycle", "")], &headers));
        assert_eq!(lifecycle, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
        let list = signature(&signed("/", &[("prefix", "J"), ("max-keys", "2")], &headers));
        assert_eq!(list, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    }

    #[test]
    fn names_and_values_of_a_query_are_encoded() {
        let query = [("prefix", "a b/ü+&="), ("uploads", ""), ("a-b", "~._-*")];
        assert_eq!(canonical_query(&query), "a-b=~._-%2A&prefix=a%20b%2F%C3%BC%2B%26%3D&uploads=");
    }

    #[test]
    fn blanks_of_a_header_are_signed_once() {
        assert_eq!(single_spaced("  a   b c "), "a b c");
    }
}
