//! Hints on what to do about a rejected stream.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use stream_v2::file::OutputFile;
use stream_v2::format::wire::JOURNAL_MAGIC;
use stream_v2::format::{Detail, Error, ErrorKind, Misuse};
use stream_v2::pipeline::{Cause, Error as RunError};

use crate::failure::Failure;
use crate::report::rescue::rescue;
use crate::text::size::{bytes, count};

/// Returns the next step after `error`.
///
/// `name` is the input in messages, and `plaintext_len` that of the committed segments in bytes, if
/// known.
pub(crate) fn advice(name: &str, error: &Error, plaintext_len: Option<u64>) -> Option<String> {
    let offset = error.offset().0;
    let sentence = match error.kind() {
        ErrorKind::Malformed if offset == 0 && error.detail() == Detail::MalformedMagic => {
            return Some(journal(name).unwrap_or_else(|| NOT_A_STREAM.into()));
        }
        ErrorKind::Malformed => "this copy is damaged; fetch it again, or use another one",
        ErrorKind::Unsupported => {
            concat!("a newer version of sv2 may read it; this is ", env!("CARGO_PKG_VERSION"))
        }
        // The segment size in the stream header, and not a stanza.
        ErrorKind::Limit if error.detail() == Detail::LimitPolicy && offset == 16 => {
            let needed = error.found().unwrap_or_default().saturating_mul(2);
            return Some(format!(
                "one segment takes {needed} bytes of memory: --memory-limit {needed} allows it"
            ));
        }
        ErrorKind::Limit if error.detail() == Detail::LimitPolicy => {
            "sv2 inspect shows what its passphrase takes: --memory-limit allows more memory, and only the program that wrote it may allow more time"
        }
        ErrorKind::Misuse if error.rule() == Some(Misuse::NothingForEnvelope) => {
            "name the key file with -k FILE or the identity with -i FILE, or give the passphrase with -p; sv2 inspect says what there is"
        }
        ErrorKind::Misuse if error.rule() == Some(Misuse::NoContentKey) => {
            "name a key file with -k FILE, or with SV2_KEY_FILE"
        }
        ErrorKind::Limit => {
            "sv2 never writes such a stream; another program made it wrongly, or it was altered"
        }
        ErrorKind::Auth => {
            "the checksums match and the tags do not: the stream was altered, or damaged before its checksums were made"
        }
        ErrorKind::Order => {
            "segments were moved, repeated, left out, or taken from another run; fetch the stream again, or use another copy"
        }
        ErrorKind::Truncated => return truncated(error, plaintext_len),
        ErrorKind::Trailing => {
            return Some(format!(
                "the stream ends at byte {offset} and something follows it; head -c {offset} FILE gives the stream alone"
            ));
        }
        _ => return None,
    };
    Some(sentence.into())
}

/// Returns the failure to report for a stream that was walked without a key.
pub(crate) fn walk_failed(name: &str, error: &RunError) -> Failure {
    match error.format_error() {
        Some(format) => {
            let failure = Failure::stream(name, format);
            failure.hints(rescue(format, name).or_else(|| advice(name, format, None)))
        }
        None => not_read(name, error),
    }
}

/// Returns the failure to report for an input that cannot be read, of which nothing is kept.
pub(crate) fn not_read(name: &str, error: &RunError) -> Failure {
    let failure = match error.cause() {
        Cause::Io(error) => Failure::io(format!("{name}: reading failed: {error}")),
        _ => Failure::io(format!("{name}: reading failed: {error}")),
    };
    failure.hint(READ_AGAIN)
}

pub(crate) const READ_AGAIN: &str = "check the disk or the connection, and run the same command again";

const NOT_A_STREAM: &str = "this is not a Stream V2 stream, or its first bytes are damaged";

/// Says whose journal a file is, if it is one.
fn journal(name: &str) -> Option<String> {
    let output = name.strip_suffix(".journal")?;
    // To open a pipe would wait for its writer.
    let is_file = Path::new(name).metadata().is_ok_and(|metadata| metadata.is_file());
    let mut magic = [0; JOURNAL_MAGIC.len()];
    let mut file = is_file.then(|| File::open(name))?.ok()?;
    file.read_exact(&mut magic).ok().filter(|()| magic == JOURNAL_MAGIC)?;
    let partial = OutputFile::new(output).partial();
    Some(format!(
        "this is the journal of the unfinished output {output}: inspect {}, or run the command that writes {output} again to resume",
        partial.display()
    ))
}

fn truncated(error: &Error, plaintext_len: Option<u64>) -> Option<String> {
    let advice = match error.segment() {
        _ if error.detail() == Detail::TruncatedUnsealed => return None,
        None if error.offset().0 == 0 => "the input is empty; check the program that should have written it".into(),
        None => "this is not a Stream V2 stream, or it was cut off in its header, and nothing can be salvaged".into(),
        Some(0) => {
            "no segment is whole: resume it with sv2 encrypt if its writer was interrupted, or fetch it again if it was cut off"
                .into()
        }
        Some(segments) => {
            let plaintext = plaintext_len.map_or_else(String::new, |len| format!(", {} of plaintext", bytes(len)));
            format!(
                "resume it with sv2 encrypt if its writer was interrupted, or fetch it again if it was cut off; sv2 decrypt --salvage recovers the committed part: {}{plaintext}",
                count(segments, "segment"),
            )
        }
    };
    Some(advice)
}
