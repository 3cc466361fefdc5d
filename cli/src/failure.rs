//! Failures: a message, hints on the next step, and the exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::{Serialize, Serializer};
use stream_v2::format::{Detail, ErrorKind};

use crate::text::escape::one_line;

const EXIT_REJECTED: u8 = 1;
pub(crate) const EXIT_USAGE: u8 = 2;
const EXIT_IO: u8 = 3;
const EXIT_KEY: u8 = 4;
const EXIT_UNSEALED: u8 = 5;
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// The result of every command: nothing, or a failure with its exit code.
pub(crate) type CmdResult = Result<(), Failure>;

/// The failure of a command, and the next steps for its user. It serializes as the `error` of
/// `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    exit: u8,
    kind: &'static str,
    detail: Option<&'static str>,
    offset: Option<u64>,
    segment: Option<u64>,
    message: String,
    #[serde(rename = "hint", serialize_with = "lines")]
    hints: Vec<String>,
}

impl Failure {
    fn new(exit: u8, kind: &'static str, message: impl Display) -> Self {
        let message = message.to_string();
        Self { exit, kind, detail: None, offset: None, segment: None, message, hints: Vec::new() }
    }

    /// Returns a failure of usage: nothing was read or written, because the request is impossible.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(EXIT_USAGE, "usage", message)
    }

    /// Returns a failure of verification: the data is not as it must be.
    pub(crate) fn rejected(message: impl Display) -> Self {
        Self::new(EXIT_REJECTED, "rejected", message)
    }

    /// Returns a failure of the operating system.
    pub(crate) fn io(message: impl Display) -> Self {
        Self::new(EXIT_IO, "io", message)
    }

    /// Returns the failure of a call to S3. Wrong names and settings are failures of usage.
    pub(crate) fn s3(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidInput => Self::usage(error),
            io::ErrorKind::PermissionDenied => Self::io(error).hint(CREDENTIALS),
            io::ErrorKind::NotFound => Self::io(error).hint("check the names of the bucket and the key"),
            _ => Self::io(error),
        }
    }

    /// Returns the failure of a run that the user interrupted.
    pub(crate) fn interrupted(message: impl Display) -> Self {
        Self::new(EXIT_INTERRUPTED, "interrupted", message)
    }

    /// Returns the failure of the stream `name`.
    pub(crate) fn stream(name: &str, error: &stream_v2::format::Error) -> Self {
        let exit = match (error.kind(), error.detail()) {
            (ErrorKind::Key, _) => EXIT_KEY,
            (ErrorKind::Misuse, _) => EXIT_USAGE,
            (_, Detail::TruncatedUnsealed) => EXIT_UNSEALED,
            _ => EXIT_REJECTED,
        };
        let written = error.detail().name();
        let (kind, detail) =
            written.split_once('.').map_or((written, None), |(kind, detail)| (kind, Some(detail)));
        // A misuse has no place in the stream.
        let offset = Some(error.offset().0).filter(|_| error.kind() != ErrorKind::Misuse);
        let segment = error.segment();
        Self { detail, offset, segment, ..Self::new(exit, kind, format!("{name}: {error}")) }
    }

    /// Returns whether the stream has its final segment, if the failure shows that.
    pub(crate) fn shows_sealed(&self) -> Option<bool> {
        ["truncated", "trailing"].contains(&self.kind).then_some(false)
    }

    /// Adds a hint on what to do next.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Adds several hints.
    pub(crate) fn hints(self, hints: impl IntoIterator<Item = String>) -> Self {
        hints.into_iter().fold(self, Self::hint)
    }

    /// Returns the message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Prints the failure to standard error.
    pub(crate) fn say(&self) {
        note(&self.message);
        self.hints.iter().for_each(hint);
    }

    /// Prints the failure to standard error and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.say();
        ExitCode::from(self.exit)
    }
}

/// The failure and its hints, as tests compare them.
#[cfg(test)]
impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.hints.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

const CREDENTIALS: &str = "check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE), and what they may do";

/// Serializes hints as one text with a line for each, or as null.
fn lines<S: Serializer>(hints: &[String], to: S) -> Result<S::Ok, S::Error> {
    Some(hints.join("\n")).filter(|text| !text.is_empty()).serialize(to)
}

/// Prints a message to standard error.
pub(crate) fn note(message: impl Display) {
    write_line(format_args!("sv2: {message}"));
}

/// Prints a hint on what to do next.
pub(crate) fn hint(hint: impl Display) {
    write_line(format_args!("hint: {hint}"));
}

fn write_line(line: impl Display) {
    say(&format!("{}\n", one_line(line)));
}

/// How many times standard error gets 100 ms to accept some bytes.
const PATIENCE: u32 = 10;

/// Writes to standard error. Text that cannot be written is lost, but the exit code reports the
/// failure, too.
pub(crate) fn say(text: &str) {
    let (mut rest, mut patience) = (text.as_bytes(), PATIENCE);
    while !rest.is_empty() {
        match io::stderr().write(rest) {
            Ok(0) => return,
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && patience > 0 => {
                patience -= 1;
                #[cfg(unix)]
                let _ = crate::waiting::poll_out(io::stderr());
            }
            Err(_) => return,
        }
    }
}
