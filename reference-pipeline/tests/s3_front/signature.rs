//! Signature Version 4 in a query, checked from its documentation: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Asked, KEY_ID, REGION, SECRET};

/// Whether the request is signed with the one key, and all that decides about the answer with it.
pub(super) fn is_right(asked: &Asked) -> bool {
    check(asked).is_some()
}

fn check(asked: &Asked) -> Option<()> {
    let mut pairs: Vec<_> = asked.query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let value = |name: &str| pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| decoded(value));
    let (signature, date) = (value("X-Amz-Signature")?, value("X-Amz-Date")?);
    let signed_headers = value("X-Amz-SignedHeaders")?;
    let scope = format!("{}/{REGION}/s3/aws4_request", date.get(..8)?);
    let is_expected = value("X-Amz-Algorithm")? == "AWS4-HMAC-SHA256"
        && value("X-Amz-Credential")? == format!("{KEY_ID}/{scope}")
        && (1..=604_800).contains(&value("X-Amz-Expires")?.parse::<u32>().ok()?);
    let names: Vec<_> = signed_headers.split(';').collect();
    let is_signed = |name: &str| !asked.headers.contains_key(name) || names.contains(&name);
    if !is_expected || !["host", "if-match", "range"].into_iter().all(is_signed) {
        return None;
    }
    pairs.retain(|(name, _)| *name != "X-Amz-Signature");
    pairs.sort_unstable();
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut canonical = format!("{}\n{}\n{}\n", asked.method, asked.path, query.join("&"));
    for name in names {
        canonical += &format!("{name}:{}\n", asked.headers.get(name)?);
    }
    canonical += &format!("\n{signed_headers}\nUNSIGNED-PAYLOAD");
    let digest = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    (hex::encode(mac(&key, &to_sign)) == signature).then_some(())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Without percent signs.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'%')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
