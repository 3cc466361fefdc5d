//! `sv2 encrypt --compress`: streams with compressed segments, through the command.

use std::fs;

use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::killed_at;

use crate::s3_place::Place;

const SMALL: &str = "--frame-size 4K --segment-size 64K --sync-every 256K";
/// Segments of which each third looks random, and the others are lines of a log.
const SEGMENTS: usize = 48;

/// Returns the plaintext.
pub(crate) fn mixture() -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes = Vec::new();
    for segment in 1..=SEGMENTS {
        while bytes.len() < segment << 16 {
            match segment % 3 {
                0 => bytes.extend_from_slice(&random().to_be_bytes()),
                _ => bytes.extend_from_slice(format!("user {:4} logged in\n", random() % 3000).as_bytes()),
            }
        }
        bytes.truncate(segment << 16);
    }
    bytes.extend_from_slice(b"the end, which is short, which is short");
    bytes
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &mixture());
    folder
}

/// The codecs of the data segments, in order.
fn codecs(folder: &Folder, stream: &str) -> Vec<String> {
    let json: serde_json::Value =
        serde_json::from_str(folder.run(&format!("inspect --json {stream}")).text()).unwrap();
    let segments = json["segments"].as_array().unwrap();
    let data = segments.iter().filter(|segment| segment["kind"] == "data");
    data.map(|segment| segment["codec"].as_str().unwrap().to_owned()).collect()
}

/// Into a file, to standard output, and into a database: whole, in ranges, and salvaged.
#[test]
fn files_pipes_and_databases() {
    let folder = folder();
    for (value, codec) in [("", "zstd"), ("=zstd:1", "zstd"), ("=lz4", "lz4")] {
        let encrypt = format!("encrypt --force -k key --compress{value} {SMALL}");
        folder.run(&format!("{encrypt} data")).done();
        let piped = folder.run_with(&encrypt, &mixture()).done();
        folder.write("piped.sv2", piped.stdout());
        folder.run(&format!("{encrypt} data -o sqlite:all{value}.db?stream=data")).done();
        for stream in ["data.sv2", "piped.sv2", &format!("sqlite:all{value}.db?stream=data")] {
            let codecs = codecs(&folder, stream);
            assert_eq!(codecs.len(), SEGMENTS + 1);
            for (place, found) in codecs[..SEGMENTS].iter().enumerate() {
                assert_eq!(found, if place % 3 == 2 { "none" } else { codec }, "segment {place} of {stream}");
            }
            folder.run(&format!("verify -k key {stream}")).done();
            let whole = folder.run(&format!("decrypt -q -k key {stream} -o -")).done();
            assert!(whole.stdout() == mixture());
            for (first, end) in [(0, 5), (65_530, 65_540), (1 << 20, 2 << 20), (48 << 16, (48 << 16) + 39)] {
                let ran = folder.run(&format!("cat -k key {stream} --range {first}..{end}")).done();
                assert!(ran.stdout() == &mixture()[first..end], "{stream} {first}");
            }
        }
        let stream = folder.read("data.sv2");
        assert!(stream.len() < mixture().len() * 2 / 3, "{}", stream.len());
        folder.write("cut.sv2", &stream[..stream.len() / 2]);
        let ran = folder.run("decrypt --force -q --salvage -k key cut.sv2");
        let salvaged = folder.read("cut");
        assert_eq!((ran.code(), salvaged.len() % 65_536), (5, 0), "{ran}");
        assert!(!salvaged.is_empty() && mixture().starts_with(&salvaged));
    }
}

#[test]
fn an_object_in_s3() {
    let place = Place::new(0);
    place.folder.write("data", &mixture());
    place.run(&format!("encrypt -k key --compress {SMALL} data -o s3://bucket/out.sv2")).done();
    let whole = place.run("decrypt -q -k key s3://bucket/out.sv2 -o -").done();
    assert!(whole.stdout() == mixture());
    let part = place.run("cat -k key s3://bucket/out.sv2 --range 1000000..1000100").done();
    assert!(part.stdout() == &mixture()[1_000_000..1_000_100]);
}

//= spec/stream-v2.md#sv2-cod-006
//= type=test
//# A writer MUST NOT compress unless the caller asked for it.
#[test]
fn nothing_is_compressed_unasked() {
    let folder = folder();
    folder.run(&format!("encrypt -k key {SMALL} data")).done();
    assert!(codecs(&folder, "data.sv2").iter().all(|codec| codec == "none"));
}

#[test]
fn the_result_says_what_is_stored() {
    let folder = Folder::new();
    folder.write("data", &b"line\n".repeat(20_000));
    insta::assert_snapshot!(folder.run("encrypt -k key --compress data"), @r"
    sv2: data.sv2: 100000 bytes (97.6 KiB) encrypted to 1993 bytes (1.9 KiB) (1 %), in 3 segments
    exit 0
    ");
    let inspected = folder.run("inspect data.sv2").done();
    let line = inspected.text().lines().find(|line| line.starts_with("compressed"));
    insta::assert_snapshot!(line.unwrap(), @"compressed     1 segment, to 0 % of their plaintext (zstd)");
    let stats = folder.run("decrypt -q --stats=json -k key data.sv2 -o -").done();
    assert!(stats.stderr().contains("\"compressing_us\":"), "{stats}");
    insta::assert_snapshot!(folder.run("encrypt -k key --compress=gzip data"), @r"
    error: invalid value 'gzip' for '--compress[=<CODEC>]': allowed are zstd, zstd:LEVEL and lz4

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(folder.run("encrypt -k key --compress=zstd:20 data"), @r"
    error: invalid value 'zstd:20' for '--compress[=<CODEC>]': allowed are zstd, and zstd:1 to zstd:19

    For more information, try '--help'.
    exit 2
    ");
}

/// Each run of a stream has a codec of its own.
#[test]
fn kill_after_kill() {
    let folder = folder();
    let codecs_of_runs = ["--compress=lz4", "--compress=zstd:19", "", "--compress"];
    let mut kept = Vec::new();
    let encrypt = |codec: &str| format!("encrypt -q -k key {codec} {SMALL} data");
    for (run, blocks) in (600..3600).step_by(600).enumerate() {
        if !killed_at(&folder, &encrypt(codecs_of_runs[run % 4]), blocks) {
            break;
        }
        let partial = folder.read("data.sv2.partial");
        assert!(partial.starts_with(&kept), "what was committed was written again");
        kept = partial[..partial.len().saturating_sub(80_000)].to_vec();
    }
    folder.run(&encrypt("--compress=zstd:1")).done();
    let mut found = codecs(&folder, "data.sv2");
    found.sort();
    found.dedup();
    assert_eq!(found, ["lz4", "none", "zstd"]);
    for blocks in (900..6100).step_by(900) {
        killed_at(&folder, "decrypt -q -k key --sync-every 256K data.sv2 -o back", blocks);
    }
    if !folder.exists("back") {
        folder.run("decrypt -q -k key data.sv2 -o back").done();
    }
    assert!(folder.read("back") == mixture());
}

#[test]
fn a_torn_stream_is_recovered() {
    let folder = folder();
    let encrypt = format!("encrypt -q -k key --compress {SMALL} data");
    assert!(killed_at(&folder, &encrypt, 1500));
    folder.run("recover -k key data.sv2.partial").done();
    fs::remove_file(folder.path("data.sv2.journal")).unwrap();
    folder.run("recover -k key data.sv2.partial").done();
    folder.run(&encrypt).done();
    assert!(folder.run("decrypt -q -k key data.sv2 -o -").done().stdout() == mixture());
}

#[test]
fn a_stream_that_was_begun_without_is_refused() {
    let folder = folder();
    assert!(killed_at(&folder, &format!("encrypt -q -k key {SMALL} data"), 2000));
    let partial = folder.read("data.sv2.partial");
    insta::assert_snapshot!(folder.run(&format!("encrypt -k key --compress {SMALL} data")), @r"
    sv2: data.sv2.partial: was begun without --compress
    hint: leave out --compress to resume; --restart discards the partial output and starts over
    exit 2
    ");
    assert!(folder.read("data.sv2.partial") == partial);
}
