//! Streams in S3, on a real server: `.ci/s3` starts one and names it in the environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::time::Duration;

use rusty_s3::S3Action;
use rusty_s3::actions::{CreateBucket, PutObject};
use rusty_s3::{Credentials, UrlStyle};
use stream_v2_pipeline::s3::{Bucket, Config, Object};
use stream_v2_pipeline::{DecryptPipeline, Managers, ReadAt, WriterSink};
use support::{encrypt, encrypting, key, plaintext};

const MIB: usize = 1 << 20;
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// A bucket on the server, made for one test.
struct Server {
    place: rusty_s3::Bucket,
    credentials: Credentials,
}

impl Server {
    fn new(bucket: &str) -> Self {
        let variable = |name| std::env::var(name).unwrap();
        let endpoint = variable("AWS_ENDPOINT_URL_S3").parse().unwrap();
        let place =
            rusty_s3::Bucket::new(endpoint, UrlStyle::Path, bucket.to_owned(), variable("AWS_REGION"));
        Self { place: place.unwrap(), credentials: Credentials::from_env().unwrap() }
    }

    fn with_bucket(name: &str) -> Self {
        let server = Self::new(name);
        server.create_bucket().unwrap();
        server
    }

    fn create_bucket(&self) -> Result<(), ureq::Error> {
        let url = CreateBucket::new(&self.place, &self.credentials).sign(SIGNED_FOR);
        ureq::put(url.as_str()).send_empty().map(drop)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let url = PutObject::new(&self.place, Some(&self.credentials), key).sign(SIGNED_FOR);
        ureq::put(url.as_str()).send(bytes).unwrap();
    }

    fn bucket(&self) -> Bucket {
        Bucket::new(self.place.name(), &Config::from_env().unwrap()).unwrap()
    }
}

fn whole(mut object: Object) -> Vec<u8> {
    let mut bytes = Vec::new();
    object.read_to_end(&mut bytes).unwrap();
    bytes
}

/// What `.ci/s3` waits for: the bucket may be there from the last time.
#[test]
#[ignore = "needs a server: .ci/s3"]
fn the_server_stores_something() {
    let server = Server::new("ready");
    let _ = server.create_bucket();
    server.put("object", b"bytes");
}

#[test]
#[ignore = "needs a server: .ci/s3"]
fn streams_are_read_from_front_to_back_and_in_ranges() {
    let server = Server::with_bucket("streams");
    let input = plaintext(21 * MIB + 5);
    let stream = encrypt(&encrypting(&key(), 2), &input);
    server.put("a folder/stream+1.sv2", &stream);
    let open = || server.bucket().object("a folder/stream+1.sv2").unwrap();
    assert_eq!(open().size(), stream.len() as u64);
    assert!(open().modified().is_some());
    assert!(whole(open()) == stream);

    let mut decrypted = Vec::new();
    let key = key();
    let mut sink = WriterSink::new(&mut decrypted);
    DecryptPipeline::new(&key).run(open(), &mut sink, Managers::none()).unwrap();
    assert!(decrypted == input);

    let mut ranges = DecryptPipeline::new(&key).open_ranges(open()).unwrap();
    let mut range = Vec::new();
    ranges.copy_range(9_999_999..10_099_999, &mut range).unwrap();
    assert!(range == input[9_999_999..10_099_999]);
}

#[test]
#[ignore = "needs a server: .ci/s3"]
fn seeks_and_offsets() {
    let server = Server::with_bucket("offsets");
    let bytes = plaintext(3 * MIB);
    server.put("object", &bytes);
    let mut object = server.bucket().object("object").unwrap();
    for begin in [0, 1, MIB, 3 * MIB - 1, 5] {
        let mut read = [0; 100];
        let len = object.read_at(begin as u64, &mut read).unwrap();
        assert_eq!(read[..len], bytes[begin..(begin + 100).min(3 * MIB)]);
        object.seek(SeekFrom::Start(begin as u64)).unwrap();
        object.read_exact(&mut read[..len]).unwrap();
        assert_eq!(read[..len], bytes[begin..begin + len]);
    }
    server.put("empty", b"");
    assert_eq!(whole(server.bucket().object("empty").unwrap()), b"");
}

#[test]
#[ignore = "needs a server: .ci/s3"]
fn what_is_replaced_or_refused() {
    let server = Server::with_bucket("refused");
    server.put("object", &vec![1; MIB]);
    let mut object = server.bucket().object("object").unwrap();
    object.read_exact(&mut [0; 10]).unwrap();
    server.put("object", &vec![2; MIB]);
    let mut read = Vec::new();
    let error = object.read_to_end(&mut read).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    assert!(read.iter().all(|byte| *byte == 1));

    let error = server.bucket().object("absent").unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().contains("NoSuchKey")),
        (ErrorKind::NotFound, true),
        "{error}"
    );
    let endpoint = std::env::var("AWS_ENDPOINT_URL_S3").unwrap();
    let key_id = std::env::var("AWS_ACCESS_KEY_ID").unwrap();
    let wrong = Config::new("us-east-1", &key_id, "hidden").unwrap().with_endpoint(&endpoint).unwrap();
    let error = Bucket::new("refused", &wrong).unwrap().object("object").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("SignatureDoesNotMatch"), "{error}");
}
