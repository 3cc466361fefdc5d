//! `sv2 completions`: what a shell completes.

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::failure::CmdResult;
use crate::stdio::{Results, write_results};

/// Prints the completion script of a shell.
pub(crate) fn run(args: &CompletionsArgs) -> CmdResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "sv2", &mut script);
    write_results(Results::open, &String::from_utf8_lossy(&script))
}
