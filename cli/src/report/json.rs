//! `--json`: the result of a command, as one JSON object on one line of standard output.

use std::ffi::OsStr;
use std::path::Path;

use serde::Serialize;
use stream_v2::file::{Outcome, Summary};

use crate::failure::{CmdResult, Failure};
use crate::keys::Opener;
use crate::progress::bar::Committed;
use crate::stdio::{Results, is_standard_output, refuse_closed_output, write_results};
use crate::text::escape::plain_json;

/// The object of a command. The fields of its result are those of the object.
#[derive(Serialize)]
struct Document<'a, R> {
    verb: &'a str,
    #[serde(flatten)]
    result: &'a R,
    error: Option<&'a Failure>,
}

/// Prints the result of `verb` if `json` is set, and returns the failure of the command.
///
/// If the command has not failed, it does so if the result cannot be printed.
pub(crate) fn finish(json: bool, verb: &str, result: &impl Serialize, done: CmdResult) -> CmdResult {
    if !json {
        return done;
    }
    let document = Document { verb, result, error: done.as_ref().err() };
    let printed = write_results(Results::open, &(line(&document) + "\n"));
    done.and(printed)
}

/// A command without a result.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// Returns a value as JSON without line breaks.
pub(crate) fn line(value: &impl Serialize) -> String {
    // All of them are structures of texts, numbers and truth values, which always serialize.
    plain_json(&serde_json::to_string(value).unwrap_or_default())
}

/// Returns true if the arguments of this process, which were rejected, ask for JSON.
pub(crate) fn is_requested() -> bool {
    std::env::args_os().skip(1).take_while(|arg| arg != "--").any(|arg| arg == "--json")
}

/// Returns a place as it was given. If it is not UTF-8, the second text has its bytes in
/// hexadecimal, and the first one is an approximation.
pub(crate) fn place(place: &(impl AsRef<OsStr> + ?Sized)) -> (Option<String>, Option<String>) {
    let place = place.as_ref();
    let hex = place.to_str().is_none().then(|| hex::encode(place.as_encoded_bytes()));
    (Some(place.to_string_lossy().into_owned()), hex)
}

/// Returns the id of a key in digits. Zeros name no key.
pub(crate) fn key_id(id: [u8; 16]) -> Option<String> {
    (id != [0; 16]).then(|| hex::encode(id))
}

/// The result of `encrypt` and `decrypt`.
#[derive(Default, Serialize)]
pub(crate) struct RunResult {
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_hex: Option<String>,
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_hex: Option<String>,
    outcome: Option<&'static str>,
    resumed_len: Option<u64>,
    segments: Option<u64>,
    plaintext_len: Option<u64>,
    stream_len: Option<u64>,
    key_id: Option<String>,
    /// What opened the stream. `encrypt` has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_by: Option<&'static str>,
    /// The data goes to standard output, so that the result must not.
    #[serde(skip)]
    is_silent: bool,
}

impl RunResult {
    pub(crate) fn reads(&mut self, input: &Path) {
        (self.input, self.input_hex) = place(input);
    }

    /// Names the output. With `json` it rejects standard output, which is for the result.
    pub(crate) fn writes(&mut self, output: &Path, json: bool) -> CmdResult {
        (self.output, self.output_hex) = place(output);
        self.is_silent = is_standard_output(output);
        match (json, self.is_silent) {
            (false, _) => Ok(()),
            (true, false) => refuse_closed_output(),
            (true, true) => {
                Err(Failure::usage("the data and the result of --json cannot both go to standard output")
                    .hint("name the output with -o FILE; --stats=json prints figures to standard error"))
            }
        }
    }

    /// Names the key of the stream.
    pub(crate) fn key(&mut self, id: Option<[u8; 16]>) {
        self.key_id = id.and_then(key_id);
    }

    /// Names what opened the stream, and its key.
    pub(crate) fn opened_by(&mut self, opener: &Opener) {
        self.opened_by = Some(opener.kind);
        self.key_id = opener.key_id.and_then(key_id);
    }

    /// Reports the work that an incomplete run has committed.
    pub(crate) const fn committed(&mut self, committed: Committed) {
        self.segments = Some(committed.segments);
        self.plaintext_len = Some(committed.plaintext_len);
    }

    /// Reports a complete output.
    pub(crate) fn complete(&mut self, outcome: Outcome, summary: Option<&Summary>) {
        self.outcome = Some(match outcome {
            Outcome::Fresh => "fresh",
            Outcome::Resumed { .. } => "resumed",
            Outcome::Named => "named",
            Outcome::WasComplete => "was_complete",
            _ => "other",
        });
        if let Outcome::Resumed { after } = outcome {
            self.resumed_len = Some(after);
        }
        self.segments = summary.map(|summary| summary.segments);
        self.plaintext_len = summary.map(|summary| summary.plaintext_len);
        self.stream_len = summary.map(|summary| summary.stream_len);
    }

    /// Prints the result, as [`finish`] does.
    pub(crate) fn finish(&self, json: bool, verb: &str, done: CmdResult) -> CmdResult {
        finish(json && !self.is_silent, verb, self, done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_its_kind_and_place() {
        let failure = Failure::io("a: \u{1b}[2J").hint("one").hint("two");
        let document = Document { verb: "list", result: &Empty {}, error: Some(&failure) };
        insta::assert_snapshot!(
            line(&document),
            @r#"{"verb":"list","error":{"kind":"io","detail":null,"offset":null,"segment":null,"message":"a: \u001b[2J","hint":"one\ntwo"}}"#
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_name_without_utf_8_keeps_its_bytes() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(place("a"), (Some("a".into()), None));
        assert_eq!(place(OsStr::from_bytes(b"a\xff")), (Some("a\u{fffd}".into()), Some("61ff".into())));
    }
}
