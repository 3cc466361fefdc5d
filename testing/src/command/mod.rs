//! The command in a folder of its own, with a known key, and small streams with fixed salts.

pub mod forge;
pub mod kill;
#[cfg(unix)]
pub mod modes;
#[cfg(feature = "s3")]
pub mod s3;
pub mod stream;
#[cfg(target_os = "linux")]
pub mod terminal;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// The folder for the state of programs, in the folder of a test.
const STATE: &str = ".state";

pub const KEY: [u8; 32] = [7; 32];
pub const KEY_ID: [u8; 16] = [0xA1; 16];

/// Returns the text of a key file.
pub fn key_text(key_id: [u8; 16], key: [u8; 32]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("# a key for tests\nsv2-key-1 {} {}\n", hex(&key_id), hex(&key))
}

/// Returns the path of the command that cargo has built for the running test or benchmark.
pub fn sv2() -> OsString {
    std::env::var_os("CARGO_BIN_EXE_sv2").unwrap()
}

/// A folder in which the command runs, so that messages name files without folders.
pub struct Folder(TempDir);

impl Folder {
    /// Creates a folder that holds a file `key`.
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write_key("key", &key_text(KEY_ID, KEY));
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Writes a key file that only its owner can read.
    pub fn write_key(&self, name: &str, text: &str) {
        self.write(name, text.as_bytes());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Returns the names in the folder, in order, without the folder for the state of programs.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != STATE).collect();
        names.sort();
        names
    }

    /// Returns the command with these arguments, split at spaces. The environment does not affect
    /// it.
    pub fn sv2(&self, args: &str) -> Command {
        self.sv2_after(&[], args)
    }

    /// Returns the command as the last words of another command, which starts it.
    pub fn sv2_after(&self, words: &[&str], args: &str) -> Command {
        let sv2 = sv2();
        let words = words.iter().map(OsStr::new).chain([sv2.as_os_str()]);
        let mut words = words.chain(args.split_whitespace().map(OsStr::new));
        let mut command = Command::new(words.next().unwrap());
        command.args(words).current_dir(self.0.path()).stdin(Stdio::null());
        command.env_remove("SV2_KEY_FILE").env_remove("COLUMNS");
        command.env("SV2_STATE_DIR", self.path(STATE));
        command
    }

    /// Returns the output of each of these commands, and checks that they leave the folder
    /// unchanged.
    pub fn said(&self, commands: &[&str]) -> String {
        let mut said = String::new();
        for args in commands {
            let names = self.names();
            said += &format!("--- sv2 {args}\n{}\n\n", self.run(args));
            assert_eq!(self.names(), names, "{args}");
        }
        said
    }

    /// Runs the command to its end with nothing on standard input.
    pub fn run(&self, args: &str) -> Ran {
        Ran(self.sv2(args).output().unwrap())
    }

    /// Runs the command to its end with `input` on standard input.
    pub fn run_with(&self, args: &str, input: &[u8]) -> Ran {
        let mut child = self
            .sv2(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // The command may end before it has read everything.
            scope.spawn(move || drop(stdin.write_all(input)));
            Ran(child.wait_with_output().unwrap())
        })
    }
}

/// The result of a command, displayed as a user sees it.
pub struct Ran(pub Output);

impl Ran {
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub fn stdout(&self) -> &[u8] {
        &self.0.stdout
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    /// Checks that the command succeeded, and returns the result.
    pub fn done(self) -> Self {
        assert_eq!(self.code(), 0, "{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}exit {}", self.stderr(), self.code())
    }
}
