//! The effects of faults on answers and on the server.

use std::io::{Read, Write};
use std::net::TcpStream;

use rusty_s3::{Method, S3Action};
use stream_v2_fake_s3::{Fault, Front, KEY_ID, Operation, REGION, SECRET};

use crate::client::Client;

fn begun() -> (Front, Client, String) {
    let front = Front::start();
    front.allow_small_parts();
    let client = Client::of(&front);
    let id = client.begin("object", &[]);
    front.take();
    (front, client, id)
}

/// Returns all that the server sends for one `GET`, byte for byte.
fn raw(front: &Front) -> Vec<u8> {
    let endpoint = front.endpoint();
    let bucket =
        rusty_s3::Bucket::new(endpoint.parse().unwrap(), rusty_s3::UrlStyle::Path, "bucket", REGION).unwrap();
    let credentials = rusty_s3::Credentials::new(KEY_ID, SECRET);
    let url = bucket.get_object(Some(&credentials), "object").sign(std::time::Duration::from_secs(60));
    let host = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let target = &url.as_str()[endpoint.len()..];
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn answers_end_at_the_byte() {
    let front = Front::start();
    let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    front.put("bucket/object", &body);
    let whole = raw(&front);
    let head = whole.len() - body.len();
    for len in [0, 1, 1000, 70_000, body.len() - 1] {
        front.fail([Fault::CutBody(len)]);
        // Only the date may differ.
        let cut = raw(&front);
        assert_eq!(cut.len(), head + len);
        assert!(cut[head..] == body[..len]);
    }
    front.fail([Fault::CutHead, Fault::Hangup, Fault::Lose, Fault::CutBody(body.len())]);
    let lens: Vec<_> = (0..4).map(|_| raw(&front).len()).collect();
    assert_eq!(lens, [20, 0, 0, whole.len()]);
    let sent: Vec<_> = front.take().iter().map(|request| (request.status, request.sent)).collect();
    let cut = [0, 1, 1000, 70_000, body.len() - 1].map(|len| (200, len));
    let expected = [&[(200, body.len())], &cut[..], &[(200, 0), (0, 0), (0, 0), (200, body.len())]].concat();
    assert_eq!(sent, expected);
}

#[test]
fn a_part_is_there_or_not() {
    let cases = [
        (Fault::Hangup, false),
        (Fault::Lose, true),
        (Fault::CutHead, true),
        (Fault::Refuse(500, "InternalError", "We encountered an internal error."), false),
        (Fault::RefuseAfter(500, "InternalError", "We encountered an internal error."), true),
    ];
    for (fault, is_there) in cases {
        let (front, client, id) = begun();
        front.fail([fault.clone()]);
        match (client.part("object", &id, 1, &[], b"part"), &fault) {
            (Ok(answer), Fault::Refuse(..) | Fault::RefuseAfter(..)) => {
                assert_eq!(answer.error(), (500, "InternalError"));
                assert_eq!(answer.element("Message"), "We encountered an internal error.");
            }
            (Err(_), Fault::Hangup | Fault::Lose | Fault::CutHead) => {}
            (result, _) => panic!("{fault:?}: {result:?}"),
        }
        assert_eq!(front.uploads()[0].parts.len(), usize::from(is_there), "{fault:?}");
        let record = front.take().remove(0);
        assert_eq!((record.received, record.part, front.faults_left()), (4, Some(1), 0));
        assert_eq!(client.part("object", &id, 1, &[], b"part").unwrap().status, 200);
    }
}

#[test]
fn success_may_be_an_error() {
    for (fault, is_there) in [
        (Fault::Refuse(200, "InternalError", "Please try again."), false),
        (Fault::RefuseAfter(200, "InternalError", "Please try again."), true),
    ] {
        let (front, client, id) = begun();
        let etag = client.part("object", &id, 1, &[], b"part").unwrap().header("etag").to_owned();
        front.fail_at(Operation::CompleteMultipartUpload, 0, fault);
        let complete = || client.complete("object", &id, &[], &[(1, &etag)]).unwrap();
        assert_eq!(complete().error(), (200, "InternalError"));
        assert_eq!(front.object("bucket/object").is_some(), is_there);
        assert_eq!(front.uploads().len(), usize::from(!is_there));
        let again = complete();
        assert_eq!((again.status, again.element("Code")), (200, ""));
        assert_eq!(front.object("bucket/object").unwrap(), b"part");
    }
}

#[test]
fn objects_change_and_ranges_are_not_known() {
    let front = Front::start();
    let client = Client::of(&front);
    front.put("bucket/object", b"hello");
    let etag = front.etag("bucket/object").unwrap();
    let headers = [("if-match", &*etag), ("range", "bytes=1-3")];
    front.fail([Fault::Fewer(2), Fault::Fewer(0), Fault::Fewer(9), Fault::Whole]);
    let read: Vec<_> = (0..4)
        .map(|_| client.get("object", &headers))
        .map(|answer| (answer.status, answer.text().to_owned()))
        .collect();
    let expected = [(206, "el"), (206, "e"), (206, "ell"), (200, "hello")];
    assert_eq!(read, expected.map(|(status, text)| (status, text.to_owned())));
    front.fail([Fault::ReplaceUnseen(b"other".into()), Fault::Replace(b"third".into())]);
    assert_eq!(client.get("object", &headers).text(), "the");
    assert_eq!(client.get("object", &headers).error(), (412, "PreconditionFailed"));
    assert_eq!(front.object("bucket/object").unwrap(), b"third");
}

#[test]
fn faults_wait_for_their_request() {
    let (front, client, id) = begun();
    let part = |number| client.part("object", &id, number, &[], b"part").map(|answer| answer.status).ok();
    let slow_down = Fault::Refuse(503, "SlowDown", "Please reduce your request rate.");
    front.fail_at(Operation::UploadPart, 2, Fault::Lose);
    front.fail([None, Some(slow_down.clone())]);
    assert_eq!([part(1), part(1), part(2), part(2)], [Some(200), Some(503), None, Some(200)]);
    assert_eq!(front.faults_left(), 0);
    front.fail([slow_down.clone(), slow_down]);
    front.fail_at(Operation::ListParts, 7, Fault::Hangup);
    assert_eq!(front.faults_left(), 3);
    front.heal();
    assert_eq!((front.faults_left(), part(3)), (0, Some(200)));
    // HEAD has no body and announces the length of the error's body.
    front.fail([Fault::Refuse(403, "RequestTimeTooSkewed", "The clock is wrong.")]);
    let head = client.ask(Method::Head, "object", &[], &[], b"").unwrap();
    assert_eq!((head.status, head.body.len()), (403, 0));
    assert_eq!(front.take().last().unwrap().sent, 0);
}
