//! An encryption that was killed is gone on with by the same command, and nothing of what was committed is written again.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use support::{Folder, plaintext};

/// No test waits longer for a process.
const PATIENCE: Duration = Duration::from_secs(60);
const LEN: usize = 12 << 20;
const ENCRYPT: &str = "encrypt -k key --frame-size 4K --segment-size 64K data";

/// A folder with some data in it.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder
}

/// Starts the command, and kills it when `partial` has grown by so many bytes; whether that came before its end.
fn killed(folder: &Folder, args: &str, partial: &str, growth: u64) -> bool {
    let len = || folder.path(partial).metadata().map_or(0, |metadata| metadata.len());
    let begin = len();
    let mut child = folder.sv2(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return false;
        }
        if len() >= begin + growth {
            child.kill().unwrap();
            return !child.wait().unwrap().success();
        }
        assert!(Instant::now() < end, "waited in vain");
        thread::yield_now();
    }
}

/// The whole segments of a partial stream, as the command without a key sees them.
fn committed_len(folder: &Folder) -> usize {
    let json: serde_json::Value =
        serde_json::from_str(folder.run("inspect --json data.sv2.partial").text()).unwrap();
    let end = |segment: &serde_json::Value| {
        segment["offset"].as_u64().unwrap() + 96 + segment["wire_len"].as_u64().unwrap()
    };
    json["segments"].as_array().unwrap().last().map_or(128, end).try_into().unwrap()
}

/// Encrypts, killed again and again after what `growth` says, until a run comes to its end; how often it was killed.
fn encrypt_under_fire(mut growth: impl FnMut() -> u64) -> u32 {
    let folder = folder();
    let (mut kept, mut kills): (Vec<u8>, u32) = (Vec::new(), 0);
    while killed(&folder, ENCRYPT, "data.sv2.partial", growth()) {
        kills += 1;
        let partial = folder.read("data.sv2.partial");
        assert!(partial.starts_with(&kept), "what was committed was written again");
        kept = partial[..committed_len(&folder)].to_vec();
    }
    assert!(folder.read("data.sv2").starts_with(&kept));
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == plaintext(LEN));
    assert_eq!(folder.names(), ["back", "data", "data.sv2", "key"]);
    kills
}

#[test]
fn kill_after_kill() {
    for first in [1, 70_000, 1 << 20, 5 << 20] {
        // More from time to time, so that there is an end.
        let mut growth = first;
        let kills = encrypt_under_fire(|| {
            growth += 10_000;
            growth
        });
        assert!(kills > 0);
    }
}

/// `cargo test -p stream-v2 --test resume -- --ignored`
#[test]
#[ignore = "a quarter of a minute that the other tests do not need"]
fn two_hundred_kills() {
    let (mut kills, mut seed) = (0, 1_u64);
    while kills < 200 {
        kills += encrypt_under_fire(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % (2 << 20)
        });
    }
}

/// Leaves `data.sv2.partial` and its journal behind.
fn interrupted() -> Folder {
    let folder = folder();
    assert!(killed(&folder, ENCRYPT, "data.sv2.partial", 1 << 20));
    folder
}

#[test]
fn a_source_that_has_changed_is_refused() {
    let folder = interrupted();
    let before = folder.read("data.sv2.partial");
    folder.write("data", &plaintext(LEN - 1));
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data: is not what the interrupted run has read: its length is another
    hint: --restart starts over and throws it away
    exit 1
    ");
    folder.write("data", &vec![1; LEN]);
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data: is not what the interrupted run has read: it was modified
    hint: --restart starts over and throws it away
    exit 1
    ");
    fs::remove_file(folder.path("data.sv2.journal")).unwrap();
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data: is not what the interrupted run has read: what was encrypted last is not in it
    hint: --restart starts over and throws it away
    exit 1
    ");
    // A torn tail may have been cut; what was committed is as it was.
    assert!(before.starts_with(&folder.read("data.sv2.partial")));
    folder.run(&format!("{ENCRYPT} --restart")).done();
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == vec![1; LEN]);
}

#[test]
fn other_keys_and_sizes_are_refused() {
    let folder = interrupted();
    folder.write_key("other", &support::key_text([9; 16], [9; 32]));
    let ran = folder.run("encrypt -k other data");
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: key.header_tag at byte 80: wrong key, wrong context or altered header
    hint: it was begun with another key or --context; --restart starts over and throws it away
    exit 4
    ");
    let ran = folder.run("encrypt -k key --segment-size 1M data");
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: was begun with --segment-size 64 KiB
    hint: leave --segment-size out to go on with it; --restart starts over and throws it away
    exit 2
    ");
    folder.run("encrypt -q -k key data").done();
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == plaintext(LEN));
}

#[test]
fn from_a_pipe_what_is_committed_is_skipped() {
    let folder = interrupted();
    let ran = folder.run_with("encrypt -k key - -o data.sv2", &plaintext(LEN)).done();
    assert!(ran.stderr().contains("going on after"), "{ran}");
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == plaintext(LEN));
}

#[test]
fn a_stream_that_lacks_only_its_name_gets_it() {
    let folder = folder();
    folder.run(ENCRYPT).done();
    let sealed = folder.read("data.sv2");
    fs::rename(folder.path("data.sv2"), folder.path("data.sv2.partial")).unwrap();
    let ran = folder.run(ENCRYPT).done();
    assert_eq!(ran.stderr(), "sv2: data.sv2: was complete; only its name was missing\n");
    assert!(folder.read("data.sv2") == sealed);
}

#[test]
fn damage_is_told_and_nothing_is_changed() {
    let folder = interrupted();
    let mut partial = folder.read("data.sv2.partial");
    partial[1000] ^= 1;
    folder.write("data.sv2.partial", &partial);
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: malformed.damaged at byte 128, segment 0: what is committed is damaged here, and intact segments follow
    hint: nothing was changed; --restart starts over and throws it away
    exit 1
    ");
    assert!(folder.read("data.sv2.partial") == partial);
}
