//! The messages about rejected streams: one snapshot for each part of a stream that can be wrong.

use std::fmt::Write;
use std::fs;

use stream_v2_testing::command::forge::wire_field;
use stream_v2_testing::command::stream::{Recipe, SMALL};
use stream_v2_testing::command::{Folder, KEY, KEY_ID, key_text};

/// A kind of damage, and a stream that has it.
type Case = (&'static str, Vec<u8>);

const F: usize = 4096;

fn header_cases() -> Vec<Case> {
    let small = SMALL.stream();
    let field = |offset, bytes: &[u8]| small.header_field(offset, bytes);
    vec![
        ("an empty file", Vec::new()),
        ("a text file", b"Not a stream.\n".repeat(20)),
        ("a short text file", b"Not a stream.\n".to_vec()),
        ("another magic", small.flipped(0)),
        ("line ends converted", small.patched(4, b"\n\x1a\n\x01")),
        ("cut in the header", small.0[..50].to_vec()),
        ("a flipped bit in the header", small.flipped(40)),
        ("version 2", field(8, &[2, 0])),
        ("the first reserved byte", field(15, &[1])),
        ("a later reserved byte", field(119, &[1])),
        ("suite 2 in one epoch for ever", field(10, &[2, 0])),
        ("suite 3", field(10, &[3, 0])),
        ("a flag that is not assigned", field(12, &[0x81, 0])),
        ("frames of 2 KiB", field(14, &[11])),
        ("segments smaller than a frame", field(16, &2048u32.to_le_bytes())),
        ("segments of one and a half frames", field(16, &6144u32.to_le_bytes())),
        ("segments of 128 MiB", field(16, &(1u32 << 27).to_le_bytes())),
        ("an envelope that is too long", field(112, &65_540u32.to_le_bytes())),
        ("an envelope of no proper length", field(112, &5u32.to_le_bytes())),
        ("an envelope whose checksum is wrong", field(112, &12u32.to_le_bytes())),
        ("cut in the envelope", field(112, &65_532u32.to_le_bytes())),
    ]
}

fn segment_header_cases() -> Vec<Case> {
    let small = SMALL.stream();
    let first = |offset, bytes: &[u8]| small.segment_field(0, offset, bytes);
    let second = |offset, bytes: &[u8]| small.segment_field(1, offset, bytes);
    let word = |value: u32| value.to_le_bytes();
    let header = small.segments()[1].start;
    vec![
        ("another magic", small.flipped(header)),
        ("a flipped bit", small.flipped(header + 45)),
        ("a reserved byte", second(14, &[1])),
        ("kind 1, index", second(8, &[1])),
        ("kind 9", second(8, &[9])),
        ("codec 1, zstd", second(9, &[1])),
        ("digest_alg 9", second(10, &[9])),
        ("a flag that is not assigned", second(12, &[4])),
        ("the last segment_index", second(4, &word(u32::MAX))),
        ("key_epoch over its limit", second(16, &word(70_000))),
        ("plaintext_len over segment_size", second(28, &word(8193))),
        ("payload_len over segment_size", second(32, &word(8193))),
        ("final, with plaintext", second(8, &[2])),
        ("no RUN_START in the first", first(12, &[0])),
        ("key_epoch 1", second(16, &word(1))),
        ("plaintext_len 0", second(28, &word(0))),
        ("payload_len other than plaintext_len", second(32, &word(5))),
        ("data_frames", second(20, &word(3))),
        ("frame_count", second(24, &word(5))),
        ("wire_len", second(36, &word(0xFF00_0005))),
        ("segment_index, under the checksum only", second(4, &word(5))),
        ("run_salt, under the checksum only", second(40, &[0x41; 16])),
    ]
}

fn wire_cases() -> Vec<Case> {
    let small = SMALL.stream();
    let forged = |offset, bytes: &[u8]| wire_field(&small, 1, offset, bytes);
    let digest = 2 * (F + 24);
    vec![
        ("a flipped bit", small.flipped(small.segments()[1].start + 96 + 1000)),
        ("the type of a frame", forged(0, &[3])),
        ("a reserved byte of a frame", forged(F + 24 + 2, &[1])),
        ("the length of a frame", forged(4, &5u32.to_le_bytes())),
        ("ciphertext, under checksum and tag that match", forged(8 + 100, &[0, 0])),
        ("a frame's tag, under checksum and tag that match", forged(8 + F, &[0, 0])),
        ("the digest frame, under checksum and tag that match", forged(digest + 8, &[0, 0])),
    ]
}

fn order_cases() -> Vec<Case> {
    let small = SMALL.stream();
    let part = |place| small.segment(place);
    let altered = |change: fn(&mut Recipe)| {
        let mut recipe = SMALL;
        change(&mut recipe);
        recipe.stream()
    };
    let foreign = altered(|recipe| recipe.stream_salt = 0x21);
    let rerun = altered(|recipe| recipe.run_salt = 0x41);
    let edited = altered(|recipe| recipe.shift = 1);
    let shorter = altered(|recipe| recipe.plaintext_len = 9000);
    let resumed = SMALL.resumed_segment(2);
    vec![
        ("two segments swapped", small.with(&[part(1), part(0), part(2), part(3)])),
        ("a segment twice", small.with(&[part(0), part(0), part(1), part(2), part(3)])),
        ("a segment left out", small.with(&[part(0), part(2), part(3)])),
        ("a segment of another stream", small.with(&[part(0), foreign.segment(1), part(2), part(3)])),
        ("a segment of another run", small.with(&[part(0), rerun.segment(1), part(2), part(3)])),
        ("a segment after a short one", small.with(&[part(0), shorter.segment(1), part(2), part(3)])),
        ("a run that continues another history", small.with(&[part(0), part(1), &resumed])),
        ("the end of another plaintext", small.with(&[part(0), part(1), part(2), edited.segment(3)])),
        ("the beginning of another plaintext", small.with(&[edited.segment(0), part(1), part(2), part(3)])),
        ("the end too early", small.with(&[part(0), part(1), shorter.segment(2)])),
    ]
}

fn end_cases() -> Vec<Case> {
    let small = SMALL.stream();
    let segments = small.segments();
    let cut = |at: usize| small.0[..at].to_vec();
    let followed = |by: &[u8]| [&small.0[..], by].concat();
    vec![
        ("cut behind the stream header", cut(128)),
        ("cut in the first segment header", cut(128 + 17)),
        ("cut in the first wire", cut(1000)),
        ("cut between segments", cut(segments[1].start)),
        ("cut in a segment header", cut(segments[2].start + 95)),
        ("cut in a wire", cut(segments[2].end - 1)),
        ("cut before the final segment", cut(segments[3].start)),
        ("cut by one byte", cut(small.0.len() - 1)),
        ("one byte more", followed(b"\0")),
        ("a line feed more", followed(b"\n")),
        ("the stream twice", followed(&small.0)),
    ]
}

/// The messages of `sv2 decrypt` about each case.
///
/// It checks that no output remains or, for a truncated stream, that a partial output remains.
fn decrypt_all(cases: Vec<Case>) -> String {
    let folder = Folder::new();
    let mut said = String::new();
    for (name, stream) in cases {
        folder.write("in.sv2", &stream);
        let ran = folder.run("decrypt -k key in.sv2 -o out");
        writeln!(said, "--- {name}\n{ran}\n").unwrap();
        if ran.stderr().contains("out.partial is kept") {
            assert!(ran.stderr().contains("(truncated at byte"), "{ran}");
            assert!(SMALL.plaintext().starts_with(&folder.read("out.partial")), "{name}");
            fs::remove_file(folder.path("out.partial")).unwrap();
            fs::remove_file(folder.path("out.journal")).unwrap();
        }
        assert_eq!(folder.names(), ["in.sv2", "key"], "{name}");
    }
    said
}

#[test]
fn stream_header() {
    insta::assert_snapshot!(decrypt_all(header_cases()));
}

#[test]
fn segment_header() {
    insta::assert_snapshot!(decrypt_all(segment_header_cases()));
}

//= spec/stream-v2.md#sv2-err-002
//= type=test
//# A reader MUST NOT tell more about a failed tag, frame or unwrapping than its kind, detail,
//# offset and segment.
#[test]
fn wire() {
    insta::assert_snapshot!(decrypt_all(wire_cases()));
}

#[test]
fn order() {
    insta::assert_snapshot!(decrypt_all(order_cases()));
}

#[test]
fn ends() {
    insta::assert_snapshot!(decrypt_all(end_cases()));
}

//= spec/stream-v2.md#sv2-env-009
//= type=test
//# and a content key under which header_tag does not verify as `key.header_tag`.
#[test]
fn keys_and_contexts() {
    let folder = Folder::new();
    let small = SMALL.stream();
    folder.write("in.sv2", &small.0);
    folder.write("renamed.sv2", &small.header_field(64, &[0xB2; 16]));
    folder.write("unnamed.sv2", &small.header_field(64, &[0; 16]));
    folder.write("salted.sv2", &small.header_field(32, &[0x21; 32]));
    folder.write_key("other", &key_text([0xC3; 16], [8; 32]));
    folder.write_key("same-id", &key_text(KEY_ID, [8; 32]));
    folder.write_key("same-key", &key_text([0xC3; 16], KEY));
    let names = folder.names();
    let mut said = String::new();
    for args in [
        "-k other in.sv2",
        "-k same-id in.sv2",
        "-k key --context else in.sv2",
        "-k key renamed.sv2",
        "-k key unnamed.sv2",
        "-k key salted.sv2",
    ] {
        for command in [format!("decrypt {args} -o out"), format!("verify {args}")] {
            writeln!(said, "--- sv2 {command}\n{}\n", folder.run(&command)).unwrap();
        }
    }
    assert_eq!(folder.names(), names);
    insta::assert_snapshot!(said);
    // The id only helps to find the key. It does not decide.
    folder.run("decrypt -k same-key in.sv2 -o out").done();
}

#[test]
fn plaintext_on_standard_output_is_an_authentic_prefix() {
    let folder = Folder::new();
    let small = SMALL.stream();
    let segments = small.segments();
    let other_end = Recipe { plaintext_len: 16_384, shift: 1, ..SMALL }.stream();
    let other_end = other_end.segment(2);
    let mut said = String::new();
    for (name, stream, segments) in [
        ("cut", small.0[..segments[2].start].to_vec(), 2),
        ("flipped", small.flipped(segments[1].start + 500), 1),
        ("flipped in the first", small.flipped(500), 0),
        ("followed", [&small.0[..], b"x"].concat(), 3),
        (
            "with the end of another plaintext",
            small.with(&[small.segment(0), small.segment(1), other_end]),
            2,
        ),
    ] {
        let ran = folder.run_with("decrypt -k key", &stream);
        writeln!(said, "--- {name}\n{ran}\n").unwrap();
        assert_eq!(ran.stdout(), &SMALL.plaintext()[..(segments * 8192).min(20_000)], "{name}");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn salvage_publishes_the_committed_prefix_and_says_so() {
    let folder = Folder::new();
    let small = SMALL.stream();
    let segments = small.segments();
    let mut said = String::new();
    for (name, stream, released) in [
        ("cut between segments", &small.0[..segments[1].start], 8192),
        ("cut in a wire", &small.0[..segments[2].end - 1], 16_384),
        ("cut before the final segment", &small.0[..segments[3].start], 20_000),
        ("cut behind the stream header", &small.0[..128], 0),
        ("sealed", &small.0, 20_000),
    ] {
        folder.write("in.sv2.partial", stream);
        let ran = folder.run("decrypt -k key --salvage in.sv2.partial --force -o out");
        writeln!(said, "--- {name}\n{ran}\n").unwrap();
        assert_eq!(folder.read("out"), &SMALL.plaintext()[..released], "{name}");
    }
    // The former name of the option.
    let ran = folder.run_with("decrypt -k key --unsealed", &small.0[..segments[1].start]);
    writeln!(said, "--- to standard output\n{ran}\n").unwrap();
    assert_eq!(ran.stdout(), &SMALL.plaintext()[..8192]);
    insta::assert_snapshot!(said);
}

#[test]
fn salvage_is_for_truncation_only() {
    let folder = Folder::new();
    let small = SMALL.stream();
    for (stream, code) in [
        (small.0[..100].to_vec(), 1),
        (small.flipped(small.segments()[1].start + 500), 1),
        ([&small.0[..], b"x"].concat(), 1),
        (small.flipped(0), 1),
    ] {
        folder.write("in.sv2", &stream);
        let ran = folder.run("decrypt -k key --salvage in.sv2 -o out");
        assert_eq!(ran.code(), code, "{ran}");
        assert_eq!(folder.names(), ["in.sv2", "key"]);
    }
}

/// Without the key the same faults are found, except those that need the key. Nothing is called
/// authentic (SV2-NOK-001).
//= spec/stream-v2.md#sv2-nok-001
//= type=test
//# A tool that checks a stream without the key MUST NOT call it authentic, verified or intact.
#[test]
fn verify_without_a_key_never_says_more_than_checksums() {
    let folder = Folder::new();
    let groups = [header_cases(), segment_header_cases(), wire_cases(), order_cases(), end_cases()];
    for (name, stream) in groups.into_iter().flatten().chain([("sealed", SMALL.stream().0)]) {
        folder.write("in.sv2", &stream);
        let ran = folder.run("verify in.sv2");
        let said = format!("{}{}", ran.text(), ran.stderr()).replace("authenticity is unknown", "");
        assert!(said.contains("checksums only, without a key"), "{name}: {said}");
        for word in ["authentic", "verified", "intact", "genuine"] {
            assert!(!said.contains(word), "{name}: {said}");
        }
        let keyed = folder.run("verify -k key in.sv2");
        let only_with_key = ["auth.", "order.", "key."].iter().any(|kind| keyed.stderr().contains(kind));
        assert!(ran.code() == keyed.code() || only_with_key, "{name}: {ran} {keyed}");
    }
}

#[test]
fn verify() {
    let folder = Folder::new();
    let small = SMALL.stream();
    folder.write("in.sv2", &small.0);
    folder.write("cut.sv2", &small.0[..small.segments()[2].start]);
    folder.write("flipped.sv2", &small.flipped(5000));
    folder.write("forged.sv2", &wire_field(&small, 1, 8 + 100, &[0, 0]));
    let mut said = String::new();
    for name in ["in", "cut", "flipped", "forged"] {
        for args in [format!("verify -k key {name}.sv2"), format!("verify {name}.sv2")] {
            let ran = folder.run(&args);
            writeln!(said, "--- sv2 {args}\n{}{ran}\n", ran.text()).unwrap();
        }
    }
    insta::assert_snapshot!(said);
    assert_eq!(folder.run_with("verify -k key", &small.0).done().text().lines().count(), 1);
    let quiet = folder.run("verify -q -k key in.sv2").done();
    assert_eq!((quiet.text(), quiet.stderr()), ("", ""));
}
