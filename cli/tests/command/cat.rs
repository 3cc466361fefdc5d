//! `sv2 cat`: ranges of the plaintext, through the command.

use std::fs::File;

use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::command::{Folder, Ran, key_text};
use stream_v2_testing::plaintext;

/// A folder with a stream of 20,000 bytes in three segments, and its plaintext.
fn folder() -> (Folder, Vec<u8>) {
    let folder = Folder::new();
    folder.write("data.sv2", &SMALL.stream().0);
    (folder, SMALL.plaintext())
}

#[test]
fn any_range_is_written() {
    let (folder, plaintext) = folder();
    for (range, expected) in [
        ("", 0..20_000),
        ("--range ..", 0..20_000),
        ("-r 0..1", 0..1),
        ("-r 8191..8193", 8191..8193),
        ("-r 8K..16K", 8192..16_384),
        ("-r 19K..", 19_456..20_000),
        ("-r ..5", 0..5),
        ("-r 7..7", 7..7),
        ("-r 19999..1G", 19_999..20_000),
        ("-r 20000..", 20_000..20_000),
    ] {
        let ran = folder.run(&format!("cat -k key data.sv2 {range}")).done();
        assert_eq!((ran.stdout(), ran.stderr()), (&plaintext[expected], ""), "{range}");
    }
}

#[test]
fn a_file_appears_when_it_is_complete() {
    let (folder, plaintext) = folder();
    let ran = folder.run("cat -k key data.sv2 -r 100..9000 -o part").done();
    assert_eq!(ran.stderr(), "sv2: part: 8900 bytes (8.6 KiB) decrypted\n");
    assert_eq!(folder.read("part"), &plaintext[100..9000]);
    folder.run("cat -q -k key data.sv2 -r ..9 -o part --force").done();
    assert_eq!(folder.read("part"), &plaintext[..9]);
    assert_eq!(folder.names(), ["data.sv2", "key", "part"]);
}

#[test]
fn a_file_as_standard_input_can_be_sought_too() {
    let (folder, plaintext) = folder();
    let input = File::open(folder.path("data.sv2")).unwrap();
    let ran = Ran(folder.sv2("cat -k key - -r 10000..10010").stdin(input).output().unwrap()).done();
    assert_eq!(ran.stdout(), &plaintext[10_000..10_010]);
    let ran = folder.run_with("cat -k key -r ..5", &SMALL.stream().0);
    insta::assert_snapshot!("a_pipe_cannot_be_sought", ran);
}

#[test]
fn what_is_not_in_the_range_may_be_damaged() {
    let (folder, plaintext) = folder();
    let stream = SMALL.stream();
    folder.write("damaged.sv2", &stream.flipped(stream.segments()[1].start + 500));
    assert_eq!(folder.run("cat -k key damaged.sv2 -r ..8K").done().stdout(), &plaintext[..8192]);
    assert_eq!(folder.run("cat -k key damaged.sv2 -r 16K..").done().stdout(), &plaintext[16_384..]);
    let ran = folder.run("cat -k key damaged.sv2 -r 8000..");
    assert_eq!(ran.stdout(), &plaintext[8000..8192]);
    let said = format!("{ran}\n\n")
        + &folder.said(&["cat -k key damaged.sv2 -r 9000..", "cat -k key damaged.sv2 -r 8000.. -o part"]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_stream_that_was_cut_off() {
    let (folder, plaintext) = folder();
    folder.write("cut.sv2", &SMALL.stream().0[..17_500]);
    let ran = folder.run("cat -k key cut.sv2 -r 8190..20000 --salvage");
    assert_eq!(ran.stdout(), &plaintext[8190..16_384]);
    let said = format!("{ran}\n\n")
        + &folder.said(&["cat -k key cut.sv2", "cat -k key cut.sv2 -r 17000.. --salvage"]);
    insta::assert_snapshot!(said);
    folder.run("cat -k key data.sv2 -r 1..2 --salvage").done();
}

#[test]
fn what_cannot_be() {
    let (folder, _) = folder();
    folder.write("empty.sv2", b"");
    folder.write("text", b"Not a stream.\n");
    folder.write("there", b"something");
    folder.write("left.partial", b"something");
    folder.write_key("other", &key_text([0xB2; 16], [8; 32]));
    let commands = [
        "cat data.sv2",
        "cat -k key missing.sv2",
        "cat -k key empty.sv2",
        "cat -k key text",
        "cat -k other data.sv2",
        "cat -k key --context backup data.sv2",
        "cat -k key data.sv2 -r 20001..",
        "cat -k key data.sv2 -r 5",
        "cat -k key data.sv2 -r 9..5",
        "cat -k key data.sv2 -r 1T..",
        "cat -k key data.sv2 -o there",
        "cat -k key data.sv2 -o left",
        "cat -k key data.sv2 -o left --force",
        "cat -k key data.sv2 -o data.sv2 --force",
        "cat -k key data.sv2 -o missing/part",
    ];
    let said = folder.said(&commands);
    insta::assert_snapshot!(said);
}

#[cfg(target_os = "linux")]
#[test]
fn outputs_that_take_nothing() {
    let (folder, _) = folder();
    let said =
        folder.said(&["cat -k key data.sv2 -o /dev/full", "cat -k key . -r ..5", "cat -k key /dev/zero"]);
    insta::assert_snapshot!(said);
}

/// The whole of a larger stream, in adjacent ranges.
#[test]
fn ranges_go_together() {
    let folder = Folder::new();
    let whole = plaintext(3_000_000);
    folder.write("data", &whole);
    folder.run("encrypt -k key data --segment-size 64K").done();
    let mut all = Vec::new();
    for range in ["..1M", "1M..1025K", "1025K..2000000", "2000000.."] {
        all.extend_from_slice(folder.run(&format!("cat -k key data.sv2 -r {range}")).done().stdout());
    }
    assert!(all == whole);
}
