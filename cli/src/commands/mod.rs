//! The commands, each in its own file.

mod cat;
mod completions;
mod decrypt;
mod delete;
mod encrypt;
mod inspect;
mod keygen;
mod list;
mod man;
mod recover;
mod resume_keys;
mod rewrap;
mod uploads;
mod verify;
mod version;

use crate::args::Command;
use crate::failure::CmdResult;

pub(crate) fn run(command: Command) -> CmdResult {
    match command {
        Command::Keygen(args) => keygen::run(&args),
        Command::Encrypt(args) => encrypt::run(args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Cat(args) => cat::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Rewrap(args) => rewrap::run(&args),
        Command::List(args) => list::run(&args),
        Command::Uploads(args) => uploads::run(&args),
        Command::ResumeKeys(args) => resume_keys::run(&args),
        Command::Delete(args) => delete::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Version => version::run(),
    }
}
