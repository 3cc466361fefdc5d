//! Uploads to S3, on a real server.
//!
//! `.ci/s3` installs `SeaweedFS` and `.ci/s3-servers` the others, and each test starts one. Some
//! kill it at a moment that the source chooses.

use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::served::{bucket, config, config_with, looks_at_the_condition, looks_at_the_secret};
use md5::{Digest, Md5};
use stream_v2_pipeline::{
    ContentKey, Durability, EncryptPipeline, Error, FileSink, InterruptedEncryption, OutputFile, SourceStamp,
};
use stream_v2_s3::{Bucket, Multipart, PartBytes, Retry, Upload, UploadId};
use stream_v2_s3_servers::{BUCKET, Server};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, key};
use tempfile::TempDir;

const MIB: usize = 1 << 20;
/// The smallest part that the server takes, except the last one.
const LEAST: usize = 5 * MIB;
const KEY: &str = "a folder/stream+1.sv2";

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn what_uploads_ask_for() {
    let server = Server::start();
    let bucket = bucket(&server);
    assert_eq!(bucket.find(KEY).unwrap(), None);
    let id = bucket.begin(KEY, "mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    assert_eq!(bucket.parts(upload).unwrap(), Some(Vec::new()));
    let (first, second) = (plaintext(LEAST), plaintext(1000));
    bucket.send(upload, 1, &PartBytes(&vec![1; LEAST])).unwrap();
    // Replaces another one, as after a lost answer.
    let etags = [
        bucket.send(upload, 1, &PartBytes(&first)).unwrap(),
        bucket.send(upload, 2, &PartBytes(&second)).unwrap(),
    ];
    assert_eq!(etags[0], format!("\"{}\"", hex::encode(Md5::digest(&first))));
    let listed = bucket.parts(upload).unwrap().unwrap();
    for (number, etag, len) in [(1, &etags[0], LEAST as u64), (2, &etags[1], 1000)] {
        assert!(
            listed.iter().any(|part| (part.number, &part.etag, part.len) == (number, etag, len)),
            "{listed:?}"
        );
    }
    let unfinished = bucket.unfinished("").unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!((&*unfinished[0].key, &unfinished[0].id), (KEY, &id));

    let etags = [&*etags[0], &*etags[1]];
    bucket.complete(upload, &etags, false).unwrap();
    let found = bucket.find(KEY).unwrap().unwrap();
    assert_eq!((found.len, found.mark.as_deref()), (LEAST as u64 + 1000, Some("mark")));
    assert!(server.read(KEY) == [first, second].concat());
    assert_eq!(bucket.unfinished("").unwrap(), []);

    let id = bucket.begin(KEY, "other").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    let etag = bucket.send(upload, 1, &PartBytes(b"other")).unwrap();
    let looks = server.kind().quirks().completes_conditionally;
    looks_at_the_condition(looks, bucket.complete(upload, &[&etag], false));
    if looks {
        bucket.complete(upload, &[&etag], true).unwrap();
    }
    assert_eq!(bucket.find(KEY).unwrap().unwrap().mark.as_deref(), Some("other"));
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn what_uploads_give_up_and_what_is_refused() {
    let server = Server::start();
    let bucket = bucket(&server);
    let id = bucket.begin(KEY, "mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    bucket.send(upload, 1, &PartBytes(b"part")).unwrap();
    bucket.abort(upload).unwrap();
    bucket.abort(upload).unwrap();
    assert_eq!(bucket.parts(upload).unwrap(), None);
    let error = hasty(&server).send(upload, 1, &PartBytes(b"part")).unwrap_err();
    assert_eq!(error.kind() == ErrorKind::NotFound, server.kind().quirks().misses_aborted, "{error}");
    assert_eq!((bucket.find(KEY).unwrap(), bucket.unfinished("").unwrap()), (None, Vec::new()));

    bucket.put_empty(KEY, "empty", false).unwrap();
    let found = bucket.find(KEY).unwrap().unwrap();
    assert_eq!((found.len, found.mark.as_deref()), (0, Some("empty")));
    looks_at_the_condition(server.kind().quirks().puts_conditionally, bucket.put_empty(KEY, "again", false));
    bucket.put_empty(KEY, "again", true).unwrap();
    assert_eq!(bucket.find(KEY).unwrap().unwrap().mark.as_deref(), Some("again"));

    let wrong = Bucket::new(BUCKET, &config_with(&server, "hidden")).unwrap();
    looks_at_the_secret(&server, wrong.begin(KEY, "mark"));
    let error = Bucket::new("no-such-bucket", &config(&server)).unwrap().find(KEY).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// Returns the bucket, with at most two attempts for everything.
fn hasty(server: &Server) -> Bucket {
    let retry = Retry { attempts: 2, ..Retry::default() };
    Bucket::new(BUCKET, &config(server).with_retry(retry)).unwrap()
}

/// Segments of 64 KiB, durable after every MiB.
fn pipeline(key: &ContentKey) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params = pipeline.params.with_frame_size_log2(12).with_segment_size(1 << 16);
    pipeline.durability = Durability { bytes: MIB as u64, ..Durability::default() };
    pipeline
}

fn output(bucket: Bucket, folder: &TempDir) -> OutputFile {
    Upload::new(bucket, KEY, &folder.path().join("state")).unwrap().with_part_len(LEAST as u64).output()
}

fn seal(output: &OutputFile, source: impl Read + Send) -> Result<(), Error> {
    let sink = FileSink::create(output).unwrap();
    pipeline(&key()).run_to_file(source, SourceStamp::default(), sink, None).map(drop)
}

/// Checks that the object is this stream, and that nothing else is left, here or there.
fn is_exactly(server: &Server, folder: &TempDir, input: &[u8]) {
    let (decrypted, result) = decrypt(&stream_v2_pipeline::DecryptPipeline::new(&key()), &server.read(KEY));
    result.unwrap();
    assert!(decrypted == input);
    if server.kind().quirks().manages_uploads {
        assert_eq!(server.unfinished(), []);
    }
    assert_eq!(folder.path().join("state").read_dir().unwrap().count(), 0);
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn streams_of_every_length() {
    let server = Server::start();
    for len in [0, 1, LEAST, 5 * LEAST + 1] {
        let folder = tempfile::tempdir().unwrap();
        let input = plaintext(len);
        seal(&output(bucket(&server), &folder).overwriting(true), &input[..]).unwrap();
        is_exactly(&server, &folder, &input);
    }
}

/// Checks that a server that came back without the upload has no object of a part of the stream.
fn lost_everything(server: &Server) {
    assert_eq!(bucket(server).find(KEY).unwrap(), None);
}

/// A source that stops in its middle until it may continue.
struct Pausing<'a> {
    input: &'a [u8],
    pause_at: usize,
    read: usize,
    reached: Sender<()>,
    goes_on: Receiver<()>,
}

impl Read for Pausing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.pause_at {
            self.reached.send(()).unwrap();
            self.goes_on.recv().unwrap();
        }
        let rest = &self.input[self.read..];
        let most = if self.read < self.pause_at { self.pause_at - self.read } else { rest.len() };
        let len = (&rest[..most.min(rest.len())]).read(buffer)?;
        self.read += len;
        Ok(len)
    }
}

/// Uploads `input`, and calls `meanwhile` in the middle.
///
/// The server ends with the thread that starts it, so this thread calls `meanwhile`.
fn seal_while(
    output: &OutputFile,
    input: &[u8],
    server: &mut Server,
    meanwhile: impl FnOnce(&mut Server, Sender<()>),
) -> Result<(), Error> {
    let (reached, is_reached) = channel();
    let (go_on, goes_on) = channel();
    let source = Pausing { input, pause_at: input.len() / 2, read: 0, reached, goes_on };
    thread::scope(|scope| {
        let run = scope.spawn(|| seal(output, source));
        is_reached.recv().unwrap();
        meanwhile(server, go_on);
        run.join().unwrap()
    })
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn a_server_that_comes_back_is_waited_for() {
    let mut server = Server::start();
    let keeps = server.kind().quirks().keeps;
    // An upload that is lost does not come back.
    let attempts = if keeps { 60 } else { 6 };
    let patient = Retry { attempts, longest_pause: Duration::from_secs(1), ..Retry::default() };
    let bucket = Bucket::new(BUCKET, &config(&server).with_retry(patient)).unwrap();
    let (folder, input) = (tempfile::tempdir().unwrap(), plaintext(8 * LEAST));
    let done = seal_while(&output(bucket, &folder), &input, &mut server, |server, go_on| {
        server.kill();
        go_on.send(()).unwrap();
        server.start_again();
        server.until_ready();
    });
    if !keeps {
        assert!(done.is_err());
        return lost_everything(&server);
    }
    done.unwrap();
    is_exactly(&server, &folder, &input);
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn unreachable_server_ends_run_which_resumes() {
    let mut server = Server::start();
    let bucket = hasty(&server);
    let (folder, input) = (tempfile::tempdir().unwrap(), plaintext(8 * LEAST));
    let error = seal_while(&output(bucket.clone(), &folder), &input, &mut server, |server, go_on| {
        server.until_a_part_is_there();
        server.kill();
        go_on.send(()).unwrap();
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains(&format!("s3://{BUCKET}/{KEY}: {}: ", server.address())), "{error}");
    server.start_again();
    server.until_ready();

    let (key, output) = (key(), output(bucket, &folder));
    let pipeline = pipeline(&key);
    let resume = || -> Result<(), Error> {
        let mut found = InterruptedEncryption::find(&pipeline, &output)?.unwrap();
        assert!(found.recovered().committed.segments > 0);
        let mut source = Cursor::new(&input);
        found.check_source(&mut source, SourceStamp::default())?;
        found.resume(&pipeline, source, None).map(drop)
    };
    match resume() {
        // Whether the bytes of the lost parts are still on this machine depends on the moment.
        Err(error) if !server.kind().quirks().keeps => {
            assert!(error.to_string().contains("gone"), "{error}");
            lost_everything(&server);
        }
        resumed => {
            resumed.unwrap();
            is_exactly(&server, &folder, &input);
        }
    }
}
