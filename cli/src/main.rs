//! `sv2`: encrypts and decrypts Stream V2 streams. A thin face over the pipeline.

mod advice;
mod args;
mod cat;
mod decrypt;
mod device;
mod encrypt;
mod escape;
mod failed_run;
mod input;
mod inspect;
mod inspect_json;
mod inspect_table;
mod interrupt;
mod key_file;
mod keygen;
mod output;
mod place;
mod producer;
mod progress;
mod recover;
mod remembering;
mod report;
mod resume;
mod same_file;
mod size;
mod standard;
mod stats;
mod stored;
mod unfinished;
mod uploads;
mod verify;
mod waiting;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use escape::one_line;
use report::{EXIT_USAGE, Failure, say, standard_output_failed};
use standard::Results;
use stream_v2_format::crypto::AEAD_BACKEND;
use stream_v2_format::wire::CRC_BACKEND;
use stream_v2_pipeline::test_features;

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
        Command::List(args) => stored::list(&args),
        Command::Uploads(args) => unfinished::run(&args),
        Command::Delete(args) => stored::delete(&args),
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
