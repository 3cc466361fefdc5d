//! Streams in S3 as outputs of the command: interrupted, killed, rejected, resumed.

use std::fs;
use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use stream_v2_fake_s3::{Fault, Operation, SECRET};
use stream_v2_testing::command::Ran;
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::s3;
use stream_v2_testing::plaintext;

use crate::s3_place::Place;

/// Three parts and a little more.
const LEN: usize = (25 << 20) + 5;
const OUT: &str = "bucket/out.sv2";

impl Place {
    /// Starts the command with a pipe as its input.
    fn begin(&self, args: &str) -> (Child, ChildStdin) {
        let mut command = s3::sv2(&self.folder, &self.front, SECRET, args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        (child, stdin)
    }

    fn run_with(&self, args: &str, input: &[u8]) -> Ran {
        let (child, mut stdin) = self.begin(args);
        thread::scope(|scope| {
            // The command may end before it has read everything.
            scope.spawn(move || drop(stdin.write_all(input)));
            Ran(child.wait_with_output().unwrap())
        })
    }

    /// The files on this machine for incomplete outputs.
    fn state(&self) -> Vec<String> {
        let entries = self.folder.path("state").read_dir().into_iter().flatten();
        entries.map(|entry| entry.unwrap().path().to_string_lossy().into_owned()).collect()
    }

    /// The record of an upload.
    fn record(&self) -> String {
        let record = self.state().into_iter().find(|name| name.ends_with(".upload"));
        record.and_then(|name| fs::read_to_string(name).ok()).unwrap_or_default()
    }

    /// The object holds the input, and nothing else remains in S3 or on this machine.
    fn assert_holds(&self, input: &[u8]) {
        self.folder.write("object.sv2", &self.front.object(OUT).unwrap());
        assert!(self.folder.run("decrypt -k key object.sv2 -o -").done().stdout() == input);
        assert_eq!((self.state(), self.front.uploads().len()), (vec![], 0));
    }
}

#[test]
fn there_and_back() {
    let place = Place::new(LEN);
    insta::assert_snapshot!(place.run("encrypt -k key data -o s3://bucket/out.sv2").done(), @r"
    sv2: s3://bucket/out.sv2: 26214405 bytes (25 MiB) encrypted, in 27 segments
    exit 0
    ");
    place.assert_holds(&plaintext(LEN));
    assert!(place.front.take().iter().any(|request| request.part == Some(3)));
    insta::assert_snapshot!(place.run("decrypt -k key s3://bucket/out.sv2 -o s3://bucket/back").done(), @r"
    sv2: s3://bucket/back: 26214405 bytes (25 MiB) decrypted, from 27 segments; opened with the key file key
    exit 0
    ");
    assert!(place.front.object("bucket/back").unwrap() == plaintext(LEN));

    let piped =
        place.run_with("encrypt -k key --jobs 1 - -o s3://bucket/out.sv2 --force", &plaintext(LEN - 1));
    insta::assert_snapshot!(piped.done(), @r"
    sv2: s3://bucket/out.sv2: 26214404 bytes (25 MiB) encrypted, in 27 segments
    exit 0
    ");
    place.assert_holds(&plaintext(LEN - 1));
    assert_eq!(
        place.run("decrypt -q -k key s3://bucket/out.sv2 -o s3://bucket/back --force").done().stderr(),
        ""
    );
    assert!(place.front.object("bucket/back").unwrap() == plaintext(LEN - 1));
    assert_eq!(place.state(), [""; 0]);
}

#[test]
fn there_and_back_with_nothing() {
    let place = Place::new(LEN);
    place.folder.write("data", b"");
    insta::assert_snapshot!(place.run("encrypt -k key data -o s3://bucket/out.sv2").done(), @r"
    sv2: s3://bucket/out.sv2: 0 bytes encrypted, in 1 segment
    exit 0
    ");
    place.assert_holds(b"");
    insta::assert_snapshot!(place.run("decrypt -k key s3://bucket/out.sv2 -o s3://bucket/back").done(), @r"
    sv2: s3://bucket/back: 0 bytes decrypted, from 1 segment; opened with the key file key
    exit 0
    ");
    assert_eq!(place.front.object("bucket/back").unwrap(), b"");
    place.run_with("encrypt -q -k key - -o s3://bucket/out.sv2 --force", b"").done();
    place.assert_holds(b"");
}

#[test]
fn what_cannot_be_done_is_told() {
    let place = Place::new(LEN);
    place.folder.write("data", b"data");
    place.folder.write_key("other", &stream_v2_testing::command::key_text([9; 16], [9; 32]));
    place.run("encrypt -q -k key data -o s3://bucket/out.sv2").done();
    place.front.put("bucket/taken", b"of somebody else");
    let (no_bucket, denied) = (
        Fault::Refuse(404, "NoSuchBucket", "The specified bucket does not exist"),
        Fault::Refuse(403, "AccessDenied", "Access Denied"),
    );
    let commands = [
        (SECRET, None, "encrypt -k key data -o s3://bucket/taken"),
        (SECRET, None, "decrypt -k key s3://bucket/out.sv2 -o s3://bucket/taken"),
        (SECRET, None, "decrypt -k other s3://bucket/out.sv2 -o s3://bucket/new"),
        (SECRET, None, "encrypt -k key data -o s3://bucket"),
        (SECRET, None, "encrypt -k key data -o s3://bucket/../other"),
        (SECRET, Some(no_bucket), "encrypt -k key data -o s3://bucket/new"),
        (SECRET, Some(denied), "encrypt -k key data -o s3://bucket/new"),
        ("wrong", None, "encrypt -k key data -o s3://bucket/new"),
        ("", None, "encrypt -k key data -o s3://bucket/new"),
    ];
    let mut told = Vec::new();
    for (secret, fault, args) in commands {
        place.front.fail(vec![fault; 20]);
        let ran = Ran(s3::sv2(&place.folder, &place.front, secret, args).output().unwrap());
        told.push(format!("$ {args}\n{ran}"));
        place.front.heal();
    }
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(place.front.object("bucket/taken").unwrap(), b"of somebody else");
    assert_eq!((place.state(), place.front.uploads().len()), (vec![], 0));
    assert_eq!(place.front.object("bucket/new"), None);
    place.run("encrypt -q -k key data -o s3://bucket/taken --force").done();
    assert!(place.front.object("bucket/taken").unwrap().starts_with(b"\x89SV2"));
}

/// S3 accepts no part from the second one on.
fn stalls(place: &Place) {
    for _ in 0..1000 {
        place.front.fail_at(
            Operation::UploadPart,
            1,
            Fault::Refuse(503, "SlowDown", "Please reduce your rate."),
        );
    }
}

#[test]
fn an_upload_that_is_interrupted_is_gone_on_with() {
    let place = Place::new(LEN);
    // Nothing is sent before the end, so that the time of retries stays short.
    let args = "encrypt -k key --sync-every 64M data -o s3://bucket/out.sv2";
    stalls(&place);
    let (child, _stdin) = place.begin(args);
    // Everything is encrypted, and waits for S3.
    wait_until("all parts", || [" part 4 ", " sent "].iter().all(|line| place.record().contains(line)));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    insta::assert_snapshot!(Ran(child.wait_with_output().unwrap()), @r"
    sv2: interrupted after 27 segments
    hint: the upload is kept: an unsealed stream of 27 whole segments, 26214405 bytes (25 MiB) of plaintext
    hint: run the same command again to resume; --restart starts over; only this machine has the data not yet uploaded
    exit 130
    ");
    assert_eq!(place.front.uploads().len(), 1);
    place.front.heal();
    place.front.take();
    insta::assert_snapshot!(place.run(args).done(), @r"
    sv2: s3://bucket/out.sv2: was complete; only its name was missing
    exit 0
    ");
    assert_eq!(place.front.take().iter().filter(|request| request.part.is_some()).count(), 3);
    place.assert_holds(&plaintext(LEN));
}

#[test]
fn an_upload_that_is_killed_is_gone_on_with() {
    let place = Place::new(LEN);
    place.run("encrypt -q -k key data -o s3://bucket/out.sv2").done();
    let args = "decrypt -k key s3://bucket/out.sv2 -o s3://bucket/back";
    stalls(&place);
    let (mut child, _stdin) = place.begin(args);
    wait_until("a part", || place.front.uploads().iter().any(|upload| !upload.parts.is_empty()));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    place.front.heal();
    let ran = place.run(args).done();
    assert!(ran.stderr().starts_with("sv2: s3://bucket/back.partial: resuming after "), "{ran}");
    assert!(place.front.object("bucket/back").unwrap() == plaintext(LEN));
    place.assert_holds(&plaintext(LEN));
}

/// The uploaded part begins with the envelope, which the second run reads from S3 or from its
/// files.
#[test]
fn uploads_for_a_passphrase_are_resumed() {
    for options in ["--passphrase-file right", "-k key"] {
        let place = Place::new(LEN);
        place.folder.write("right", b"correct\n");
        let args = format!("encrypt {options} --sync-every 8M data -o s3://bucket/out.sv2");
        stalls(&place);
        let (mut child, _stdin) = place.begin(&args);
        wait_until("a part", || place.front.uploads().iter().any(|upload| !upload.parts.is_empty()));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None);
        place.front.heal();
        let ran = place.run(&args).done();
        // Depending on the moment, all of it was sealed.
        let resumed = ["resuming after ", "only its name was missing"];
        assert!(resumed.iter().any(|said| ran.stderr().contains(said)), "{ran}");
        place.run(&format!("verify {options} s3://bucket/out.sv2")).done();
        let range = place.run(&format!("cat {options} s3://bucket/out.sv2 -r 9000000..9000010")).done();
        assert_eq!(range.stdout(), &plaintext(LEN)[9_000_000..9_000_010]);
        assert_eq!((place.state(), place.front.uploads().len()), (vec![], 0));
    }
}

const PIPED: &str = "encrypt -k key --sync-every 8M - -o s3://bucket/out.sv2";

/// A run from a pipe, killed when this machine no longer has the bytes that S3 has.
fn killed_at_a_pipe() -> Place {
    let place = Place::new(LEN);
    let (mut child, mut stdin) = place.begin(PIPED);
    let input = plaintext(LEN);
    stdin.write_all(&input[..18 << 20]).unwrap();
    wait_until("a part", || place.record().contains(" sent 1 "));
    // 24 whole segments, however long it takes until the run is killed. The pipe stays open, so the
    // command must expect more data.
    stdin.write_all(&input[18 << 20..(24 << 20) + 5]).unwrap();
    wait_until("something is given up", || place.record().contains(" forgets "));
    child.kill().unwrap();
    child.wait().unwrap();
    place
}

#[test]
fn what_comes_from_a_pipe_is_fed_again() {
    let place = killed_at_a_pipe();
    let mut other = plaintext(LEN);
    other[5] ^= 1;
    let ran = place.run_with(PIPED, &other);
    insta::assert_snapshot!(ran, @r"
    sv2: standard input: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    assert_eq!(place.front.uploads().len(), 1);
    let ran = place.run_with(PIPED, &plaintext(LEN)).done();
    assert!(ran.stderr().starts_with("sv2: s3://bucket/out.sv2.partial: resuming after "), "{ran}");
    place.assert_holds(&plaintext(LEN));
}

#[test]
fn starting_over_gives_the_upload_up() {
    let place = killed_at_a_pipe();
    let before = place.front.uploads();
    let input = plaintext(1000);
    place.run_with(&format!("{PIPED} --restart"), &input).done();
    place.assert_holds(&input);
    let aborted: Vec<_> = place
        .front
        .take()
        .into_iter()
        .filter(|request| request.operation == Operation::AbortMultipartUpload)
        .collect();
    assert_eq!(aborted.len(), 1);
    assert_eq!(aborted[0].upload.as_ref(), Some(&before[0].id));
}

/// An expired upload is reported, with a hint on how to start over.
#[test]
fn an_upload_that_has_expired_is_told() {
    let place = killed_at_a_pipe();
    place.front.expire(&place.front.uploads()[0].id);
    insta::assert_snapshot!(place.run_with(PIPED, &plaintext(LEN)), @r"
    sv2: s3://bucket/out.sv2.partial: resuming after 24 segments, 25165824 bytes (24 MiB)
    sv2: s3://bucket/out.sv2: what was uploaded is gone at S3 (aborted, or expired), and is not on this machine any more
    hint: --restart discards the partial output and starts over
    exit 3
    ");
    place.run_with(&format!("{PIPED} --restart"), &plaintext(LEN)).done();
    place.assert_holds(&plaintext(LEN));
}
