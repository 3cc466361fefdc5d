//! Messages about S3: uploads that were begun elsewhere, and objects that appear during a run.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use stream_v2_fake_s3::{Fault, Operation, SECRET};
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::{Ran, s3};

use crate::s3_aborted::{ENCRYPT, without_age};
use crate::s3_place::Place;

#[test]
fn uploads_begun_elsewhere_are_told() {
    let place = Place::interrupted();
    // The record of this machine is gone, as on any other machine.
    fs::remove_dir_all(place.folder.path("state")).unwrap();
    let mut all = format!("{}\n", place.run(ENCRYPT).done());
    assert_eq!(place.front.uploads().len(), 1);
    place.assert_there();
    let listed = place.run("uploads s3://bucket/out.sv2").done();
    writeln!(all, "--- sv2 uploads s3://bucket/out.sv2\n{}", without_age(&listed)).unwrap();
    insta::assert_snapshot!(all);
    // Credentials that may not list uploads.
    let denied = Fault::Refuse(403, "AccessDenied", "Access Denied");
    place.front.fail_at(Operation::ListMultipartUploads, 0, denied);
    let ran = place.run(&format!("{ENCRYPT} --force")).done();
    assert!(!ran.stderr().contains("no record"), "{ran}");
}

/// The same command resumes its own upload, and says nothing of others.
#[test]
fn uploads_of_this_machine_are_resumed() {
    let place = Place::interrupted();
    let ran = place.run(ENCRYPT).done();
    assert!(!ran.stderr().contains("no record"), "{ran}");
    place.assert_there();
}

/// Runs a command that reads a pipe, and lets `meanwhile` happen before the end of the pipe.
fn run_while(place: &Place, meanwhile: impl FnOnce()) -> Ran {
    let mut command = s3::sv2(&place.folder, &place.front, SECRET, "encrypt -k key -o s3://bucket/out.sv2");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello").unwrap();
    wait_until("the record", || place.state_len() > 1);
    meanwhile();
    drop(stdin);
    Ran(child.wait_with_output().unwrap())
}

#[test]
fn objects_that_appear_during_a_run() {
    let place = Place::new(0);
    let taken = run_while(&place, || place.front.put("bucket/out.sv2", b"of another program"));
    let place = Place::new(0);
    let hidden = run_while(&place, || {
        place.front.hide_absent();
        place.front.refuse_conditions(501, "NotImplemented");
    });
    insta::assert_snapshot!(format!("--- the object is there\n{taken}\n\n--- S3 does not say\n{hidden}"));
}

#[test]
fn settings_that_are_missing() {
    let place = Place::new(5);
    let mut command = s3::sv2(&place.folder, &place.front, SECRET, ENCRYPT);
    for name in ["HOME", "SV2_STATE_DIR", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    insta::assert_snapshot!(Ran(command.output().unwrap()));
}

/// The upload is gone at S3, and its files here cannot be removed.
#[cfg(target_os = "linux")]
#[test]
fn files_of_an_aborted_upload_that_stay() {
    let place = Place::interrupted();
    let (arguments, condition) = ("const char *path", "strstr(path, \"state/\")");
    let shim = crate::system_faults::failing(&place.folder, "unlink", arguments, condition, "EPERM");
    let Some(shim) = shim else { return };
    let args = "uploads s3://bucket/out --abort";
    let mut command = s3::sv2(&place.folder, &place.front, SECRET, args);
    let ran = Ran(command.env("LD_PRELOAD", shim).output().unwrap());
    insta::assert_snapshot!(without_age(&ran));
}
