//! Keys that resemble other things, endless lists, and slow bodies.

use std::io::{self, ErrorKind, Read};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use stream_v2_fake_s3::{Fault, Front, KEY_ID, Operation, REGION, SECRET};
use stream_v2_s3::{Aborted, Bucket, Config, Multipart, PartBody, PartBytes, Retry, UploadId};

use crate::machine::{KEY, Machine, OBJECT, count};

const ODD: [&str; 16] = [
    "../victim/obj",
    "..",
    ".",
    "a/../b",
    "a/./b",
    " lead",
    "trail ",
    "tab\t",
    "\u{1}control",
    "line\nbreak",
    "a+b%41&=?#;",
    "<&>\"'",
    "/",
    "a//b",
    "%2e%2e/x",
    "日本",
];

fn bucket(front: &Front, name: &str, token: Option<&str>) -> Bucket {
    let config = Config::new(REGION, KEY_ID, SECRET).unwrap().with_endpoint(&front.endpoint()).unwrap();
    let config = token.into_iter().fold(config, |config, token| config.with_session_token(token));
    Bucket::new(name, &config.with_retry(AT_ONCE)).unwrap()
}

const AT_ONCE: Retry = Retry { attempts: 2, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };

#[test]
fn odd_keys_name_their_own_uploads() {
    let front = Front::start();
    let (ours, theirs) = (bucket(&front, "bucket", None), bucket(&front, "victim", None));
    let stays = theirs.begin("obj", "mark").unwrap();
    let mut begun: Vec<_> =
        ODD.iter().map(|key| ((*key).to_owned(), ours.begin(key, "mark").unwrap())).collect();
    let names: Vec<_> = front.uploads().into_iter().skip(1).map(|upload| upload.name).collect();
    assert_eq!(names, ODD.map(|key| format!("bucket/{key}")));

    front.set_page(3);
    let mut listed: Vec<_> =
        ours.unfinished("").unwrap().into_iter().map(|upload| (upload.key, upload.id)).collect();
    listed.sort();
    begun.sort();
    assert_eq!(listed, begun);
    for (key, id) in &listed {
        assert_eq!(
            ours.unfinished(key).unwrap().iter().filter(|upload| upload.id == *id).count(),
            1,
            "{key}"
        );
        assert_eq!(ours.abort(UploadId { key, id }).unwrap(), Aborted::Now, "{key}");
    }
    let left = front.uploads();
    assert_eq!(left.iter().map(|upload| &*upload.id).collect::<Vec<_>>(), [&*stays]);
    for request in front.take() {
        let path = request.target.split('?').next().unwrap();
        assert!(!path.split('/').any(|part| matches!(part, "." | "..")), "{}", request.target);
    }
}

#[test]
fn a_key_with_the_code_of_an_error_is_a_key() {
    let machine = Machine::new();
    assert_eq!(machine.bucket.find("NoSuchBucket").unwrap(), None);
    machine.front.put("bucket/NoSuchBucket", b"object");
    assert_eq!(machine.bucket.find("NoSuchBucket").unwrap().unwrap().len, 6);
}

#[test]
fn temporary_credentials_are_not_in_the_url() {
    let front = Front::start();
    front.put("bucket/a b", b"object");
    let token = "a token+/==";
    let mut object = bucket(&front, "bucket", Some(token)).object("a b").unwrap();
    let mut read = Vec::new();
    object.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"object");
    for request in front.take() {
        for hidden in ["X-Amz", KEY_ID, "token", "Signature"] {
            assert!(!request.target.contains(hidden), "{}", request.target);
        }
    }
}

#[test]
fn lists_that_do_not_end_are_ended() {
    let machine = Machine::new();
    let page = |next: &str| {
        let next =
            format!("<NextKeyMarker>{next}</NextKeyMarker><NextUploadIdMarker>{next}</NextUploadIdMarker>");
        Fault::Answer(format!(
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>{next}</ListMultipartUploadsResult>"
        ))
    };
    let endless = Fault::Answer("<A>".to_owned() + &" ".repeat(5 << 20) + "</A>");
    for (faults, what) in [
        (vec![page("a"), page("a")], "does not come to its end"),
        (vec![page("a"), page("b"), page("c"), page("a")], "does not come to its end"),
        (vec![endless], "longer than any"),
    ] {
        machine.front.fail(faults);
        let error = machine.bucket.unfinished("").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(machine.front.faults_left(), 0);
    }
    let part = "<Part><PartNumber>1</PartNumber><Size>1</Size><ETag>e</ETag></Part>".repeat(40_001);
    machine.front.fail([Fault::Answer(format!("<ListPartsResult>{part}</ListPartsResult>"))]);
    let error = machine.bucket.parts(UploadId { key: KEY, id: "1" }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(count(&machine.front.take(), Operation::ListParts) == 1);
}

/// A part that is read in pieces, with a pause before each.
struct Slow<'a>(PartBytes<'a>, Duration);

struct SlowBytes<'a>(&'a [u8], Duration);

impl Read for SlowBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        thread::sleep(self.1);
        let len = buffer.len().min(1000);
        self.0.read(&mut buffer[..len])
    }
}

impl PartBody for Slow<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn md5(&self) -> [u8; 16] {
        self.0.md5()
    }

    fn sha256(&self) -> [u8; 32] {
        self.0.sha256()
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(SlowBytes(self.0.0, self.1)))
    }
}

/// The whole body takes longer than the limit, which is for a connection that takes nothing.
///
/// A pause that is longer than intended makes no difference.
#[test]
fn a_body_may_take_its_time() {
    let front = Front::start();
    let limit = Duration::from_millis(200);
    let config = Config::new(REGION, KEY_ID, SECRET).unwrap().with_endpoint(&front.endpoint()).unwrap();
    let bucket = Bucket::new("bucket", &config.with_retry(AT_ONCE).with_stall_limit(limit)).unwrap();
    let id = bucket.begin(KEY, "mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    front.take();
    bucket.send(upload, 1, &Slow(PartBytes(&[7; 4000]), limit / 2)).unwrap();
    assert_eq!(front.take().len(), 1);
}

/// Accepts, and reads nothing.
#[test]
fn a_connection_that_takes_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let config = Config::new(REGION, KEY_ID, SECRET).unwrap().with_endpoint(&endpoint).unwrap();
    let config =
        config.with_retry(Retry { attempts: 0, ..AT_ONCE }).with_stall_limit(Duration::from_millis(50));
    let bucket = Bucket::new("bucket", &config).unwrap();
    // More than the system buffers for a connection.
    let body = vec![7; 64 << 20];
    let error = bucket.send(UploadId { key: KEY, id: "1" }, 1, &PartBytes(&body)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    drop(listener);
    assert!(error.to_string().contains(OBJECT.trim_start_matches("bucket/")));
}
