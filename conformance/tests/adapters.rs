//! The adapters to copy pass every vector about a stream header, and skip all others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use stream_v2_conformance::judge::Verdict;
use stream_v2_conformance::operations::Vector;
use stream_v2_conformance::operations::read::Expect;
use stream_v2_conformance::runner::adapter::Caps;
use stream_v2_conformance::runner::run::{Options, run};
use stream_v2_conformance::runner::suite::Suite;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// Returns whether steps 1 to 8 of §15.1 decide the answer: a fault in the stream header, found
/// without a key.
fn is_about_a_header(vector: &Vector) -> bool {
    let Vector::Read(vector) = vector else { return false };
    let Some(Expect::Reject(refusal) | Expect::Unsupported(refusal)) = &vector.expect else { return false };
    let fault = &refusal.fault;
    fault.offset.is_some_and(|offset| offset < 128) && fault.error != ["key.header_tag"]
}

/// Runs every vector except recipes, and compares those that pass with those about a header.
fn passes_headers(command: &[&str], one_shot: bool) {
    let suite = Suite::load(&Path::new(CRATE).join("../vectors")).unwrap();
    let options = Options {
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        one_shot,
        recipes: false,
        // A busy machine must not fail the test.
        caps: Caps { timeout: Duration::from_secs(300), ..Caps::default() },
        ..Options::default()
    };
    let report = run(&suite, &options, &|_| ()).unwrap();
    let failed: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.verdict.is_failure()).collect();
    assert!(failed.is_empty(), "{}: {failed:#?}", report.summary());
    let passed: Vec<&str> = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Pass)
        .map(|outcome| &*outcome.id)
        .collect();
    let mut wanted: Vec<&str> = suite
        .vectors
        .iter()
        .filter(|vector| is_about_a_header(vector))
        .map(|vector| &*vector.about().id)
        .collect();
    wanted.sort_unstable();
    assert!(
        include_str!("../README.md").contains(&report.summary()),
        "README.md lacks: {}",
        report.summary()
    );
    assert!(wanted.len() >= 50, "{} vectors are about a header", wanted.len());
    assert_eq!(passed, wanted);
}

/// Runs a script, unless its interpreter is not installed. A machine that checks changes has all of
/// them.
fn script_passes_headers(interpreter: &str, script: &str) {
    let found = Command::new(interpreter).arg("--version").stdout(Stdio::null()).status();
    if found.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        assert!(std::env::var_os("CI").is_none(), "{interpreter} is not installed");
        eprintln!("{interpreter} is not installed: {script} is not tested");
        return;
    }
    passes_headers(&[interpreter, &format!("{CRATE}/adapters/{script}")], false);
}

#[test]
fn python_adapter_passes_headers() {
    script_passes_headers("python3", "adapter.py");
}

#[test]
fn node_adapter_passes_headers() {
    script_passes_headers("node", "adapter.mjs");
}

#[test]
fn rust_adapter_passes_headers() {
    let adapter = Path::new(env!("CARGO_BIN_EXE_sv2-conformance")).with_file_name("examples/adapter");
    assert!(adapter.exists(), "first run: cargo build -p stream-v2-conformance --example adapter");
    passes_headers(&[adapter.to_str().unwrap()], false);
}

#[test]
fn one_shot_script_passes_headers() {
    passes_headers(&[&format!("{CRATE}/adapters/one-shot.sh")], true);
}
