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

use crate::args::Args;
use crate::failure::{EXIT_USAGE, say};
use crate::stdio::{Results, write_results};
use crate::text::escape::one_line;

fn main() -> ExitCode {
    let done = match Args::try_parse() {
        Ok(args) => commands::run(args.command),
        Err(error) if error.use_stderr() => {
            // The message repeats arguments, which may be names that others have chosen.
            error.render().to_string().lines().for_each(|line| say(&format!("{}\n", one_line(line))));
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
