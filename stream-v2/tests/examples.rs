//! Runs every example with real files, and holds the shortest against the lines that they may take.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use stream_v2::error::ErrorKind;
use stream_v2::file::Outcome;
use stream_v2::{Unlock, decrypt, decrypt_file, encrypt, key};
use tempfile::TempDir;

/// Their `main` takes paths from the command line.
macro_rules! examples {
    ($($name:ident: $path:literal),+) => {$(
        #[path = $path]
        #[expect(dead_code, reason = "main is for the command line")]
        mod $name;
    )+};
}

examples!(
    custom_sink: "../examples/custom_sink.rs",
    decrypt_stream: "../examples/decrypt_stream.rs",
    encrypt_file: "../examples/encrypt_file.rs",
    read_range: "../examples/read_range.rs",
    resume: "../examples/resume.rs",
    tokio_files: "../examples/tokio.rs"
);

#[path = "../examples/format_only.rs"]
mod format_only;

#[path = "../examples/in_memory.rs"]
mod in_memory;

/// A folder with a key file and a source of several segments.
struct Files {
    folder: TempDir,
    plaintext: Vec<u8>,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plaintext: Vec<u8> = (0..5_000_000u32).flat_map(u32::to_le_bytes).take(5_000_000).collect();
        fs::write(folder.path().join("source"), &plaintext).unwrap();
        key::create(folder.path().join("key")).unwrap();
        Self { folder, plaintext }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self) -> stream_v2::ContentKey {
        key::read(self.path("key")).unwrap()
    }

    /// The source encrypted, with segments of the default size.
    fn stream(&self) -> PathBuf {
        let path = self.path("stream");
        fs::write(&path, encrypt(&self.key(), &self.plaintext).unwrap()).unwrap();
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn in_memory_and_format_only_run_alone() {
    in_memory::main().unwrap();
    format_only::main().unwrap();
}

#[test]
fn format_only_refuses_what_is_not_whole() {
    let key = key::generate().unwrap();
    let stream = format_only::write(&key, &[7; 5000]).unwrap();
    assert!(format_only::read(&key, &stream[..stream.len() - 1]).is_err());
    assert!(format_only::read(&key, &[&stream[..], b"."].concat()).is_err());
    assert_eq!(decrypt(&key, &stream[..stream.len() - 1]).unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn encrypt_file_makes_a_stream_and_notices_it() {
    let files = Files::new();
    let run = || encrypt_file::run(&files.path("key"), &files.path("source"), &files.path("out")).unwrap();
    assert_eq!(run().outcome(), Outcome::Fresh);
    assert!(decrypt(&files.key(), fs::read(files.path("out")).unwrap()).unwrap() == files.plaintext);
    let again = encrypt_file::run(&files.path("key"), &files.path("source"), &files.path("out"));
    assert!(again.unwrap_err().to_string().contains("exists"));
}

#[test]
fn resume_resumes_after_half_of_the_source() {
    let files = Files::new();
    let report = resume::run(&files.path("key"), &files.path("source"), &files.path("out")).unwrap();
    let Outcome::Resumed { after } = report.outcome() else { panic!("{report:?}") };
    assert!((2_500_000..5_000_000).contains(&after), "{after}");
    decrypt_file(&Unlock::new(&files.key()), files.path("out"), files.path("back")).unwrap();
    assert!(fs::read(files.path("back")).unwrap() == files.plaintext);
}

#[test]
fn decrypt_stream_gives_the_plaintext() {
    let files = Files::new();
    let (stream, mut out) = (fs::File::open(files.stream()).unwrap(), Vec::new());
    let len = decrypt_stream::run(text(&files.path("key")), stream, &mut out).unwrap();
    assert!(len == 5_000_000 && out == files.plaintext, "{len}");
}

#[test]
fn read_range_gives_the_range() {
    let files = Files::new();
    let mut out = Vec::new();
    read_range::run(text(&files.path("key")), text(&files.stream()), 1_048_570..3_000_000, &mut out).unwrap();
    assert!(out == files.plaintext[1_048_570..3_000_000], "{}", out.len());
}

#[test]
fn custom_sink_writes_a_file_for_each_segment() {
    let files = Files::new();
    let folder = files.path("segments");
    let summary = custom_sink::run(&files.path("key"), &files.plaintext[..], &folder).unwrap();
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len() as u64, summary.segments + 1);
    // `header` comes after the digits.
    names.sort();
    names.rotate_right(1);
    let stream = names.iter().flat_map(|name| fs::read(name).unwrap()).collect::<Vec<_>>();
    assert!(decrypt(&files.key(), stream).unwrap() == files.plaintext);
}

#[test]
fn tokio_encrypts_and_decrypts_files() {
    let files = Files::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (key, source) = (files.path("key"), files.path("source"));
    let (stream, back) = (files.path("stream"), files.path("back"));
    runtime.block_on(tokio_files::run(&key, &source, &stream, &back)).unwrap();
    assert!(fs::read(&back).unwrap() == files.plaintext);
    assert!(decrypt(&files.key(), fs::read(&stream).unwrap()).unwrap() == files.plaintext);
}

/// The lines between the signature of `function` and its end, without comments.
fn body_lines(example: &str, function: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(&format!("fn {function}(")).unwrap();
    let (_, rest) = rest.split_once("{\n").unwrap();
    let body = rest.split("\n}\n").next().unwrap();
    body.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//")).count()
}

#[test]
fn the_programs_of_a_newcomer_are_short() {
    for (example, function, most) in [
        ("in_memory.rs", "main", 5),
        ("encrypt_file.rs", "run", 8),
        ("read_range.rs", "run", 5),
        ("tokio.rs", "run", 8),
    ] {
        let lines = body_lines(example, function);
        assert!(lines > 0 && lines <= most, "{example}: {lines} lines, at most {most}");
    }
}

/// Names that `lib.rs` makes public, modules excepted.
fn root_names() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = fs::read_to_string(path).unwrap();
    let uses =
        text.lines().filter_map(|line| line.strip_prefix("pub use ")).map(|line| line.trim_end_matches(';'));
    uses.flat_map(|path| {
        let names = path.rsplit_once("::").unwrap().1.to_owned();
        let braced = path.split_once('{').map(|(_, names)| names.trim_end_matches('}').to_owned());
        braced.unwrap_or(names).split(", ").map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn the_root_has_at_most_fifteen_names() {
    let names = root_names();
    assert!(names.contains(&"encrypt_file".to_owned()) && names.contains(&"Unlock".to_owned()), "{names:?}");
    assert!(names.len() <= 15, "{names:?}");
}
