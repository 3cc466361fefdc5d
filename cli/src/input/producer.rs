//! `--from-command`: a command whose standard output is encrypted, and sealed only if the command
//! ends well.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::failure::Failure;

/// A command that gives the plaintext. It is ended when this is dropped.
pub(crate) struct Producer {
    child: Child,
    name: String,
    ended: Option<ExitStatus>,
    pause: Duration,
}

impl Producer {
    /// Starts a command, and gives what can be read from it. Its standard error is that of this
    /// process, and its standard input too, unless `alone`.
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
        let mut child = command.spawn().map_err(failed)?;
        let output = child.stdout.take().map(file_of);
        let producer = Self { child, name, ended: None, pause: FIRST_PAUSE };
        output.map(|output| (producer, output)).ok_or_else(|| Failure::io("the command has no output"))
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it ended well, once its output has ended. As long as it has not, that takes up to
    /// 100 ms and is an interruption.
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

    /// Asks it to end, and waits; ends it if that takes too long.
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
        // Nothing is left to be told: the run has its result.
        let _ = self.end();
    }
}

pub(crate) const EXAMPLE: &str = "for example: sv2 encrypt --from-command -k KEY -o OUT -- pg_dump DATABASE";

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How long a command may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the output of a command is not to be believed, as the error of a source.
#[derive(Debug)]
pub(crate) struct CommandFailed(String);

impl CommandFailed {
    /// Whether `error` says so.
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

/// How it ended, as the end of a sentence.
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

/// SIGTERM, which a command may answer by clearing up.
#[cfg(unix)]
fn terminate(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    // It was not waited for, so this is still its number.
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) -> io::Result<()> {
    child.kill()
}
