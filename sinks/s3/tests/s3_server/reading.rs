//! Streams in S3, read from a real server.
//!
//! `.ci/s3` installs `SeaweedFS` and `.ci/s3-servers` the others, and each test starts one.
//! `uploads.rs` writes.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use crate::served::{bucket, config_with, looks_at_the_secret};
use stream_v2_pipeline::{DecryptPipeline, Managers, ReadAt, WriterSink};
use stream_v2_s3::{Bucket, Object};
use stream_v2_s3_servers::{BUCKET, Server};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypt, encrypting, key};

const MIB: usize = 1 << 20;

fn whole(mut object: Object) -> Vec<u8> {
    let mut bytes = Vec::new();
    object.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn streams_are_read_in_order_and_in_ranges() {
    let server = Server::start();
    let input = plaintext(21 * MIB + 5);
    let stream = encrypt(&encrypting(&key(), 2), &input);
    server.put("a folder/stream+1.sv2", &stream);
    let open = || bucket(&server).object("a folder/stream+1.sv2").unwrap();
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
#[ignore = "needs a server: .ci/s3-servers"]
fn seeks_and_offsets() {
    let server = Server::start();
    let bytes = plaintext(3 * MIB);
    server.put("object", &bytes);
    let mut object = bucket(&server).object("object").unwrap();
    for begin in [0, 1, MIB, 3 * MIB - 1, 5] {
        let mut read = [0; 100];
        let len = object.read_at(begin as u64, &mut read).unwrap();
        assert_eq!(read[..len], bytes[begin..(begin + 100).min(3 * MIB)]);
        object.seek(SeekFrom::Start(begin as u64)).unwrap();
        object.read_exact(&mut read[..len]).unwrap();
        assert_eq!(read[..len], bytes[begin..begin + len]);
    }
    server.put("empty", b"");
    assert_eq!(whole(bucket(&server).object("empty").unwrap()), b"");
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn what_is_replaced_or_refused() {
    let server = Server::start();
    server.put("object", &vec![1; MIB]);
    let mut object = bucket(&server).object("object").unwrap();
    object.read_exact(&mut [0; 10]).unwrap();
    server.put("object", &vec![2; MIB]);
    let mut read = Vec::new();
    let error = object.read_to_end(&mut read).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    assert!(read.iter().all(|byte| *byte == 1));

    let error = bucket(&server).object("absent").unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().contains("NoSuchKey")),
        (ErrorKind::NotFound, true),
        "{error}"
    );
    let wrong = Bucket::new(BUCKET, &config_with(&server, "hidden")).unwrap();
    looks_at_the_secret(&server, wrong.object("object"));
}
