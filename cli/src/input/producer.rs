//! `--from-command`: a command whose standard output is encrypted. The stream is sealed only if the
//! command succeeds.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::core_file;
use crate::failure::Failure;
use crate::progress::request::let_through;

/// A command that produces the plaintext. Dropping this ends the command.
pub(crate) struct Producer {
    child: Child,
    name: String,
    ended: Option<ExitStatus>,
    pause: Duration,
}

impl Producer {
    /// Starts a command, and returns it with a file to read its output from.
    ///
    /// It shares the standard error of this process, and also the standard input unless `alone`.
    pub(crate) fn start(words: &[OsString], alone: bool) -> Result<(Self, File), Failure> {
        let Some((program, args)) = words.split_first() else {
            return Err(Failure::usage("--from-command: no command was named").hint(EXAMPLE));
        };
        let name = Path::new(program).display().to_string();
        let mut command = Command::new(program);
        command.args(args).stdout(Stdio::piped());
        if alone {
            command.stdin(Stdio::null());
        }
        let failed = |error| {
            Failure::usage(format!("{name}: the command cannot be started: {error}")).hint(
                "the words after -- are a program and its arguments; sh -c '...' runs a line of a shell",
            )
        };
        let mut child = core_file::as_before(|| let_through(|| command.spawn())).map_err(failed)?;
        let output = child.stdout.take().map(file_of);
        let producer = Self { child, name, ended: None, pause: FIRST_PAUSE };
        output.map(|output| (producer, output)).ok_or_else(|| Failure::io("the command has no output"))
    }

    /// Returns the name of the command in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Checks that the command succeeded, once its output has ended.
    ///
    /// While the command still runs, this takes up to 100 ms and returns an interruption.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        let Some(status) = self.status()? else {
            thread::sleep(self.pause);
            self.pause = LONGEST_PAUSE.min(2 * self.pause);
            return Err(ErrorKind::Interrupted.into());
        };
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(CommandFailed(format!("{} {}", self.name, how(status)))))
    }

    fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Asks the command to end and waits. A command that takes too long is killed.
    fn end(&mut self) -> io::Result<()> {
        if self.status()?.is_some() {
            return Ok(());
        }
        terminate(&mut self.child)?;
        let (end, mut pause) = (Instant::now() + PATIENCE, FIRST_PAUSE);
        while Instant::now() < end {
            if self.status()?.is_some() {
                return Ok(());
            }
            thread::sleep(pause);
            pause = LONGEST_PAUSE.min(2 * pause);
        }
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // The result is ignored, because the run already has its own.
        let _ = self.end();
    }
}

pub(crate) const EXAMPLE: &str = "for example: sv2 encrypt --from-command -k KEY -o OUT -- pg_dump DATABASE";

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How long a command may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// The command failed, so its output must not be trusted. This is the error of the source.
#[derive(Debug)]
pub(crate) struct CommandFailed(String);

impl CommandFailed {
    /// Returns true if `error` has this cause.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

impl fmt::Display for CommandFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommandFailed {}

/// Describes the exit status, as the end of a sentence.
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = nix::sys::signal::Signal::try_from(number);
        return name.map_or_else(
            |_| format!("was ended by signal {number}"),
            |name| format!("was ended by {} (signal {number})", name.as_str()),
        );
    }
    status
        .code()
        .map_or_else(|| format!("failed: {status}"), |code| format!("failed with exit status {code}"))
}

#[cfg(unix)]
fn file_of(output: std::process::ChildStdout) -> File {
    std::os::fd::OwnedFd::from(output).into()
}

#[cfg(windows)]
fn file_of(output: std::process::ChildStdout) -> File {
    std::os::windows::io::OwnedHandle::from(output).into()
}

/// Sends SIGTERM, on which a command may clean up.
#[cfg(unix)]
fn terminate(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    // The process was not waited for, so this is still its id.
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) -> io::Result<()> {
    child.kill()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_words() {
        let refused = Producer::start(&[], false).err().unwrap();
        insta::assert_snapshot!(refused, @r"
        --from-command: no command was named
        hint: for example: sv2 encrypt --from-command -k KEY -o OUT -- pg_dump DATABASE
        ");
    }
}
