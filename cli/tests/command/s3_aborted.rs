//! Aborted uploads to S3, through the command, and servers that do not obey.

use rustix::process::{Pid, Signal, kill_process};
use stream_v2::s3::{Bucket, Config, Multipart};
use stream_v2_fake_s3::{Fault, KEY_ID, Operation, REGION, SECRET};
use stream_v2_testing::command::Ran;
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::s3;
use stream_v2_testing::plaintext;

use crate::s3_place::Place;

const ABORT: Operation = Operation::AbortMultipartUpload;
const DENIED: Fault = Fault::Refuse(403, "AccessDenied", "Access Denied");
/// Two parts.
const LEN: usize = 9 << 20;
pub(crate) const ENCRYPT: &str = "encrypt -k key data -o s3://bucket/out.sv2";

impl Place {
    fn bucket(&self, name: &str) -> Bucket {
        let config = Config::new(REGION, KEY_ID, SECRET).unwrap();
        Bucket::new(name, &config.with_endpoint(&self.front.endpoint()).unwrap()).unwrap()
    }

    /// The number of files on this machine for incomplete outputs.
    pub(crate) fn state_len(&self) -> usize {
        self.folder.path("state").read_dir().map_or(0, Iterator::count)
    }

    /// A run that S3 has ended after one part.
    pub(crate) fn interrupted() -> Self {
        let place = Self::new(LEN);
        place.front.fail_at(Operation::UploadPart, 1, Fault::Refuse(400, "Bad", "No."));
        assert_eq!(place.run(ENCRYPT).code(), 3);
        assert_eq!((place.front.uploads().len(), place.state_len() > 0), (1, true));
        place.front.heal();
        place
    }

    pub(crate) fn assert_there(&self) {
        self.folder.write("object.sv2", &self.front.object("bucket/out.sv2").unwrap());
        assert!(self.folder.run("decrypt -k key object.sv2 -o -").done().stdout() == plaintext(LEN));
        assert_eq!(self.state_len(), 0);
    }
}

/// Replaces the age. The server's time is fixed, so the age grows from day to day.
pub(crate) fn without_age(ran: &Ran) -> String {
    let text = format!("{}{ran}", ran.text());
    let line = |line: &str| match (line.split_once(": begun "), line.split_once(" ago")) {
        (Some((name, _)), Some((_, rest))) => format!("{name}: begun AGE ago{rest}"),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn odd_keys_and_refusals_block_no_other_upload() {
    let place = Place::new(LEN);
    let (bucket, victim) = (place.bucket("bucket"), place.bucket("victim"));
    victim.begin("obj", "mark").unwrap();
    for key in ["../victim/obj", "..", "a/../b", " lead", "trail ", "plain"] {
        bucket.begin(key, "mark").unwrap();
    }
    place.front.fail_at(ABORT, 0, Fault::Refuse(404, "NoSuchUpload", "There is no such upload."));
    place.front.fail_at(ABORT, 4, DENIED);
    place.front.fail_at(ABORT, 5, Fault::RefuseAfter(404, "NoSuchUpload", "There is no such upload."));
    insta::assert_snapshot!(without_age(&place.run("uploads s3://bucket --abort")));
    let names =
        |place: &Place| place.front.uploads().into_iter().map(|upload| upload.name).collect::<Vec<_>>();
    assert_eq!(names(&place), ["victim/obj", "bucket/ lead", "bucket/plain"]);
    place.run("uploads s3://bucket --abort").done();
    assert_eq!(names(&place), ["victim/obj"]);
}

#[test]
fn what_an_aborted_upload_left_here_is_removed() {
    let place = Place::interrupted();
    let ran = place.run("uploads s3://bucket/out --abort").done();
    insta::assert_snapshot!(without_age(&ran));
    assert_eq!((place.state_len(), place.front.uploads().len()), (0, 0));
    place.run(ENCRYPT).done();
    place.assert_there();
}

#[test]
fn another_upload_of_the_same_key_is_kept_here() {
    let place = Place::interrupted();
    let kept = place.front.uploads()[0].id.clone();
    place.bucket("bucket").begin("out.sv2", "mark").unwrap();
    place.front.fail_at(ABORT, 0, DENIED);
    let ran = place.run("uploads s3://bucket --abort");
    assert_eq!(ran.code(), 3);
    assert!(!ran.text().contains("on this machine"), "{ran}");
    assert_eq!(place.front.uploads().iter().map(|upload| &upload.id).collect::<Vec<_>>(), [&kept]);
    place.run(ENCRYPT).done();
    place.assert_there();
}

#[test]
fn an_upload_that_is_at_work_is_not_aborted() {
    let place = Place::new(LEN);
    place.front.fail_at(Operation::UploadPart, 0, Fault::Silence);
    let mut child = s3::sv2(&place.folder, &place.front, SECRET, ENCRYPT).spawn().unwrap();
    let asked = || place.front.take().iter().any(|request| request.operation == Operation::UploadPart);
    wait_until("a part", asked);
    let ran = place.run("uploads s3://bucket --abort");
    assert_eq!(ran.code(), 3);
    insta::assert_snapshot!(without_age(&ran));
    assert_eq!(place.front.uploads().len(), 1);
    // S3 does not respond, and the command ends nevertheless.
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    wait_until("the end", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    place.run(ENCRYPT).done();
    place.assert_there();
}

#[test]
fn a_refused_abort_does_not_block_restarting() {
    let place = Place::interrupted();
    place.front.fail_at(ABORT, 0, DENIED);
    insta::assert_snapshot!(place.run(&format!("{ENCRYPT} --restart")).done());
    assert_eq!(place.front.uploads().len(), 1);
    place.assert_there();
}

#[test]
fn an_unreadable_list_of_parts_is_told() {
    let place = Place::interrupted();
    place.front.fail_at(Operation::ListParts, 0, Fault::Answer("<html>".into()));
    insta::assert_snapshot!(place.run(ENCRYPT));
    place.run(ENCRYPT).done();
    place.assert_there();
}

#[test]
fn servers_without_conditions_are_told() {
    let place = Place::new(LEN);
    place.front.refuse_conditions(501, "NotImplemented");
    insta::assert_snapshot!(place.run(ENCRYPT).done());
    place.assert_there();
}

#[test]
fn without_the_right_to_list_objects_are_written() {
    let place = Place::new(LEN);
    place.front.hide_absent();
    insta::assert_snapshot!(place.run(ENCRYPT).done());
    place.assert_there();

    let place = Place::new(LEN);
    place.front.hide_absent();
    place.front.refuse_conditions(501, "NotImplemented");
    insta::assert_snapshot!(place.run(ENCRYPT));
    assert_eq!((place.state_len(), place.front.object("bucket/out.sv2")), (0, None));
    place.run(&format!("{ENCRYPT} --force")).done();
    place.assert_there();
}

#[test]
fn a_replaced_source_is_noticed_by_a_resumed_run() {
    let place = Place::new(LEN);
    let source = plaintext(LEN);
    place.front.put("bucket/source", &source);
    let args = "encrypt -k key --sync-every 1M s3://bucket/source -o out.sv2";
    // The third range fails, after two were read.
    place.front.fail_at(Operation::GetObject, 2, Fault::Refuse(403, "AccessDenied", "Access Denied"));
    let ran = place.run(args);
    assert!(ran.stderr().contains("is kept: an unsealed stream of"), "{ran}");
    // The same length, the same second, and the same bytes around the last commit.
    let mut other = source.clone();
    other[5] ^= 1;
    place.front.put("bucket/source", &other);
    insta::assert_snapshot!(place.run(args));
    place.front.put("bucket/source", &source);
    place.run(args).done();
    place.folder.run("decrypt -q -k key out.sv2 -o back").done();
    assert!(place.folder.read("back") == source);
}

#[test]
fn the_name_of_a_bucket_that_is_not_one_is_told() {
    let place = Place::new(LEN);
    let told = ["a", "-abc", "a..b"].map(|name| place.run(&format!("uploads s3://{name}")).to_string());
    insta::assert_snapshot!(told.join("\n"));
}
