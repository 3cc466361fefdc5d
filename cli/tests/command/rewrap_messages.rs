//! Messages of `sv2 rewrap` that are no refusals of a single stream.

use std::fmt::Write as _;
use std::fs::File;
use std::process::Stdio;

use stream_v2_fake_s3::{Front, SECRET};
use stream_v2_testing::command::{Ran, s3};

use crate::files::run_with_shim;
use crate::rewrap::folder;
use crate::system_faults::failing;

#[test]
fn places_that_cannot_be() {
    let folder = folder();
    folder.write("report", b"");
    insta::assert_snapshot!(folder.said(&[
        "rewrap -k key --new-key-file new --all data.sv2 --report report",
        "rewrap -k key --new-key-file new --all missing --report report",
        "rewrap -k key --new-key-file new --all . --report data",
        "rewrap -k key --new-key-file new -",
    ]));
}

#[test]
fn what_was_written_is_told() {
    let folder = folder();
    let mut said = String::new();
    for args in [
        "rewrap -k key --new-key-file new data.sv2 -o new.sv2",
        "rewrap -k key --new-key-file new data.sv2 --detached envelope",
        "rewrap -k key --new-key-file new data.sv2 --keep-old old",
        "rewrap -k new --new-key-file other data.sv2",
        "rewrap -k new --new-key-file other data.sv2",
    ] {
        let ran = folder.run(args).done();
        writeln!(said, "--- sv2 {args}\n{ran}\n").unwrap();
    }
    let args = "rewrap -k new --new-key-file other - --detached from-pipe";
    let mut child = folder.sv2(args);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = Ran(child.spawn().unwrap().wait_with_output().unwrap());
    writeln!(said, "--- sv2 {args}, from a pipe\n{ran}\n").unwrap();
    insta::assert_snapshot!(said);
}

/// Another process holds the file that locks a replacement.
#[test]
fn a_stream_is_replaced_by_one_process() {
    let folder = folder();
    let held = File::create(folder.path("data.sv2.rewrap.new")).unwrap();
    held.lock().unwrap();
    insta::assert_snapshot!(folder.said(&["rewrap -k key --new-key-file new data.sv2"]));
}

#[test]
fn interrupted_replacements_are_completed() {
    let folder = folder();
    let args = "rewrap -k key --new-key-file new data.sv2";
    let arguments = "int fd, const void *bytes, unsigned long len";
    // The copy of the old envelope is there, and the envelope with its CRC is not written.
    let Some(shim) = failing(&folder, "write", arguments, "len == 1024", "EIO") else { return };
    let ran = run_with_shim(&folder, &shim, args);
    assert!(folder.exists("data.sv2.rewrap"), "{ran}");
    let again = folder.run(args).done();
    insta::assert_snapshot!(format!("--- the stream cannot be written to\n{ran}\n\n--- again\n{again}"));
}

#[test]
fn reports_that_cannot_be_written() {
    let folder = folder();
    std::fs::create_dir(folder.path("all")).unwrap();
    folder.write("all/cut.sv2", &folder.read("data.sv2")[..9000]);
    let Some(shim) = failing(&folder, "fdatasync", "int fd", "1", "EIO") else { return };
    let args = "rewrap -k key --new-key-file new --report report --all all";
    insta::assert_snapshot!(run_with_shim(&folder, &shim, args));
}

#[test]
fn what_moved_in_s3_is_told() {
    let (folder, front) = (folder(), Front::start());
    folder.write("data", &stream_v2_testing::plaintext(20 << 20));
    folder.run("encrypt -q -k key data --force").done();
    front.put("bucket/data.sv2", &folder.read("data.sv2"));
    let args = "rewrap -k key --new-key-file new s3://bucket/data.sv2";
    let ran = Ran(s3::sv2(&folder, &front, SECRET, args).output().unwrap()).done();
    insta::assert_snapshot!(ran);
}
