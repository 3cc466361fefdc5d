//! Objects and signatures.

use rusty_s3::Method;
use stream_v2_fake_s3::{Front, Operation, REGION};

use crate::client::Client;

/// The MD5 of `hello`, in hex and in base64.
const HELLO: &str = "\"5d41402abc4b2a76b9719d911017c592\"";
const HELLO_BASE64: &str = "XUFAKrxLKna5cZ2REBfFkg==";

#[test]
fn objects_are_written_and_read() {
    let front = Front::start();
    let client = Client::of(&front);
    let headers = [("content-md5", HELLO_BASE64), ("if-none-match", "*"), ("x-amz-meta-made-by", "a test")];
    let answer = client.put("a/b c", &headers, b"hello");
    assert_eq!((answer.status, answer.header("etag")), (200, HELLO));
    assert_eq!(front.object("bucket/a/b c").unwrap(), b"hello");
    assert_eq!(front.etag("bucket/a/b c").unwrap(), HELLO);
    assert_eq!(front.metadata("bucket/a/b c").unwrap()["made-by"], "a test");

    let head = client.ask(Method::Head, "a/b c", &[], &[], b"").unwrap();
    assert_eq!((head.status, head.header("content-length"), head.header("etag")), (200, "5", HELLO));
    assert_eq!(head.header("x-amz-meta-made-by"), "a test");
    assert_eq!(head.header("last-modified"), "Wed, 21 Oct 2015 07:28:00 GMT");
    assert_eq!(client.get("a/b c", &[]).body, b"hello");
    let range = client.get("a/b c", &[("if-match", HELLO), ("range", "bytes=1-2")]);
    assert_eq!((range.status, range.header("content-range"), range.text()), (206, "bytes 1-2/5", "el"));
    assert_eq!(client.get("a/b c", &[("range", "bytes=-2")]).text(), "lo");

    let record = front.take().remove(0);
    assert_eq!((record.operation, &*record.name, record.status), (Operation::PutObject, "bucket/a/b c", 200));
    assert_eq!((record.received, record.sent, record.range), (5, 0, None));
    assert_eq!(record.md5.unwrap(), HELLO.trim_matches('"'));
}

#[test]
fn what_is_not_as_it_should_be_is_refused() {
    let front = Front::start();
    let client = Client::of(&front);
    front.put("bucket/object", b"hello");
    assert_eq!(client.get("absent", &[]).error(), (404, "NoSuchKey"));
    assert_eq!(client.get("object", &[("if-match", "\"x\"")]).error(), (412, "PreconditionFailed"));
    assert_eq!(client.get("object", &[("range", "bytes=5-9")]).error(), (416, "InvalidRange"));
    let put = |headers| client.put("object", headers, b"other");
    assert_eq!(put(&[("if-none-match", "*")]).error(), (412, "PreconditionFailed"));
    assert_eq!(put(&[("content-md5", HELLO_BASE64)]).error(), (400, "BadDigest"));
    assert_eq!(put(&[("if-match", HELLO)]).error(), (501, "NotImplemented"));
    assert_eq!(put(&[("if-none-match", HELLO)]).error(), (501, "NotImplemented"));
    assert_eq!(client.ask(Method::Delete, "object", &[], &[], b"").unwrap().status, 501);
    assert_eq!(front.object("bucket/object").unwrap(), b"hello");
    assert_eq!(put(&[]).status, 200);
    assert_eq!(front.object("bucket/object").unwrap(), b"other");
}

#[test]
fn signatures_are_checked_with_all_that_decides() {
    let front = Front::start();
    front.put("bucket/object", b"hello");
    let get = |region, secret| Client::with(&front, region, secret).get("object", &[]).error().1.to_owned();
    assert_eq!(get(REGION, "another"), "SignatureDoesNotMatch");
    assert_eq!(get("elsewhere-1", stream_v2_fake_s3::SECRET), "AuthorizationQueryParametersError");
    let client = Client::of(&front);
    let url = format!("{}/bucket/object", front.endpoint());
    assert_eq!(client.send(Method::Get, &url, &[], b"").unwrap().error(), (403, "AccessDenied"));

    let sign = |secret| {
        let bucket = rusty_s3::Bucket::new(
            front.endpoint().parse().unwrap(),
            rusty_s3::UrlStyle::Path,
            "bucket",
            REGION,
        );
        let credentials = rusty_s3::Credentials::new(stream_v2_fake_s3::KEY_ID, secret);
        let bucket = bucket.unwrap();
        let action = bucket.get_object(Some(&credentials), "object");
        rusty_s3::S3Action::sign(&action, std::time::Duration::from_secs(60)).to_string()
    };
    let url = sign(stream_v2_fake_s3::SECRET);
    assert_eq!(client.send(Method::Get, &url, &[], b"").unwrap().text(), "hello");
    let answer = client.send(Method::Get, &url, &[("range", "bytes=0-0")], b"").unwrap();
    assert_eq!(answer.error(), (403, "AccessDenied"));
    assert_eq!(client.send(Method::Head, &url, &[], b"").unwrap().status, 403);
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let front = Front::start();
    let client = Client::of(&front);
    assert_eq!(client.get("absent", &[]).status, 404);
    drop(front);
    assert!(client.ask(Method::Get, "absent", &[], &[], b"").is_err());
}
