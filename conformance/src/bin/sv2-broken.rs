//! An adapter to a reader with one bug that the suite must find.

use std::io::{stdin, stdout};
use std::process::ExitCode;

use stream_v2_conformance::broken::{BUGS, CHECKS, MISBEHAVIOURS, serve};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let bug = arguments.next().unwrap_or_default();
    let named = BUGS.iter().chain(&MISBEHAVIOURS).map(|(name, _)| *name);
    let known: Vec<&str> = CHECKS.into_iter().chain(named).collect();
    if arguments.next().is_some() || !(bug.is_empty() || known.contains(&bug.as_str())) {
        eprintln!("usage: sv2-broken [BUG]\nbugs: {}", known.join(" "));
        return ExitCode::from(2);
    }
    match serve(&bug, stdin().lock(), stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sv2-broken: {error}");
            ExitCode::FAILURE
        }
    }
}
