//! Decryption restores the input: files, pipes, default names, sizes, contexts, and messages.

use std::io::Write;
use std::process::Stdio;

use stream_v2_testing::command::Folder;
use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::plaintext;

const LENS: &[usize] = &[0, 1, 4095, 4096, 65_536, 1 << 20, (1 << 20) + 1, 3_000_000];

#[test]
fn file_to_file_under_default_names() {
    let folder = Folder::new();
    folder.write("data.tar", &plaintext(20_000));
    let encrypted = folder.run("encrypt -k key data.tar").done();
    assert_eq!(encrypted.stderr(), "sv2: data.tar.sv2: 20000 bytes (19.5 KiB) encrypted, in 2 segments\n");
    std::fs::remove_file(folder.path("data.tar")).unwrap();
    let decrypted = folder.run("decrypt -k key data.tar.sv2").done();
    assert_eq!(
        decrypted.stderr(),
        "sv2: data.tar: 20000 bytes (19.5 KiB) decrypted, from 2 segments; opened with the key file key\n"
    );
    assert_eq!(folder.read("data.tar"), plaintext(20_000));
    assert_eq!(folder.names(), ["data.tar", "data.tar.sv2", "key"]);
    assert!(encrypted.stdout().is_empty() && decrypted.stdout().is_empty());
}

#[test]
fn standard_input_to_standard_output_at_every_length() {
    let folder = Folder::new();
    for &len in LENS {
        let stream = folder.run_with("encrypt -k key", &plaintext(len)).done();
        let back = folder.run_with("decrypt -k key - -o -", stream.stdout()).done();
        assert!(back.stdout() == plaintext(len), "{len}");
        assert_eq!((stream.stderr(), back.stderr()), ("", ""));
    }
}

#[test]
fn every_size_and_any_number_of_workers() {
    let folder = Folder::new();
    folder.write("data", &plaintext(300_000));
    for sizes in ["--frame-size 4K --segment-size 4096", "--frame-size 16KiB --segment-size 48K"] {
        for jobs in [1, 3, 16] {
            folder.run(&format!("encrypt -k key data --force {sizes} --jobs {jobs}")).done();
            folder.run(&format!("decrypt -k key data.sv2 --force -o back --jobs {jobs}")).done();
            assert!(folder.read("back") == plaintext(300_000), "{sizes} {jobs}");
        }
    }
    folder.run("encrypt -k key data --force --frame-size 16M --segment-size 64MiB").done();
    folder.run("decrypt -k key data.sv2 --force -o back").done();
    assert!(folder.read("back") == plaintext(300_000));
}

#[test]
fn standard_input_that_is_a_file() {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    folder.run("encrypt -q -k key data -o named").done();
    let piped_from = |name: &str, command: &str| {
        let file = std::fs::File::open(folder.path(name)).unwrap();
        let output = folder.sv2(command).stdin(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let stream = piped_from("data", "encrypt -q -k key");
    assert_eq!(stream.len(), folder.read("named").len());
    folder.write("stream", &stream);
    assert!(piped_from("stream", "decrypt -q -k key") == plaintext(3_000_000));
}

#[test]
fn either_suite_and_no_other() {
    let folder = Folder::new();
    folder.write("data", &plaintext(300_000));
    for suite in ["xchacha20-poly1305", "aes-256-gcm"] {
        folder.run(&format!("encrypt -q -k key data --force --suite {suite}")).done();
        let shown = folder.run("inspect --json data.sv2").done();
        let shown: serde_json::Value = serde_json::from_slice(shown.stdout()).unwrap();
        // Keys of this suite wear out, so its epochs have 65,536 segments.
        let epoch_segments = if suite == "aes-256-gcm" { 1 << 16 } else { 0 };
        assert_eq!(
            (&shown["header"]["suite"], &shown["header"]["epoch_segments"]),
            (&suite.into(), &epoch_segments.into()),
            "{shown:#}"
        );
        folder.run("verify -k key data.sv2").done();
        folder.run("decrypt -q -k key data.sv2 --force -o back").done();
        assert!(folder.read("back") == plaintext(300_000), "{suite}");
    }
    let refused = folder.run("encrypt -k key data --suite aes-128-gcm");
    let wrong =
        "invalid value 'aes-128-gcm' for '--suite <SUITE>': allowed are xchacha20-poly1305 and aes-256-gcm";
    assert!(refused.stderr().contains(wrong), "{refused}");
}

#[test]
fn a_source_that_gives_one_byte_at_a_time() {
    let folder = Folder::new();
    let mut child = folder
        .sv2("encrypt -k key --frame-size 4K --segment-size 8K -o out")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for byte in plaintext(10_000) {
        stdin.write_all(&[byte]).unwrap();
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert_eq!(folder.run("decrypt -k key out -o -").done().stdout(), plaintext(10_000));
}

#[test]
fn the_key_file_may_come_from_the_environment_or_standard_input() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let by_environment = folder.sv2("encrypt data").env("SV2_KEY_FILE", "key").output().unwrap();
    assert!(by_environment.status.success());
    let by_input = folder.run_with("decrypt -k - data.sv2 -o -", &folder.read("key")).done();
    assert_eq!(by_input.stdout(), b"hello");
    // `verify` uses the key from the environment.
    let verified = folder.sv2("verify data.sv2").env("SV2_KEY_FILE", "key").output().unwrap();
    let said = b"data.sv2: authentic and complete: 2 segments, 5 bytes of plaintext\n";
    assert!(verified.stdout.starts_with(said));
}

#[test]
fn a_context_must_be_brought_again() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -k key --context backup data").done();
    assert_eq!(folder.run("decrypt -k key --context backup data.sv2 -o -").done().stdout(), b"hello");
    assert_eq!(folder.run("decrypt -k key data.sv2 -o -").code(), 4);
    assert_eq!(folder.run("verify -k key --context backups data.sv2").code(), 4);
}

//= spec/stream-v2.md#sv2-key-001
//= type=test
//# A content key MUST be 32 bytes that are indistinguishable from random.
#[test]
fn keygen_makes_keys_that_work_and_differ() {
    let folder = Folder::new();
    let made = folder.run("keygen -o new").done();
    let text = String::from_utf8(folder.read("new")).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("# key id: ")).unwrap();
    assert_eq!(made.stderr(), format!("sv2: new: made key {id}; keep a copy somewhere safe\n"));
    assert!(text.lines().last().unwrap().starts_with(&format!("sv2-key-2 {id} ")));
    let other = folder.run("keygen").done();
    assert!(other.stderr().is_empty() && other.text() != text);
    assert_eq!(folder.run("keygen -o -").done().text().lines().count(), 3);
    folder.write("data", b"hello");
    folder.run("encrypt -k new data").done();
    assert!(folder.run("inspect data.sv2").done().text().contains(id));
    assert_eq!(folder.run("decrypt -q -k new data.sv2 -o -").done().stdout(), b"hello");
}

#[test]
fn quiet_says_nothing_on_success() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    for args in ["encrypt -q -k key data", "decrypt -q -k key data.sv2 -o back", "verify -q data.sv2"] {
        let ran = folder.run(args).done();
        assert_eq!((ran.text(), ran.stderr()), ("", ""), "{args}");
    }
}

#[test]
fn streams_of_the_library_are_read() {
    let folder = Folder::new();
    let back = folder.run_with("decrypt -k key", &SMALL.stream().0).done();
    assert!(back.stdout() == SMALL.plaintext());
}

#[test]
fn what_a_run_has_counted() {
    let folder = Folder::new();
    folder.write("data", &plaintext(5 * 8192 + 1));
    let sizes = "--frame-size 4K --segment-size 8K --jobs 2";
    let figures = |stderr: &str| serde_json::from_str::<serde_json::Value>(stderr).unwrap();
    let ran = folder.run(&format!("encrypt -k key data -q --stats=json {sizes}")).done();
    let encrypted = figures(ran.stderr());
    let stream_len = folder.read("data.sv2").len();
    assert_eq!(encrypted["segments_read"], 6);
    assert_eq!(encrypted["bytes_read"], 5 * 8192 + 1);
    assert_eq!(encrypted["segments_written"], 7);
    assert_eq!(encrypted["bytes_written"], stream_len - 128 - 1024);
    assert_eq!((&encrypted["workers"], &encrypted["window"]), (&2.into(), &6.into()));
    let us = |step: &str| encrypted[format!("{step}_us")].as_u64().unwrap();
    let (elapsed, working) = (us("elapsed"), us("working"));
    assert!(working > 0 && working <= 2 * elapsed, "{encrypted}");
    // Both workers read.
    assert!(us("reading") > 0 && us("reading") <= 2 * elapsed, "{encrypted}");
    for step in ["writing", "making_durable", "recording"] {
        assert!(us(step) > 0 && us(step) <= elapsed, "{step}: {encrypted}");
    }

    let decrypted = figures(folder.run("decrypt -k key data.sv2 -q -o back --stats=json").done().stderr());
    assert_eq!(decrypted["bytes_read"], encrypted["bytes_written"]);
    assert_eq!(decrypted["bytes_written"], encrypted["bytes_read"]);
    let verified = folder.run("verify -k key data.sv2 -q --stats").done();
    assert!(verified.stderr().starts_with("elapsed "), "{}", verified.stderr());
    assert_eq!(folder.run("verify data.sv2 --stats").code(), 2);
    // A failed run prints them, too. A run that has not begun has none.
    folder.write("cut", &folder.read("data.sv2")[..20_000]);
    assert!(folder.run("verify -k key cut --stats").stderr().starts_with("elapsed "));
    assert!(!folder.run("encrypt -k key data --stats").stderr().contains("elapsed"));
}
