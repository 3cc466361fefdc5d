//! Generates and checks the golden vectors of Stream V2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stream_v2_conformance::generator::example;
use stream_v2_conformance::golden::{check, generate, published};
use stream_v2_conformance::runner::suite::Suite;

const USAGE: &str = "\
usage:
  sv2-vectors generate [--out DIR]         write all vectors (default: vectors)
  sv2-vectors check [DIR] [--spec FILE]    compare DIR (default: vectors) and Appendix A of FILE
                                           (default: DIR/../spec/stream-v2.md) with what is generated
  sv2-vectors publish [DIR]                add new ids to DIR/PUBLISHED, with the version of DIR/VERSION
  sv2-vectors example                      print the text of Appendix A";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["generate"] => generate(Path::new("vectors")),
        ["generate", "--out", folder] => generate(Path::new(folder)),
        ["check"] => check(Path::new("vectors"), None),
        ["check", "--spec", file] => check(Path::new("vectors"), Some(file)),
        ["check", folder] => check(Path::new(folder), None),
        ["check", folder, "--spec", file] => check(Path::new(folder), Some(file)),
        ["publish"] => publish(Path::new("vectors")),
        ["publish", folder] => publish(Path::new(folder)),
        ["example"] => {
            print!("{}", example::markdown());
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("sv2-vectors: {error}");
        ExitCode::FAILURE
    })
}

/// Writes every file. It does not delete other files in the folder, and `check` reports them.
fn generate(folder: &Path) -> io::Result<ExitCode> {
    let files = generate::generate();
    for (path, bytes) in &files {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(|error| named(parent, &error))?;
        }
        if fs::read(&file).is_ok_and(|found| found == *bytes) {
            continue;
        }
        fs::write(&file, bytes).map_err(|error| named(&file, &error))?;
    }
    println!("{} files in {}", files.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Publishes the new ids. From now on their meaning is fixed.
fn publish(folder: &Path) -> io::Result<ExitCode> {
    let suite = Suite::load(folder)?;
    let file = folder.join(published::PUBLISHED);
    let before = fs::read_to_string(&file).map_err(|error| named(&file, &error))?;
    let after = published::publish(&before, &suite.manifest.version, &suite.vectors);
    let ids = |text: &str| published::published_lines(text).count();
    println!("{} ids, {} before", ids(&after), ids(&before));
    fs::write(&file, after).map_err(|error| named(&file, &error))?;
    Ok(ExitCode::SUCCESS)
}

fn check(folder: &Path, specification: Option<&&str>) -> io::Result<ExitCode> {
    let beside = || folder.join("../spec/stream-v2.md");
    let specification = specification.map_or_else(beside, PathBuf::from);
    let findings =
        check::check(&generate::generate(), folder, &specification).map_err(|error| named(folder, &error))?;
    if findings.is_empty() {
        println!("{}: as generated", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    eprintln!("sv2-vectors: {} differences", findings.len());
    Ok(ExitCode::FAILURE)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
