//! The invariants of ARCHITECTURE.md that can be checked in the source.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod tree;

use std::fs;

use tree::{repository, sources};

const LINES_MAX: usize = 400;

/// The files below `folder` that have one of `words` in a line of code outside tests.
fn naming(folder: &str, words: &[&str]) -> Vec<String> {
    let code = |text: &str| {
        let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let mut files: Vec<String> = sources(folder)
        .into_iter()
        .filter(|(_, text)| words.iter().any(|word| code(text).contains(word)))
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    files
}

#[test]
fn wire_knows_no_keys() {
    let nothing = [""; 0];
    let aeads = ["chacha20poly1305::", "aes_gcm::", "aws_lc_rs::"];
    assert_eq!(naming("format/src/wire", &aeads), nothing);
    assert_eq!(naming("format/src/wire", &["crypto::", "hmac::", "sha3::"]), nothing);
    assert_eq!(naming("format/src", &aeads), ["accelerated.rs", "portable.rs"]);
}

#[test]
fn format_has_no_io_thread_clock_or_randomness() {
    // The recorder of sealings is for tests only.
    let words = [" std::", "(std::", "<std::", "&std::", "getrandom", " rand::"];
    assert_eq!(naming("format/src", &words), ["recorded.rs"]);
}

#[test]
fn format_needs_no_std() {
    let root = repository().join("format/src/lib.rs");
    assert!(fs::read_to_string(root).unwrap().contains("\n#![no_std]\n"));
}

#[test]
fn only_known_files_start_threads() {
    assert_eq!(naming("reference-pipeline/src", &["spawn(", "thread::scope"]), ["sync.rs", "threads.rs"]);
    assert_eq!(
        naming("reference-pipeline/src", &["spawn_blocking("]),
        ["offload.rs", "read_ahead.rs", "tasks.rs"]
    );
    // The single thread of a writer or a reader.
    assert_eq!(naming("stream-v2/src", &["spawn(", "thread::scope", "spawn_blocking("]), ["background.rs"]);
    assert_eq!(naming("sinks/s3/src", &["spawn(", "thread::scope"]), ["sending.rs"]);
    // The thread that answers requests for progress.
    assert_eq!(naming("cli/src", &["thread::spawn", "thread::scope", "thread::Builder"]), ["request.rs"]);
}

/// The types of `text` that derive Debug and have a field of bytes.
fn shows_bytes(text: &str) -> Vec<&str> {
    let holds = ["Bytes", "[u8]", "Vec<u8>", "Zeroizing<", "Secret", "W,", "R,"];
    let is_field = |line: &&str| line.contains(": ") && !line.trim_start().starts_with("//");
    let shows = |line: &str| {
        let (_, field) = line.split_once(": ").unwrap_or_default();
        holds.iter().any(|word| field.contains(word))
    };
    let derived = text.split("#[derive(").skip(1).filter_map(|item| {
        let (traits, item) = item.split_once(")]\n")?;
        let item = item.split("\n}\n").next().filter(|_| traits.contains("Debug"))?;
        let name = item.lines().find(|line| line.contains("struct ") || line.contains("enum "))?;
        // A type without named fields has nothing to check.
        let fields = item.lines().filter(is_field).filter(|_| name.ends_with('{'));
        fields.into_iter().any(shows).then_some(name)
    });
    derived.collect()
}

#[test]
fn debug_of_the_pipeline_shows_no_bytes() {
    let nothing = [""; 0];
    let folders =
        ["reference-pipeline/src", "sinks/s3/src", "sinks/sqlite/src", "format/src/crypto", "stream-v2/src"];
    for (path, text) in folders.into_iter().flat_map(sources) {
        assert_eq!(shows_bytes(&text), nothing, "{}", path.display());
    }
    let planted = "#[derive(Clone, Debug)]\npub struct Planted {\n    /// It.\n    pub it: Bytes,\n}\n";
    assert_eq!(shows_bytes(planted), ["pub struct Planted {"]);
}

#[test]
fn only_the_salts_are_drawn() {
    assert_eq!(naming("reference-pipeline/src", &["getrandom"]), ["salts.rs"]);
}

#[test]
fn parser_libraries_stay_private() {
    for (path, text) in sources("format/src") {
        let public = text.lines().filter(|line| line.trim_start().starts_with("pub fn"));
        for line in public {
            assert!(
                !["nom::", "IResult", "BinWrite"].iter().any(|name| line.contains(name)),
                "{}: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn no_file_has_two_rooms_in_one() {
    for folder in
        ["format", "reference-pipeline", "sinks", "stream-v2", "conformance", "cli", "bench", "testing"]
    {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
        }
    }
}

/// The entries between backticks in the table of `spec/concurrency.md`, §6, name existing tests,
/// files and fuzz targets.
#[test]
fn every_name_in_the_table_of_concurrency_exists() {
    let document = include_str!("../../spec/concurrency.md");
    let section = document.split("\n## 6.").nth(1).unwrap();
    let table = section.split("\n\n").nth(1).unwrap();
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    assert!(named.len() > 10, "{named:?}");
    let sources = sources("reference-pipeline");
    let targets = repository().join("fuzz/fuzz_targets");
    for name in named {
        let is_file = sources.iter().any(|(path, _)| path.ends_with(name));
        let is_test = sources.iter().any(|(_, text)| text.contains(&format!("fn {name}()")));
        let is_target = targets.join(name).with_extension("rs").exists();
        assert!(is_file || is_test || is_target, "{name}");
    }
}
