//! `sv2`: encrypts and decrypts Stream V2 streams, as a thin layer over the library.

mod args;
mod commands;
mod core_file;
mod failure;
mod help;
mod input;
mod interrupt;
mod keys;
mod location;
mod output;
mod passphrase;
mod progress;
mod report;
mod state;
mod stdio;
mod text;
mod waiting;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Args;
use crate::failure::{EXIT_USAGE, Failure, hint, say};
use crate::progress::request;
use crate::report::json;
use crate::stdio::{Results, write_results};
use crate::text::escape::one_line;

fn main() -> ExitCode {
    core_file::forbid();
    request::hold();
    let done = match Args::try_parse() {
        Ok(args) => commands::run(args.command),
        Err(error) if error.use_stderr() => return rejected(&error),
        // Help and version, which clap would print without checking for errors.
        Err(error) => write_results(Results::open, &error.render().to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Reports arguments that clap has rejected.
fn rejected(error: &clap::Error) -> ExitCode {
    // The message repeats arguments, which may be names that others have chosen.
    let message = error.render().to_string();
    message.lines().for_each(|line| say(&format!("{}\n", one_line(line))));
    let verb = std::env::args_os().nth(1).unwrap_or_default().to_string_lossy().into_owned();
    let one_input = is_second_input(error)
        .then(|| format!("sv2 takes one INPUT: for file in *; do sv2 {verb} \"$file\" || break; done"));
    one_input.iter().for_each(hint);
    if json::is_requested() {
        let first = message.split("\n\n").next().unwrap_or_default();
        let failure = Failure::usage(first.strip_prefix("error: ").unwrap_or(first)).hints(one_input);
        // The exit code is that of the arguments, whether or not this is printed.
        let _ = json::finish(true, &verb, &json::Empty {}, Err(failure));
    }
    ExitCode::from(EXIT_USAGE)
}

/// Returns true if an argument that is no option came after all that the verb takes.
fn is_second_input(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::UnknownArgument
        && matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if !arg.starts_with('-'))
}
