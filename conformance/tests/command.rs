//! The command as a person uses it: its output, its files, and its exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

const BROKEN: &str = env!("CARGO_BIN_EXE_sv2-broken");

/// Returns the exit code and standard output. An error has no standard output, so its message is
/// used.
fn said(arguments: &[&str]) -> String {
    let mut arguments = arguments.to_vec();
    if arguments[0] == "run" {
        // No verdict depends on the speed of the machine.
        arguments.splice(1..1, ["--timeout", "300"]);
    }
    let output = Command::new(env!("CARGO_BIN_EXE_sv2-conformance"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(arguments)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    plain(&format!("exit code {code}\n{}", String::from_utf8(text).unwrap()))
}

/// Hides the version of the vectors, which changes.
fn plain(text: &str) -> String {
    text.replace(include_str!("../../vectors/VERSION").trim(), "x.y.z")
}

fn read(folder: &Path, name: &str) -> String {
    plain(&fs::read_to_string(folder.join(name)).unwrap())
}

#[test]
fn list() {
    insta::assert_snapshot!(said(&["list", "SV2-HDR-013"]));
}

#[test]
fn explain_a_read_vector() {
    insta::assert_snapshot!(said(&["explain", "header-magic-first-byte"]));
}

#[test]
fn explain_a_range_vector() {
    insta::assert_snapshot!(said(&["explain", "range-headers-fork-inside-wanted"]));
}

#[test]
fn explain_a_resume_vector() {
    insta::assert_snapshot!(said(&["explain", "resume-source-last"]));
}

#[test]
fn explain_an_id_that_is_not_there() {
    insta::assert_snapshot!(said(&["explain", "no-such-vector"]));
}

#[test]
fn lint() {
    assert_eq!(said(&["lint"]).lines().next(), Some("exit code 0"));
}

#[test]
fn a_run_that_passes() {
    insta::assert_snapshot!(said(&["run", "--filter", "SV2-HDR-013", "--", BROKEN, ""]));
}

#[test]
fn a_run_that_fails_and_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let [tap, junit, html, badge, report] = ["t.tap", "j.xml", "h.html", "b.json", "r.jsonl"]
        .map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let files = ["--tap", &tap, "--junit", &junit, "--html", &html, "--badge", &badge, "--report", &report];
    let arguments =
        [&["run", "--filter", "SV2-HDR-013", "--jobs", "1"], &files[..], &["--", BROKEN, "SV2-HDR-013"]]
            .concat();
    insta::assert_snapshot!("run_that_fails", said(&arguments));
    insta::assert_snapshot!("tap", read(folder.path(), "t.tap"));
    insta::assert_snapshot!("badge", read(folder.path(), "b.json"));
    assert!(read(folder.path(), "j.xml").contains("<failure"), "{}", read(folder.path(), "j.xml"));
    let page = read(folder.path(), "h.html");
    assert!(page.contains("SV2-HDR-013") && !page.contains("src="), "the page is not self-contained");
    // The report can be converted to other formats later.
    assert_eq!(
        said(&["report", "--format", "tap", &report]),
        format!("exit code 0\n{}", read(folder.path(), "t.tap"))
    );
}

#[test]
fn help_has_examples_and_short_options() {
    let verbs = ["run", "list", "explain", "lint", "report"]
        .map(|verb| (env!("CARGO_BIN_EXE_sv2-conformance"), verb));
    let of_vectors =
        ["generate", "check", "publish", "example"].map(|verb| (env!("CARGO_BIN_EXE_sv2-vectors"), verb));
    for (program, verb) in verbs.into_iter().chain(of_vectors) {
        let output = Command::new(program).args([verb, "--help"]).env("COLUMNS", "100").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("\nExamples:\n  sv2-"), "{verb}: {help}");
        let (_, options) = help.split_once("\nOptions:\n").unwrap();
        // A continued description begins far to the right.
        let continued = |line: &&str| line.starts_with("            ");
        let lines: Vec<&str> = options.lines().collect();
        assert!(!lines.windows(2).any(|pair| pair.iter().all(continued)), "{verb}: {help}");
    }
}

#[test]
fn failed_run_ends_with_commands_that_explain() {
    let failed = |filter, bug| {
        said(&["run", "--vectors", "./vectors", "--filter", filter, "--jobs", "1", "--", BROKEN, bug])
    };
    let several = failed("SV2-HDR-013", "SV2-HDR-013");
    let commands: Vec<&str> =
        several.lines().filter_map(|line| line.strip_prefix("  sv2-conformance ")).collect();
    assert_eq!(commands.len(), 3, "{several}");
    assert_eq!(
        several.lines().last().and_then(|line| line.strip_prefix("  sv2-conformance ")),
        Some(commands[2])
    );
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').collect();
        let id = arguments[arguments.len() - 1];
        assert!(said(&arguments).starts_with(&format!("exit code 0\n{id} (read, MUST)")), "{command}");
    }
    let one = failed("header-envelope-len-11", "SV2-HDR-013");
    assert!(
        one.ends_with("\n  sv2-conformance explain --vectors ./vectors header-envelope-len-11\n"),
        "{one}"
    );
    assert!(!failed("SV2-HDR-013", "").contains("explain"));
}

#[test]
fn a_baseline_excuses_what_fails_and_reports_what_passes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline");
    let file = file.to_str().unwrap();
    let run = |bug| said(&["run", "--filter", "SV2-HDR-013", "--baseline", file, "--", BROKEN, bug]);
    fs::write(file, "header-envelope-len-8 the check is not written yet\n").unwrap();
    let excused = run("SV2-HDR-013");
    fs::write(file, "header-envelope-len-8 was fixed long ago\n").unwrap();
    insta::assert_snapshot!(format!("{excused}\n{}", run("")));
    fs::write(file, "no-such-vector for some reason\n").unwrap();
    assert!(run("").starts_with("exit code 2\n"), "{}", run(""));
}

#[test]
fn one_shot_mode_takes_the_exit_code_for_the_answer() {
    let run = |program| said(&["run", "--one-shot", "--filter", "SV2-HDR-002", "--", program]);
    insta::assert_snapshot!(format!("{}\n{}", run("false"), run("true")));
}

#[test]
fn one_shot_exit_code_77_is_a_skip() {
    let run = |code| said(&["run", "--one-shot", "--filter", "SV2-HDR-002", "--", "sh", "-c", code]);
    assert!(run("exit 77").starts_with("exit code 0\n"), "{}", run("exit 77"));
    assert!(run("exit 77").contains("5 skip"), "{}", run("exit 77"));
    assert!(run("exit 78").contains("3 crash"), "{}", run("exit 78"));
}

#[test]
fn an_adapter_that_is_not_there() {
    let said = said(&["run", "--", "./no-such-adapter"]);
    assert!(said.starts_with("exit code 2\nsv2-conformance: ./no-such-adapter"), "{said}");
}

#[test]
fn an_adapter_that_echoes() {
    insta::assert_snapshot!(said(&["run", "--", "cat"]));
}
