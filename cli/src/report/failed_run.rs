//! The messages of failed runs: the fault, the partial output, and the next step.

use std::io::{self, ErrorKind as IoKind};

use stream_v2::format::{Detail, Error as FormatError, ErrorKind};
use stream_v2::pipeline::{Cause, Error, Stage};
use stream_v2::s3::is_hidden;

use crate::failure::Failure;
use crate::input::producer::CommandFailed;
use crate::keys::{KeyFile, Keys};
use crate::location::Location;
use crate::output::target::{Content, Output};
use crate::passphrase::not_asked;
use crate::progress::bar::Committed;
use crate::report::advice::{READ_AGAIN, advice};
use crate::report::rescue::rescue;
use crate::report::resume::RESTART;
use crate::text::size::{bytes, count};

/// A failed run: its input, its output, and its progress.
pub(crate) struct FailedRun<'a> {
    /// The name of the input in messages.
    pub(crate) input: &'a str,
    /// The output of the run, or `None` if it only verified.
    pub(crate) output: Option<&'a Output>,
    pub(crate) content: Content,
    pub(crate) keys: &'a Keys,
    /// The id of the key that the stream names, if it was read.
    pub(crate) stream_key_id: Option<[u8; 16]>,
    pub(crate) committed: Committed,
}

impl FailedRun<'_> {
    /// Returns the failure to report for `error`.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        match (error.cause(), error.stage()) {
            (Cause::Format(format), _) => self.rejected(format),
            (Cause::Io(io), Stage::Sink) => self.not_written(error, io),
            (Cause::Io(io), Stage::Source) if CommandFailed::is(io) => {
                let failure = Failure::io(format!("{io}: its output was not completed"));
                failure.hints(self.kept()).hint(SAME_BYTES)
            }
            (Cause::Io(io), Stage::Source) => {
                let failure =
                    Failure::io(format!("{}: reading failed{}: {io}", self.input, at_segment(error)));
                let again = self.output.is_none().then(|| READ_AGAIN.into());
                failure.hints(self.kept()).hints(again)
            }
            (Cause::Interrupted, _) => self.interrupted(),
            (Cause::Io(io), _) => not_asked(io).unwrap_or_else(|| Failure::io(error).hints(self.kept())),
            _ => Failure::io(error).hints(self.kept()),
        }
    }

    pub(crate) fn interrupted(&self) -> Failure {
        let segments = count(self.committed.segments, "segment");
        Failure::interrupted(format!("interrupted after {segments}")).hints(self.kept())
    }

    fn rejected(&self, error: &FormatError) -> Failure {
        let failure = Failure::stream(self.input, error);
        if error.kind() == ErrorKind::Key {
            return failure.hint(self.key_advice(error));
        }
        let failure = match rescue(error, self.input) {
            Some(rescue) => failure.hint(rescue),
            None => failure.hints(advice(self.input, error, Some(self.committed.plaintext_len))),
        };
        // A stream that is truncated now may be complete later.
        if error.detail() == Detail::Truncated && self.output.is_some_and(|output| output.partial().is_some())
        {
            return failure.hints(self.kept_until(COMPLETED));
        }
        failure.hints(self.released(error))
    }

    fn key_advice(&self, error: &FormatError) -> String {
        if error.detail() == Detail::KeyEnvelope && self.keys.has_identities() {
            let wrong = self.keys.wrongly_unlocked().next();
            return wrong
                .map_or_else(|| self.keys.tried(), |name| format!("the passphrase of {name} is wrong"));
        }
        let Some(KeyFile { text, name }) = &self.keys.file else {
            return match error.detail() {
                Detail::KeyEnvelope => "this is not the passphrase of the stream: try another one".into(),
                _ => "check --context; if that is right, the stream header was altered".into(),
            };
        };
        let key_id = &text.key_id;
        match self.stream_key_id {
            _ if error.detail() == Detail::KeyEnvelope => {
                format!("{name} does not hold the key that the envelope is for: use another key file")
            }
            Some(stream) if stream == [0; 16] => {
                format!("the stream does not name its key; check {name} and --context")
            }
            Some(stream) if stream != *key_id => {
                let (stream, key_id) = (hex::encode(stream), hex::encode(key_id));
                format!(
                    "the stream names key {stream}, but {name} holds key {key_id}; use the other key file"
                )
            }
            _ => format!(
                "{name} holds the key that the stream names; check --context, and if that is right, the stream header was altered"
            ),
        }
    }

    /// Describes what happened to the plaintext of a rejected stream.
    fn released(&self, error: &FormatError) -> Option<String> {
        let output = self.output?;
        let Committed { segments, plaintext_len } = self.committed;
        let (name, plaintext) = (output.name(), bytes(plaintext_len));
        if error.detail() == Detail::TruncatedUnsealed {
            let segments = count(segments, "committed segment");
            return Some(format!("{name} has the plaintext of {segments}: {plaintext}; the rest is missing"));
        }
        if self.content == Content::Ciphertext || error.segment().is_none() {
            return None;
        }
        if error.kind() == ErrorKind::Trailing && !matches!(output, Output::File(_)) {
            return Some(format!("{name} has the whole stream before that: {plaintext}"));
        }
        Some(match output {
            // Each segment is authentic, but together they are not a prefix of a stream that one
            // writer sealed.
            Output::Standard | Output::Device(_) if error.detail() == Detail::AuthTrailer => {
                format!("discard {name}: its parts do not belong together")
            }
            Output::File(_) if error.detail() == Detail::AuthTrailer => format!("{name} was not written"),
            Output::File(_) if plaintext_len == 0 || error.kind() == ErrorKind::Truncated => {
                format!("{name} was not written")
            }
            Output::File(_) => {
                format!("{name} was not written; -o - writes the {plaintext} before the fault")
            }
            _ if plaintext_len == 0 => format!("nothing was written to {name}"),
            _ => format!("{name} has an authentic prefix only: {plaintext}"),
        })
    }

    fn not_written(&self, error: &Error, io: &io::Error) -> Failure {
        let name = self.output.map_or_else(String::new, Output::name);
        match io.kind() {
            IoKind::BrokenPipe => Failure::io(format!("{name}: closed by its reader")),
            IoKind::AlreadyExists => {
                let kept = self.output.and_then(Output::partial).map(|partial| {
                    let partial = partial.display().to_string();
                    let what = if self.is_uploaded() { "the upload" } else { &partial };
                    format!("{what} is complete and kept; run the same command with --force to replace {name}")
                });
                Failure::io(format!("{name}: was created while sv2 was running, and is not replaced"))
                    .hints(kept)
            }
            IoKind::PermissionDenied if is_hidden(io) => Failure::io(io)
                .hint("the upload is kept; run the same command with --force to complete it, whether or not the object exists"),
            // The answer of S3 about the upload is invalid. A second request may help.
            IoKind::InvalidData if self.is_uploaded() => Failure::io(io).hints(self.kept()),
            IoKind::NotFound if self.is_uploaded() => Failure::io(io).hint(RESTART),
            _ => Failure::io(format!("{name}: writing failed{}: {io}", at_segment(error)))
                .hints(no_room(io))
                .hints(self.kept()),
        }
    }

    fn is_uploaded(&self) -> bool {
        self.output.is_some_and(|output| matches!(output.location(), Location::S3 { .. }))
    }

    /// Describes the partial output of a run that ended early, and its use.
    fn kept(&self) -> Vec<String> {
        self.kept_until("")
    }

    /// The same, if the same command can do no more before something else has happened.
    fn kept_until(&self, first: &str) -> Vec<String> {
        let Some(output) = self.output else { return Vec::new() };
        let Committed { segments, plaintext_len } = self.committed;
        let what = match self.content {
            _ if segments == 0 => "no whole segment".into(),
            Content::Ciphertext => {
                let segments = count(segments, "whole segment");
                format!("an unsealed stream of {segments}, {} of plaintext", bytes(plaintext_len))
            }
            Content::Plaintext => {
                format!("an authentic prefix of the plaintext only: {}", bytes(plaintext_len))
            }
        };
        let Some(partial) = output.partial() else {
            let name = output.name();
            return vec![match segments {
                0 => format!("no whole segment was written to {name}"),
                _ => format!("{name} has {what}"),
            }];
        };
        let location = output.location();
        let next = match (self.content, &location) {
            _ if segments == 0 => format!("{first}run the same command again to start over"),
            (Content::Ciphertext, Location::File) => {
                let name = partial.display();
                format!("{RESUMES}; sv2 decrypt --salvage {name} -o FILE salvages it")
            }
            (_, Location::S3 { .. }) => {
                format!("{first}{RESUMES}; only this machine has the data not yet uploaded")
            }
            _ => format!("{first}{RESUMES}"),
        };
        let name = if matches!(location, Location::S3 { .. }) {
            "the upload".into()
        } else {
            partial.display().to_string()
        };
        vec![format!("{name} is kept: {what}"), next]
    }
}

pub(crate) const SAME_BYTES: &str =
    "to resume, the command must write the same bytes again; all of them are compared";

/// A stream that was cut off is the same again if the command is repeated.
const COMPLETED: &str = "once the stream is complete, ";

const RESUMES: &str = "run the same command again to resume; --restart starts over";

/// Returns the next step if an output has no room left.
pub(crate) fn no_room(error: &io::Error) -> Option<String> {
    let is_full = matches!(error.kind(), IoKind::StorageFull | IoKind::QuotaExceeded | IoKind::FileTooLarge);
    is_full.then(|| "free some space, or start over on another disk with -o".into())
}

fn at_segment(error: &Error) -> String {
    error.segment().map_or_else(String::new, |segment| format!(" at segment {segment}"))
}
