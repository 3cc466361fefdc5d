//! The messages of envelopes that could not be replaced.

use std::io::ErrorKind as IoKind;
use std::path::Path;

use stream_v2::Error;
use stream_v2::error::Problem;
use stream_v2::format::Misuse;
use stream_v2::pipeline::{Cause, Error as RunError, OutputFile};

use crate::failure::Failure;
use crate::keys::Keys;
use crate::output::target::Content;
use crate::progress::bar::Committed;
use crate::report::failed_run::FailedRun;

const ANEW: &str = "decrypt the stream, and encrypt it anew";

/// Returns the failure to report for the envelope of `stream`.
pub(crate) fn not_rewrapped(error: &Error, stream: &Path, keys: &Keys) -> Failure {
    let name = stream.display().to_string();
    match error.problem() {
        Problem::Rewrap(error) | Problem::Run(error) => of_run(error, stream, &name, keys),
        Problem::Create(error) if error.kind() == IoKind::AlreadyExists => Failure::usage(error),
        _ => Failure::io(format!("{name}: {error}")),
    }
}

fn of_run(error: &RunError, stream: &Path, name: &str, keys: &Keys) -> Failure {
    match error.cause() {
        Cause::Format(format) => match format.rule().and_then(next_step) {
            Some(next) => Failure::stream(name, format).hint(next),
            None => of_stream(error, name, keys),
        },
        Cause::Io(io) => match io.kind() {
            IoKind::WouldBlock => Failure::usage(format!("{name}: another sv2 is replacing its envelope"))
                .hint("wait until it is done"),
            IoKind::InvalidData => Failure::usage(io).hint("move that file away"),
            IoKind::AlreadyExists => Failure::usage(io).hint("choose another name"),
            _ => {
                let copy = OutputFile::new(stream).rewrap_copy();
                let is_there = copy.exists().then(|| {
                    let copy = copy.display();
                    format!(
                        "run the same command again to complete it; until then --envelope {copy} opens it"
                    )
                });
                Failure::io(format!("{name}: its envelope was not replaced: {io}")).hints(is_there)
            }
        },
        _ => Failure::io(error),
    }
}

fn of_stream(error: &RunError, name: &str, keys: &Keys) -> Failure {
    let (content, committed) = (Content::Ciphertext, Committed::default());
    FailedRun { input: name, output: None, content, keys, stream_key_id: None, committed }.failure(error)
}

fn next_step(rule: Misuse) -> Option<&'static str> {
    Some(match rule {
        Misuse::EnvelopeRoom => {
            "-o NEW writes the stream with a longer envelope; --detached PLACE writes the envelope alone"
        }
        Misuse::EnvelopeUnfinished => {
            "if its writer was interrupted, run that command again; sv2 rewrap takes complete streams"
        }
        Misuse::EnvelopeMissing | Misuse::WrapsBrought => ANEW,
        Misuse::NothingForEnvelope | Misuse::NoContentKey => {
            "-k FILE or --passphrase-file FILE opens it as it is; sv2 inspect says what there is"
        }
        _ => return None,
    })
}
