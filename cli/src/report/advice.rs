//! Hints on what to do about a rejected stream.

use stream_v2::format::{Detail, Error, ErrorKind, Misuse};
use stream_v2::pipeline::Error as RunError;

use crate::failure::Failure;
use crate::report::rescue::rescue;
use crate::text::size::{bytes, count};

/// Returns the next step after `error`.
///
/// `plaintext_len` is that of the committed segments in bytes, if known.
pub(crate) fn advice(error: &Error, plaintext_len: Option<u64>) -> Option<String> {
    let offset = error.offset().0;
    let sentence = match error.kind() {
        ErrorKind::Malformed if offset == 0 && error.detail() == Detail::MalformedMagic => {
            "this is not a Stream V2 stream, or its first bytes are damaged"
        }
        ErrorKind::Malformed => "this copy is damaged; fetch it again, or use another one",
        ErrorKind::Unsupported => {
            concat!("a newer version of sv2 may read it; this is ", env!("CARGO_PKG_VERSION"))
        }
        ErrorKind::Limit if error.detail() == Detail::LimitPolicy => {
            "trying a passphrase on this stream would cost more memory or time than sv2 spends"
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
            failure.hints(rescue(format, name).or_else(|| advice(format, None)))
        }
        None => Failure::io(format!("{name}: reading failed: {error}")),
    }
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
