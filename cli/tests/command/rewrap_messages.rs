//! Messages of `sv2 rewrap` that are no refusals of a single stream.

use std::fmt::Write as _;
use std::process::Stdio;

use stream_v2_testing::command::Ran;

use crate::rewrap::folder;

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
