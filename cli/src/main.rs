//! `sv2`: encrypts and decrypts Stream V2 streams. A thin face over the pipeline.

mod advice;
mod args;
mod cat;
mod decrypt;
mod encrypt;
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

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use report::{Failure, standard_output_failed};
use stream_v2_format::crypto::AEAD_BACKEND;
use stream_v2_format::wire::CRC_BACKEND;
use stream_v2_pipeline::test_features;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
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
        Command::Version => print(version()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// What this build is. Its test features are named, so that a binary that shows keys or chooses salts gives itself away.
fn version() -> String {
    let mut version = format!("sv2 {}\nAEAD: {AEAD_BACKEND}\nCRC-32C: {CRC_BACKEND}", args::VERSION);
    let features: Vec<&str> = test_features().collect();
    if !features.is_empty() {
        version += &format!("\nfor tests only, not for data: {}", features.join(", "));
    }
    version
}

/// What every command returns: nothing, or why it failed and with which exit code.
type Done = Result<(), Failure>;

/// Prints one line to standard output.
fn print(line: impl Display) -> Done {
    writeln!(std::io::stdout(), "{line}").map_err(standard_output_failed)
}
