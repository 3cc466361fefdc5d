//! Opens the stream of an interrupted encryption: by what the caller has, or by the resume key
//! (§19.9).

use stream_v2_format::crypto::{ResumeKey, StreamOpener};
use stream_v2_format::wire::HeaderV1;
use stream_v2_format::{Detail, Misuse};

use crate::error::{Error, Stage};
use crate::pipeline::EncryptPipeline;
use crate::storage::OutputFile;

/// Nothing that the caller has opens the stream, for this reason, and there is no resume key.
pub(super) struct Unopened(pub(super) Error);

/// Opens the stream of an earlier run, whose envelope and CRC are `envelope`. Returns the resume
/// key, too, if it was used.
///
/// # Errors
///
/// - the errors of a resume key that others can read, or that does not fit any more.
/// - any other error than that nothing opens the stream.
pub(super) fn open_output(
    pipeline: &EncryptPipeline<'_>,
    output: &OutputFile,
    header: &HeaderV1,
    envelope: &[u8],
) -> Result<Result<(StreamOpener, Option<ResumeKey>), Unopened>, Error> {
    let error = match pipeline.keys.open(header, envelope, pipeline.context) {
        Ok(stream) => return Ok(Ok((stream, None))),
        Err(error) => error,
    };
    let recipients = pipeline.keys.recipients().filter(|_| does_not_open(&error));
    let Some(recipients) = recipients.filter(|_| header.envelope_len() != 0) else { return Err(error) };
    let found = output.find_resume_key(&header.params().stream_salt);
    let Some(key) = found.map_err(|error| Error::io(Stage::Manager, None, error))? else {
        return Ok(Err(Unopened(error)));
    };
    let texts = recipients.texts();
    let stream = key.open(header, envelope, pipeline.context, texts.iter().map(String::as_str));
    let stream = stream.map_err(|error| Error::format(Stage::Start, error))?;
    Ok(Ok((stream, Some(key))))
}

/// Returns whether an error says that nothing which was brought opens the stream.
fn does_not_open(error: &Error) -> bool {
    error.format_error().is_some_and(|error| match error.detail() {
        Detail::KeyEnvelope | Detail::KeyHeaderTag | Detail::UnsupportedEnvelope => true,
        Detail::Misuse => error.rule() == Some(Misuse::NothingForEnvelope),
        _ => false,
    })
}
