//! §19 The messages of resumed runs.

use std::io::ErrorKind as IoKind;
use std::path::Path;

use stream_v2::file::Warning;
use stream_v2::format::crypto::Committed;
use stream_v2::format::{Detail, Error as FormatError, ErrorKind, Misuse};
use stream_v2::pipeline::{Cause, Error, OutputFile, SourceStamp, Stage};

use crate::failure::{Failure, note};
use crate::input::producer::CommandFailed;
use crate::input::source::Input;
use crate::keys::Keys;
use crate::output::file::{
    MOVE_AWAY, being_written, is_uploaded, not_ours, refuse_existing, too_long, without_locks,
};
use crate::output::target::{Content, Output};
use crate::report::advice::not_read;
use crate::report::failed_run::SAME_BYTES;
use crate::text::size::{bytes, count};
use crate::text::time::second;

pub(crate) const RESTART: &str = "--restart discards the partial output and starts over";

/// The next steps of a writer that has nothing for the envelope, and no resume key.
const WITHOUT_KEY: &str = "this machine has no resume key of it";
const OWN_ENVELOPE: &str =
    "to resume, give a key of the first run: -i FILE with an identity of one of its recipients, or -k FILE";

/// Reports findings about the output.
pub(crate) fn warn(output: &OutputFile, content: Content, warning: &Warning) {
    match warning {
        Warning::JournalUnusable(error) => {
            let journal = output.journal();
            note(format_args!("warning: {}: {error}; resuming without it", journal.display()));
        }
        Warning::JournalDamaged => {
            let journal = output.journal();
            let then = match content {
                Content::Ciphertext => "resuming without it",
                // Only the journal vouches for plaintext.
                Content::Plaintext => "sv2 decrypts again what they recorded",
            };
            note(format_args!("warning: {}: its records are damaged; {then}", journal.display()));
        }
        Warning::ResultChanged => {
            let target = output.target();
            note(format_args!("warning: {}: was changed after sv2 had completed it", target.display()));
        }
        Warning::LostDurable => {
            let partial = output.partial();
            note(format_args!("warning: {}: durable data was lost; sv2 writes it again", partial.display()));
        }
        // A failed run reports these, too: see `warn_names_at_risk`.
        Warning::NamesAtRisk(_) => {}
        warning => note(format_args!("warning: {}: {warning}", output.partial().display())),
    }
}

/// Warns that names in the output's folder cannot be made durable, if that was found out.
pub(crate) fn warn_names_at_risk(output: &Output, quiet: bool) {
    if let (false, Some(why)) = (quiet, output.names_at_risk()) {
        note(format_args!("warning: names cannot be made durable in {why}"));
        note("warning: after a loss of power the output may be missing, or have its partial name");
    }
}

/// Reports where a run resumes.
pub(crate) fn note_resuming(output: &OutputFile, committed: &Committed) {
    let (segments, plaintext) = (count(committed.segments, "segment"), bytes(committed.plaintext_len));
    note(format_args!("{}: resuming after {segments}, {plaintext}", output.partial().display()));
}

/// Returns the failure of a run that cannot resume a partial output.
pub(crate) fn not_resumable(output: &OutputFile, keys: &Keys, error: &Error) -> Failure {
    let name = output.partial().display().to_string();
    match error.cause() {
        Cause::Io(error) if error.kind() == IoKind::WouldBlock => being_written(output),
        Cause::Io(error) if error.kind() == IoKind::AlreadyExists => {
            refuse_existing(output).err().unwrap_or_else(|| Failure::io(error))
        }
        // An invalid answer of S3, or a record of an upload that is not one.
        Cause::Io(error) if error.kind() == IoKind::InvalidData && is_uploaded(output) => {
            Failure::io(error).hint(RESTART)
        }
        Cause::Io(error) if error.kind() == IoKind::InvalidData => not_ours(error),
        // A fault of an upload, which the error describes.
        Cause::Io(error) if error.kind() == IoKind::InvalidInput && error.get_ref().is_some() => {
            Failure::usage(error).hint(RESTART)
        }
        // The folder of resume keys, or a key in it, which the error names.
        Cause::Io(io) if io.kind() == IoKind::PermissionDenied && error.stage() == Stage::Manager => {
            Failure::usage(io).hint("chmod 700 keeps others out of a folder, and chmod 600 out of a file")
        }
        Cause::Io(error) if error.kind() == IoKind::Unsupported => without_locks(output, error),
        Cause::Io(error) if error.kind() == IoKind::InvalidFilename => too_long(output, error),
        Cause::Io(error) => Failure::io(format!("{name}: cannot be read: {error}")).hint(RESTART),
        Cause::Format(error) if error.detail() == Detail::MalformedMagic => {
            Failure::usage(format!("{name}: is not a stream, and is left alone")).hint(MOVE_AWAY)
        }
        Cause::Format(error) if error.kind() == ErrorKind::Key => {
            Failure::stream(&name, error).hint(format!("{}; {RESTART}", begun_with(error, keys)))
        }
        Cause::Format(error) if error.rule() == Some(Misuse::NothingForEnvelope) && keys.is_for_age() => {
            Failure::stream(&name, error).hint(WITHOUT_KEY).hint(OWN_ENVELOPE).hint(RESTART)
        }
        Cause::Format(error) if error.rule() == Some(Misuse::OtherRecipients) => {
            Failure::stream(&name, error).hint(format!("name the same recipients to resume; {RESTART}"))
        }
        Cause::Format(error) if error.kind() == ErrorKind::Misuse => other_choice(&name, error.rule()),
        Cause::Format(error) => Failure::stream(&name, error).hint(format!("nothing was changed; {RESTART}")),
        _ => Failure::io(format!("{name}: {error}")),
    }
}

/// Says with what a partial stream was begun that these keys do not open.
fn begun_with(error: &FormatError, keys: &Keys) -> String {
    match (&keys.file, error.detail()) {
        (_, Detail::KeyEnvelope) if keys.is_for_age() => {
            "it was begun with another key, or its envelope was exchanged".into()
        }
        (None, Detail::KeyEnvelope) => "it was begun with another passphrase".into(),
        (None, _) => "it was begun with another --context, or its header was altered".into(),
        (Some(file), Detail::KeyEnvelope) => format!("it was not begun for the key in {}", file.name),
        _ => "it was begun with another key, passphrase or --context".into(),
    }
}

/// Returns the failure of options that do not suit the partial stream.
fn other_choice(name: &str, rule: Option<Misuse>) -> Failure {
    let (what, next) = match rule {
        Some(Misuse::NoContentKey) => {
            ("was begun with a key file, and no passphrase opens it", "name that file with -k to resume")
        }
        Some(Misuse::NothingForEnvelope) => (
            "was begun for another key file, or for a passphrase",
            "use that one to resume (sv2 inspect shows the envelope)",
        ),
        Some(Misuse::UniformWithCodec) => ("was begun without --compress", "leave out --compress to resume"),
        _ => ("was begun without --index", "leave out --index to resume"),
    };
    Failure::usage(format!("{name}: {what}")).hint(format!("{next}; {RESTART}"))
}

/// Returns the failure of a run whose source does not fit the partial output.
pub(crate) fn source_refused(
    input: &Input,
    output: &OutputFile,
    then: Option<&SourceStamp>,
    error: &Error,
) -> Failure {
    if error.stage() == Stage::Sink {
        return output_damaged(output, error);
    }
    let name = &input.name;
    let Some(format) = error.format_error().filter(|error| error.detail() == Detail::JournalSource) else {
        return match error.cause() {
            Cause::Interrupted => {
                Failure::interrupted("interrupted while the input was compared; nothing was changed")
            }
            Cause::Format(error) => Failure::stream(name, error),
            Cause::Io(io) if CommandFailed::is(io) => {
                Failure::io(format!("{io} while its output was compared; nothing was changed"))
                    .hint(SAME_BYTES)
            }
            _ => not_read(name, error),
        };
    };
    let failure = Failure::stream(name, format);
    if input.is_of_command() {
        return failure.hint(format!("make the command write the same bytes each time to resume; {RESTART}"));
    }
    match then.filter(|_| format.offset().0 == 0) {
        Some(then) => failure.hint(format!(
            "{}; --verify-source compares all of it, and resumes if nothing that was encrypted has changed",
            differs(then, &input.stamp)
        )),
        None => failure,
    }
    .hint(RESTART)
}

/// Says how a source has changed.
fn differs(then: &SourceStamp, now: &SourceStamp) -> String {
    if let (Some(then), Some(now)) = (then.len, now.len)
        && then != now
    {
        return format!("its length differs ({} then, {now} now)", count(then, "byte"));
    }
    match (then.mtime, now.mtime) {
        (Some(then), Some(now)) if then != now => {
            let (then, now) = (second(then), second(now));
            match then == now {
                true => format!("it was modified in the same second ({now})"),
                false => format!("it was modified ({then} then, {now} now)"),
            }
        }
        _ => "it was modified".into(),
    }
}

/// Returns the failure of a partial output that is damaged, found while the source was compared
/// with it.
fn output_damaged(output: &OutputFile, error: &Error) -> Failure {
    let name = output.partial().display().to_string();
    match error.cause() {
        Cause::Format(error) => Failure::stream(&name, error).hint(format!("nothing was changed; {RESTART}")),
        Cause::Io(error) => Failure::io(format!("{name}: reading failed: {error}")).hint(RESTART),
        _ => Failure::io(format!("{name}: {error}")),
    }
}

/// Returns the failure of a partial plaintext that differs from that of the stream.
pub(crate) fn output_changed(partial: &Path, at: u64) -> Failure {
    let name = partial.display();
    Failure::rejected(format!("{name}: differs from the plaintext of the stream at byte {at}"))
        .hint("it was changed since it was written, or belongs to another stream; nothing was changed now")
        .hint(RESTART)
}

/// Returns the failure of a partial file without a valid journal.
pub(crate) fn unknown(partial: &Path, warning: Option<&Warning>) -> Failure {
    let name = partial.display();
    let failure = match warning {
        Some(Warning::JournalUnusable(error)) => {
            Failure::usage(format!("{name}: exists already, and its journal is not to be used: {error}"))
        }
        // There is no evidence that it is the output of an earlier run.
        _ => {
            return Failure::usage(format!(
                "{name}: exists already, and no journal says how far it can be trusted"
            ))
            .hint(MOVE_AWAY);
        }
    };
    failure.hint(RESTART)
}
