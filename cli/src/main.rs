//! `sv2`: encrypts and decrypts Stream V2 streams, as a thin layer over the library.

mod args;
mod commands;
mod failure;
mod input;
mod interrupt;
mod keys;
mod location;
mod output;
mod progress;
mod report;
mod stdio;
mod text;
mod waiting;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Args;
use crate::failure::{EXIT_USAGE, hint, say};
use crate::stdio::{Results, write_results};
use crate::text::escape::one_line;

fn main() -> ExitCode {
    let done = match Args::try_parse() {
        Ok(args) => commands::run(args.command),
        Err(error) if error.use_stderr() => {
            // The message repeats arguments, which may be names that others have chosen.
            error.render().to_string().lines().for_each(|line| say(&format!("{}\n", one_line(line))));
            if is_second_input(&error) {
                let verb = std::env::args().nth(1).unwrap_or_default();
                hint(format_args!(
                    "sv2 takes one INPUT: for file in *; do sv2 {verb} \"$file\" || break; done"
                ));
            }
            return ExitCode::from(EXIT_USAGE);
        }
        // Help and version, which clap would print without checking for errors.
        Err(error) => write_results(Results::open, &error.render().to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Returns true if an argument that is no option came after all that the verb takes.
fn is_second_input(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::UnknownArgument
        && matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if !arg.starts_with('-'))
}
