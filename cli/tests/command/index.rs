//! `sv2 encrypt --index`: streams with index segments, through the command.

use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::killed_at;
use stream_v2_testing::plaintext;

/// Data segments of 4 KiB: 1,536 of them, and 169 for each index segment.
const LEN: usize = 6 << 20;
const FULL: usize = 169;
const ENCRYPT: &str = "encrypt -k key --index --frame-size 4K --segment-size 4K --sync-every 256K data";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder
}

/// The kinds of all segments, in order.
fn kinds(folder: &Folder, stream: &str) -> Vec<String> {
    let json: serde_json::Value =
        serde_json::from_str(folder.run(&format!("inspect --json {stream}")).text()).unwrap();
    let segments = json["segments"].as_array().unwrap();
    segments.iter().map(|segment| segment["kind"].as_str().unwrap().to_owned()).collect()
}

/// Index segments are after every n data segments and before the final one, and nowhere else.
fn assert_indexed(folder: &Folder, stream: &str) {
    let kinds = kinds(folder, stream);
    let last = kinds.len() - 1;
    for (place, kind) in kinds.iter().enumerate() {
        let expected = match place {
            _ if place == last => "final",
            _ if place % (FULL + 1) == FULL || place + 1 == last => "index",
            _ => "data",
        };
        assert_eq!(kind, expected, "segment {place} of {last}");
    }
    assert_eq!(last, LEN / 4096 + (LEN / 4096).div_ceil(FULL));
}

/// Into a file, to standard output, and into a database, read as a whole and in ranges.
#[test]
fn files_pipes_and_databases() {
    let folder = folder();
    folder.run(ENCRYPT).done();
    let piped =
        folder.run_with("encrypt -k key --index --frame-size 4K --segment-size 4K", &plaintext(LEN)).done();
    folder.write("piped.sv2", piped.stdout());
    folder.run(&format!("{ENCRYPT} -o sqlite:all.db?stream=data")).done();
    for stream in ["data.sv2", "piped.sv2", "sqlite:all.db?stream=data"] {
        assert_indexed(&folder, stream);
        let whole = folder.run(&format!("decrypt -q -k key {stream} -o -")).done();
        assert!(whole.stdout() == plaintext(LEN));
        for (range, expected) in
            [("0..5", 0..5), ("3M..3073K", 3 << 20..3073 << 10), ("6291455..", LEN - 1..LEN)]
        {
            let ran = folder.run(&format!("cat -k key {stream} --range {range}")).done();
            assert!(ran.stdout() == &plaintext(LEN)[expected], "{stream} {range}");
        }
    }
}

#[test]
fn kill_after_kill() {
    for (first, more) in [(1, 900), (1400, 500), (4000, 1100)] {
        let folder = folder();
        let mut kept = Vec::new();
        for blocks in (first..6000).step_by(more) {
            assert!(killed_at(&folder, ENCRYPT, blocks));
            let partial = folder.read("data.sv2.partial");
            assert!(partial.starts_with(&kept), "what was committed was written again");
            // A torn tail is cut. It is shorter than this.
            kept = partial[..partial.len().saturating_sub(8192)].to_vec();
        }
        folder.run(ENCRYPT).done();
        assert!(folder.read("data.sv2").starts_with(&kept));
        assert_indexed(&folder, "data.sv2");
        folder.run("decrypt -q -k key data.sv2 -o back").done();
        assert!(folder.read("back") == plaintext(LEN));
    }
}

/// A stream with index segments gets more of them, with or without the option.
#[test]
fn a_stream_that_has_them_goes_on_with_them() {
    let folder = folder();
    assert!(killed_at(&folder, ENCRYPT, 4000));
    folder.run("encrypt -q -k key data").done();
    assert_indexed(&folder, "data.sv2");
}

#[test]
fn a_stream_that_was_begun_without_is_refused() {
    let folder = folder();
    let without = ENCRYPT.replace(" --index", "");
    assert!(killed_at(&folder, &without, 2000));
    let partial = folder.read("data.sv2.partial");
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: was begun without --index
    hint: leave out --index to resume; --restart discards the partial output and starts over
    exit 2
    ");
    assert!(folder.read("data.sv2.partial") == partial);
    folder.run(&without).done();
    let ran = folder.run(&format!("{ENCRYPT} --force"));
    assert!(ran.code() == 0, "{ran}");
    assert_indexed(&folder, "data.sv2");
}
