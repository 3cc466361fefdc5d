//! `sv2 rewrap --all`: all streams in a place, with a report that the next run skips by.

use std::collections::BTreeMap;

use serde_json::Value;
use stream_v2_fake_s3::{Front, SECRET};
use stream_v2_testing::command::{Folder, Ran, s3};

use crate::rewrap::folder;

const ALL: &str = "rewrap -k key --new-key-file new --report report --all";

fn lines(folder: &Folder) -> Vec<Value> {
    let text = String::from_utf8(folder.read("report")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the last outcome of each place.
fn outcomes(folder: &Folder) -> BTreeMap<String, String> {
    let word = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines(folder).iter().map(|line| (word(line, "place"), word(line, "outcome"))).collect()
}

#[test]
fn a_folder_of_streams_is_rewrapped() {
    const STREAMS: usize = 1000;
    let folder = folder();
    folder.write("data", b"short");
    folder.run("encrypt -q -k key data -o short").done();
    let (stream, large) = (folder.read("short"), folder.read("data.sv2"));
    for name in ["short", "data.sv2", "data"] {
        std::fs::remove_file(folder.path(name)).unwrap();
    }
    std::fs::create_dir_all(folder.path("all/below")).unwrap();
    for number in 0..STREAMS - 1 {
        let below = if number % 2 == 0 { "below/" } else { "" };
        folder.write(&format!("all/{below}{number}.sv2"), &stream);
    }
    folder.write("all/large.sv2", &large);
    folder.write("all/other", b"no stream");
    let ran = folder.run(&format!("{ALL} all")).done();
    assert!(ran.stderr().contains("1000 envelopes replaced, 1 skipped, 0 failed"), "{ran}");
    assert!(outcomes(&folder).values().all(|outcome| outcome == "replaced"));
    assert_eq!((outcomes(&folder).len(), lines(&folder).len()), (STREAMS, 2 * STREAMS));
    for name in ["0.sv2", "large.sv2", "below/0.sv2"].map(|name| format!("all/{name}")) {
        if folder.exists(&name) {
            folder.run(&format!("verify -k new {name}")).done();
        }
    }
    // The same command has nothing to do.
    let again = folder.run(&format!("{ALL} all")).done();
    assert!(again.stderr().contains("0 envelopes replaced, 1001 skipped, 0 failed"), "{again}");
    assert_eq!(lines(&folder).len(), 2 * STREAMS);
}

#[test]
fn failures_are_reported_and_tried_again() {
    let folder = folder();
    std::fs::create_dir(folder.path("all")).unwrap();
    folder.write("all/1.sv2", &folder.read("data.sv2"));
    folder.write("all/2.sv2", &folder.read("data.sv2")[..9000]);
    folder.run("encrypt -q -k other data -o all/3.sv2").done();
    folder.write("all/4.sv2", &folder.read("data.sv2"));
    let ran = folder.run(&format!("{ALL} all"));
    assert_eq!(ran.code(), 1, "{ran}");
    insta::assert_snapshot!(ran.stderr());
    let states = outcomes(&folder);
    let states: Vec<&str> = states.values().map(String::as_str).collect();
    assert_eq!(states, ["replaced", "failed", "failed", "replaced"]);
    // The rest is done once it can be.
    folder.write("all/2.sv2", &folder.read("data.sv2"));
    std::fs::remove_file(folder.path("all/3.sv2")).unwrap();
    let ran = folder.run(&format!("{ALL} all")).done();
    assert!(ran.stderr().contains("1 envelope replaced, 2 skipped, 0 failed"), "{ran}");
}

/// A run that was killed after it had written an envelope, and before it had reported that.
#[test]
fn an_interrupted_run_is_continued() {
    let folder = folder();
    std::fs::create_dir(folder.path("all")).unwrap();
    folder.write("all/1.sv2", &folder.read("data.sv2"));
    folder.write("all/2.sv2", &folder.read("data.sv2"));
    folder.run(&format!("{ALL} all")).done();
    let report = folder.read("report");
    let text = String::from_utf8(report).unwrap();
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    // The last line is missing, or torn.
    for cut in [last, last + 30] {
        folder.write("report", &text.as_bytes()[..cut]);
        let ran = folder.run(&format!("{ALL} all")).done();
        assert!(ran.stderr().contains("0 envelopes replaced, 2 skipped, 0 failed"), "{ran}");
    }
    folder.write("report", b"something else\n");
    let ran = folder.run(&format!("{ALL} all"));
    assert!(ran.code() == 2 && ran.stderr().contains("is not a report"), "{ran}");
    assert_eq!(folder.read("report"), b"something else\n");
}

#[test]
fn a_database_of_streams_is_rewrapped() {
    let folder = folder();
    for name in ["a", "b", "c"] {
        folder.run(&format!("encrypt -q -k key data -o sqlite:all.db?stream={name}")).done();
    }
    let ran = folder.run(&format!("{ALL} all.db")).done();
    assert!(ran.stderr().contains("3 envelopes replaced, 0 skipped, 0 failed"), "{ran}");
    assert!(outcomes(&folder).contains_key("sqlite:all.db?stream=b"));
    folder.run("verify -k new sqlite:all.db?stream=c").done();
    let again = folder.run(&format!("{ALL} sqlite:all.db")).done();
    assert!(again.stderr().contains("0 envelopes replaced, 3 skipped, 0 failed"), "{again}");
}

#[test]
fn a_prefix_of_a_bucket_is_rewrapped() {
    let (folder, front) = (folder(), Front::start());
    for name in ["daily/1", "daily/2 +%", "daily/3", "weekly/1"] {
        front.put(&format!("bucket/{name}"), &folder.read("data.sv2"));
    }
    front.put("bucket/daily/readme", b"no stream");
    front.set_page(2);
    let run = |args: &str| Ran(s3::sv2(&folder, &front, SECRET, args).output().unwrap());
    let ran = run(&format!("{ALL} s3://bucket/daily/")).done();
    assert!(ran.stderr().contains("3 envelopes replaced, 1 skipped, 0 failed"), "{ran}");
    run("verify -k new s3://bucket/daily/3").done();
    run("verify -k key s3://bucket/weekly/1").done();
    let again = run(&format!("{ALL} s3://bucket/daily/")).done();
    assert!(again.stderr().contains("0 envelopes replaced, 4 skipped, 0 failed"), "{again}");
}
