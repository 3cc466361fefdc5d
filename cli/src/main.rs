//! `sv2`: encrypts and decrypts Stream V2 streams. A thin face over the pipeline.

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

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use stream_v2_format::crypto::AEAD_BACKEND;
use stream_v2_format::wire::CRC_BACKEND;
use stream_v2_pipeline::test_features;

use crate::args::{Args, Command};
use crate::commands::{cat, decrypt, encrypt, inspect, keygen, list, recover, uploads, verify};
use crate::failure::{EXIT_USAGE, Failure, say, standard_output_failed};
use crate::stdio::Results;
use crate::text::escape::one_line;

fn main() -> ExitCode {
    let done = match Args::try_parse() {
        Ok(args) => run(args.command),
        Err(error) if error.use_stderr() => {
            // It repeats arguments, which may be names that others have chosen.
            error.render().to_string().lines().for_each(|line| say(&format!("{}\n", one_line(line))));
            return ExitCode::from(EXIT_USAGE);
        }
        // Help and version, which clap would print without looking whether anything takes them.
        Err(error) => write(Results::open, &error.render().to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Done {
    match command {
        Command::Keygen(args) => keygen::run(&args),
        Command::Encrypt(args) => encrypt::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Cat(args) => cat::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::List(args) => list::list(&args),
        Command::Uploads(args) => uploads::run(&args),
        Command::Delete(args) => list::delete(&args),
        Command::Version => version(),
    }
}

/// Prints what this build is. Its test features are named, so that a binary that shows keys or chooses salts gives itself
/// away.
fn version() -> Done {
    print(format_args!("sv2 {}", args::VERSION))?;
    print(format_args!("AEAD: {AEAD_BACKEND}"))?;
    print(format_args!("CRC-32C: {CRC_BACKEND}"))?;
    let features: Vec<&str> = test_features().collect();
    if features.is_empty() {
        return Ok(());
    }
    print(format_args!("for tests only, not for data: {}", features.join(", ")))
}

/// What every command returns: nothing, or why it failed and with which exit code.
type Done = Result<(), Failure>;

/// Prints one line to standard output, which must be there.
fn print(line: impl Display) -> Done {
    write(Results::open, &format!("{}\n", one_line(line)))
}

/// Prints one line that the exit code says, too. Standard output may be closed.
fn remark(line: impl Display) -> Done {
    write(Results::open_any, &format!("{}\n", one_line(line)))
}

fn write(open: impl FnOnce() -> Result<Results, Failure>, text: &str) -> Done {
    open()?.write_all(text.as_bytes()).map_err(standard_output_failed)
}
