//! Terminals of a test, and commands that ask on them.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::Folder;

/// Returns both ends of a new terminal: the one of the person, and the one of the program.
pub fn open() -> (OwnedFd, File) {
    let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&outer).unwrap();
    unlockpt(&outer).unwrap();
    let name = ptsname(&outer, Vec::new()).unwrap().into_string().unwrap();
    (outer, OpenOptions::new().read(true).write(true).open(name).unwrap())
}

/// Runs the command on a terminal of its own, and types each answer when its question is there.
///
/// Returns all that was shown, and the exit code.
pub fn asked(folder: &Folder, args: &str, answers: &[(&str, &str)]) -> (String, Option<i32>) {
    answered(folder.sv2_after(&ON_TERMINAL, args), answers)
}

/// The words before a command that give it its terminal.
pub const ON_TERMINAL: [&str; 3] = ["setsid", "--ctty", "--wait"];

/// Does the same as [`asked`] for a command that begins with [`ON_TERMINAL`].
pub fn answered(mut command: Command, answers: &[(&str, &str)]) -> (String, Option<i32>) {
    let (outer, inner) = open();
    command.stdin(inner.try_clone().unwrap()).stdout(inner.try_clone().unwrap()).stderr(inner);
    let mut child = command.spawn().unwrap();
    // With it, this process has closed its copies of the inner end.
    drop(command);
    let (mut outer, mut shown, mut buffer) = (File::from(outer), String::new(), [0; 4096]);
    let mut answers = answers.iter().peekable();
    // The end of a terminal that no process has open is an error.
    while let Ok(len @ 1..) = outer.read(&mut buffer) {
        shown += &String::from_utf8_lossy(&buffer[..len]);
        if let Some((_, answer)) = answers.next_if(|(question, _)| shown.ends_with(question)) {
            outer.write_all(answer.as_bytes()).unwrap();
        }
    }
    assert_eq!(answers.next(), None, "{shown}");
    (shown.replace('\r', ""), child.wait().unwrap().code())
}
