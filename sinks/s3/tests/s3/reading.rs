//! Streams in S3, as sources: the requests, the cost of faults, and untrusted answers.

use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use proptest::prelude::*;
use stream_v2_fake_s3::{Fault, Front, KEY_ID, REGION, Request, SECRET};
use stream_v2_pipeline::{DecryptPipeline, Managers, ReadAt, WriterSink};
use stream_v2_s3::{Bucket, Config, Object, Retry};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypt, encrypting, key};

const MIB: usize = 1 << 20;
const SLOW_DOWN: Fault = Fault::Refuse(503, "SlowDown", "Please reduce your request rate.");
const AT_ONCE: Retry = Retry { attempts: 4, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };

fn bucket_of(endpoint: &str, secret: &str) -> Bucket {
    let config = Config::new(REGION, KEY_ID, secret).unwrap();
    let config = config.with_endpoint(endpoint).unwrap().with_retry(AT_ONCE);
    Bucket::new("bucket", &config).unwrap()
}

fn open(front: &Front, key: &str) -> io::Result<Object> {
    bucket_of(&front.endpoint(), SECRET).object(key)
}

fn stored(bytes: &[u8]) -> (Front, Object) {
    let front = Front::start();
    front.put("bucket/object", bytes);
    let object = open(&front, "object").unwrap();
    front.take();
    (front, object)
}

fn whole(object: &mut Object) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    object.read_to_end(&mut bytes).map(|_| bytes)
}

fn refused<T>(result: io::Result<T>) -> (ErrorKind, String) {
    let error = result.err().unwrap();
    (error.kind(), error.to_string())
}

fn ranges(requests: &[Request]) -> Vec<(usize, usize)> {
    requests.iter().map(|request| request.range.unwrap()).collect()
}

#[test]
fn reading_on_requests_more_and_never_twice() {
    let bytes = plaintext(22 * MIB + 7);
    let (front, mut object) = stored(&bytes);
    assert_eq!(object.size(), bytes.len() as u64);
    assert_eq!(object.modified(), Some(1_445_412_480_000_000_000));
    assert!(whole(&mut object).unwrap() == bytes);
    let requests = front.take();
    let lens: Vec<_> = requests.iter().map(|request| request.sent).collect();
    let rest = 22 * MIB + 7 - (MIB / 4 + MIB + 4 * MIB + 8 * MIB);
    assert_eq!(lens, [MIB / 4, MIB, 4 * MIB, 8 * MIB, 8 * MIB, rest - 8 * MIB]);
    assert!(requests.iter().all(|request| request.status == 206 && request.method == "GET"));

    // Held bytes are not requested again.
    object.seek(SeekFrom::End(-1)).unwrap();
    assert_eq!(whole(&mut object).unwrap(), bytes[bytes.len() - 1..]);
    assert_eq!(front.take(), []);
    object.seek(SeekFrom::Start(3)).unwrap();
    object.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(ranges(&front.take()), [(3, 3 + MIB / 4 - 1)]);
    assert!(object.seek(SeekFrom::Current(-9)).is_err());
}

#[test]
fn reading_at_an_offset_fetches_exactly_that() {
    let bytes = plaintext(MIB);
    let (front, object) = stored(&bytes);
    let mut buffer = [0; 1000];
    assert_eq!(object.read_at(12_345, &mut buffer).unwrap(), 1000);
    assert_eq!(buffer, bytes[12_345..13_345]);
    assert_eq!(object.read_at(bytes.len() as u64 - 10, &mut buffer).unwrap(), 10);
    assert_eq!(ranges(&front.take()), [(12_345, 13_344), (MIB - 10, MIB - 1)]);
    assert_eq!(object.read_at(bytes.len() as u64, &mut buffer).unwrap(), 0);
    assert_eq!(object.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    assert_eq!(object.read_at(5, &mut []).unwrap(), 0);
    assert_eq!((object.stream_len().unwrap(), front.take()), (MIB as u64, vec![]));
}

#[test]
fn plaintext_range_fetches_only_its_segments() {
    let input = plaintext(4 * MIB);
    let stream = encrypt(&encrypting(&key(), 2), &input);
    let (front, object) = stored(&stream);
    let mut ranges = DecryptPipeline::new(&key()).open_ranges(object).unwrap();
    front.take();
    let mut range = Vec::new();
    ranges.copy_range(2_000_000..2_000_100, &mut range).unwrap();
    assert_eq!(range, input[2_000_000..2_000_100]);
    let requests = front.take();
    let sent: usize = requests.iter().map(|request| request.sent).sum();
    // One segment of 8 KiB: its header, and the rest.
    assert_eq!(requests.len(), 2);
    assert!((8192..9000).contains(&sent), "{sent}");
}

#[test]
fn a_stream_is_decrypted_through_all_faults() {
    let input = plaintext(3 * MIB + 11);
    let stream = encrypt(&encrypting(&key(), 2), &input);
    let front = Front::start();
    front.put("bucket/object", &stream);
    // Never four failures in a row. An answer that was cut counts as the first.
    let rounds = (0..8).flat_map(|round| {
        let (cut, fewer) = (Fault::CutBody(round * 1000 + 1), Fault::Fewer(round * 3000 + 1));
        let (broken, late) = (Fault::Refuse(500, "InternalError", ""), Fault::Refuse(504, "", ""));
        [late, SLOW_DOWN, cut, Fault::Hangup, Fault::CutHead, fewer].into_iter().chain([
            broken,
            Fault::CutBody(0),
            Fault::Fewer(60_000),
        ])
    });
    front.fail(rounds);
    let object = open(&front, "object").unwrap();
    let mut decrypted = Vec::new();
    let key = key();
    let mut sink = WriterSink::new(&mut decrypted);
    DecryptPipeline::new(&key).run(object, &mut sink, Managers::none()).unwrap();
    assert!(decrypted == input);
    assert_eq!(front.faults_left(), 0);
    // Bytes sent once are not sent again, except those that the kernel still held of a connection
    // that was cut.
    let sent: usize = front.take().iter().map(|request| request.sent).sum();
    assert!(sent < stream.len() + 100_000, "{sent}");
}

#[test]
fn retries_end_and_say_so() {
    let (front, mut object) = stored(b"bytes");
    let cases = [
        (
            SLOW_DOWN,
            ErrorKind::ResourceBusy,
            "S3 says SlowDown: Please reduce your request rate. (4 attempts)",
        ),
        (Fault::Refuse(429, "", ""), ErrorKind::ResourceBusy, "S3 answers with the status 429 (4 attempts)"),
        (Fault::Refuse(500, "InternalError", ""), ErrorKind::Other, "S3 says InternalError (4 attempts)"),
        (Fault::CutBody(0), ErrorKind::UnexpectedEof, "(4 attempts)"),
        (Fault::Hangup, ErrorKind::UnexpectedEof, "(4 attempts)"),
    ];
    for (fault, kind, end) in cases {
        front.fail(vec![fault.clone(); 4]);
        let (found, text) = refused(whole(&mut object));
        assert_eq!(found, kind, "{fault:?}: {text}");
        assert!(text.starts_with("s3://bucket/object: ") && text.ends_with(end), "{text}");
        assert_eq!((front.take().len(), front.faults_left()), (4, 0), "{fault:?}");
    }
    // And the failed read can be tried again.
    assert_eq!(whole(&mut object).unwrap(), b"bytes");
}

#[test]
fn what_is_refused_is_asked_for_once() {
    let (front, mut object) = stored(b"bytes");
    let denied = Fault::Refuse(403, "AccessDenied", "Access Denied");
    let skewed = Fault::Refuse(403, "RequestTimeTooSkewed", "The difference is too large.");
    let expired = Fault::Refuse(400, "ExpiredToken", "The provided token has expired.");
    let elsewhere = Fault::Refuse(301, "PermanentRedirect", "Use the specified endpoint.");
    let cases = [
        (denied, ErrorKind::PermissionDenied, "S3 says AccessDenied: Access Denied"),
        (skewed, ErrorKind::PermissionDenied, "the clock of this machine is wrong"),
        (expired, ErrorKind::PermissionDenied, "S3 says ExpiredToken"),
        (elsewhere, ErrorKind::InvalidInput, "S3 says PermanentRedirect"),
        (Fault::Refuse(400, "Bad", "x"), ErrorKind::Other, "S3 says Bad: x"),
        (Fault::Refuse(404, "NoSuchKey", "x"), ErrorKind::NotFound, "S3 says NoSuchKey: x"),
        (Fault::Whole, ErrorKind::InvalidData, "another range"),
    ];
    for (fault, kind, expected) in cases {
        let part = [fault.clone()];
        front.fail(part.clone());
        let (found, text) = refused(object.read_at(1, &mut [0; 2]));
        assert!(found == kind && text.contains(expected), "{fault:?}: {found:?} {text}");
        assert_eq!(front.take().len(), 1, "{fault:?}");
        if matches!(fault, Fault::Whole) {
            continue;
        }
        // Opening: HEAD has no body, so GET finds the reason.
        front.fail([part.clone(), part].concat());
        let (found, text) = refused(open(&front, "object"));
        assert!(found == kind && text.contains(expected), "{fault:?}: {found:?} {text}");
        let methods: Vec<_> = front.take().into_iter().map(|request| request.method).collect();
        assert_eq!(methods, ["HEAD", "GET"]);
    }
    assert_eq!(whole(&mut object).unwrap(), b"bytes");
    let (kind, text) = refused(open(&front, "absent"));
    let expected = "s3://bucket/absent: S3 says NoSuchKey: The specified key does not exist.";
    assert_eq!((kind, &*text), (ErrorKind::NotFound, expected));
}

#[test]
fn what_is_replaced_is_an_error_and_no_mixture() {
    let (old, new) = (vec![1; MIB], vec![2; MIB]);
    for fault in [Fault::Replace(new.clone()), Fault::ReplaceUnseen(new.clone())] {
        let (front, mut object) = stored(&old);
        object.read_exact(&mut [0; 10]).unwrap();
        front.fail([fault]);
        let mut read = Vec::new();
        let (kind, text) = refused(object.read_to_end(&mut read));
        assert_eq!(kind, ErrorKind::InvalidData);
        assert!(text.starts_with("s3://bucket/object: was replaced while it was read"), "{text}");
        assert!(read.iter().all(|byte| *byte == 1));
        // For good.
        assert_eq!(refused(whole(&mut object)).0, ErrorKind::InvalidData);
        assert!(whole(&mut open(&front, "object").unwrap()).unwrap() == new);
    }
}

/// Its time is that of the second, in which it can be replaced by an object of the same length.
#[test]
fn a_replaced_object_has_another_stamp() {
    let (front, object) = stored(b"as long");
    let stamp = object.stamp();
    assert_eq!(stamp, open(&front, "object").unwrap().stamp());
    assert_eq!(stamp.mtime.unwrap() / 1_000_000_000, 1_445_412_480);
    front.put("bucket/object", b"another");
    let other = open(&front, "object").unwrap().stamp();
    assert_eq!((other.len, other.mtime == stamp.mtime), (stamp.len, false));
}

#[test]
fn wrong_credentials_are_not_leaked() {
    let (front, _) = stored(b"bytes");
    let bucket = bucket_of(&front.endpoint(), "hidden-secret");
    let (kind, text) = refused(bucket.object("object"));
    assert_eq!(kind, ErrorKind::PermissionDenied);
    assert!(text.contains("SignatureDoesNotMatch"), "{text}");
    let config = Config::new(REGION, "hidden-key", SECRET).unwrap().with_session_token("hidden-token");
    let config = config.with_endpoint(&front.endpoint()).unwrap().with_retry(AT_ONCE);
    let bucket = Bucket::new("bucket", &config).unwrap();
    let object = open(&front, "object").unwrap();
    let shown = format!("{config:?} {bucket:?} {object:?} {text} {:?}", refused(bucket.object("object")));
    for secret in ["hidden", SECRET, "Signature=", "X-Amz"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn keys_of_any_kind_and_objects_without_bytes() {
    let front = Front::start();
    for key in ["a b/ü+%41&=?#.sv2", "/a//b/", "~!*'()$,;:@", "...", "日本"] {
        front.put(&format!("bucket/{key}"), key.as_bytes());
        // The path is the bucket, a slash, and the key.
        let name = open(&front, key).and_then(|mut object| whole(&mut object));
        assert_eq!(String::from_utf8(name.unwrap()).unwrap(), key);
    }
    front.put("bucket/empty", b"");
    assert_eq!(whole(&mut open(&front, "empty").unwrap()).unwrap(), b"");
}

#[test]
fn where_nobody_listens_the_host_is_named() {
    // The port of a client is taken, so nothing can begin to listen on it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let address = client.local_addr().unwrap();
    let (kind, text) = refused(bucket_of(&format!("http://{address}"), SECRET).object("object"));
    assert_eq!(kind, ErrorKind::ConnectionRefused, "{text}");
    assert!(text.starts_with(&format!("s3://bucket/object: {address}: ")), "{text}");
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(SLOW_DOWN),
        Just(Fault::Hangup),
        Just(Fault::CutHead),
        (0..300_000_usize).prop_map(Fault::CutBody),
        (0..300_000_usize).prop_map(Fault::Fewer),
    ]
}

fn seek() -> impl Strategy<Value = SeekFrom> {
    const LEN: i64 = 700_000;
    prop_oneof![
        (0..LEN + 100).prop_map(|to| SeekFrom::Start(to.unsigned_abs())),
        (-LEN..LEN).prop_map(SeekFrom::Current),
        (-LEN..100).prop_map(SeekFrom::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any reads and seeks return the right bytes, through faults.
    #[test]
    fn reads_and_seeks_are_those_of_the_bytes(
        steps in prop::collection::vec((prop::option::of(seek()), 0..400_000_usize, prop::option::of(fault())), 1..12),
    ) {
        let bytes = plaintext(700_000);
        let (front, mut object) = stored(&bytes);
        let mut expected = Cursor::new(&bytes);
        for (seek, len, fault) in steps {
            front.fail(fault);
            if let Some(seek) = seek {
                prop_assert_eq!(object.seek(seek).ok(), expected.seek(seek).ok());
            }
            let (mut read, mut wanted) = (Vec::new(), Vec::new());
            object.by_ref().take(len as u64).read_to_end(&mut read).unwrap();
            expected.by_ref().take(len as u64).read_to_end(&mut wanted).unwrap();
            prop_assert!(read == wanted);
            prop_assert_eq!(object.stream_position().unwrap(), expected.stream_position().unwrap());
        }
    }
}
