//! Programs that run as long as the thread that started them, and write to one log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The folder of a server.
pub(crate) struct Home<'a>(pub(crate) &'a Path);

impl Home<'_> {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns a path in the folder as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Starts a program that is killed when this thread ends.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        let mut command = self.command("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(words).spawn().unwrap()
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, words: &[&str]) {
        let ended = self.command(words[0]).args(&words[1..]).status().unwrap();
        assert!(ended.success(), "{words:?}: {ended}\n{}", self.log());
    }

    /// Prepares a program that writes to the log and keeps its files in this folder.
    fn command(&self, program: &str) -> Command {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = Command::new(program);
        command.current_dir(self.0).env("TMPDIR", self.0).env("HOME", self.0);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command
    }

    /// Returns the end of the log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.path("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

/// Kills a process as `kill -9` does, and waits for its end.
pub(crate) fn kill(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}
