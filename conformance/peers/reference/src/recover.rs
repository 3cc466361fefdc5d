//! Finds the committed part of an interrupted writer's output (§19.2, §19.3, §19.8).

use std::fs;
use std::io::{Cursor, ErrorKind};

use stream_v2_format::crypto::ContentKey;
use stream_v2_pipeline::{
    Cause, EncryptPipeline, Error, InterruptedEncryption, OutputFile, ResumeWarning, recover_keyless,
};

use crate::answer::{Answer, Found};
use crate::request;

pub(crate) fn answer(request: &request::Recover) -> Answer {
    let output = hex::decode(&request.output).unwrap();
    let journal = request.journal.as_ref().map(|digits| hex::decode(digits).unwrap());
    match request.keys.content_key() {
        None => without_key(&output),
        Some(key) => with_key(&key, &request.keys.context(), &output, journal.as_deref()),
    }
}

fn without_key(output: &[u8]) -> Answer {
    match recover_keyless(Cursor::new(output)) {
        Err(error) => refused(&error),
        Ok(found) => recovered(Found::Committed {
            segments: found.segments,
            plaintext_len: found.plaintext_len,
            stream_len: found.stream_len,
            sealed: found.sealed,
            journal: "none".into(),
        }),
    }
}

fn with_key(key: &ContentKey, context: &[u8], output: &[u8], journal: Option<&[u8]>) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let file = OutputFile::new(folder.path().join("out"));
    fs::write(file.partial(), output).unwrap();
    if let Some(journal) = journal {
        fs::write(file.journal(), journal).unwrap();
    }
    let pipeline = EncryptPipeline::new(key).with_context(context);
    let answer = match InterruptedEncryption::find(&pipeline, &file) {
        Err(error) => refused(&error),
        Ok(None) => Answer { result: "nothing", ..Answer::default() },
        Ok(Some(found)) => recovered(Found::Committed {
            segments: found.recovered().committed.segments,
            plaintext_len: found.recovered().committed.plaintext_len,
            stream_len: found.recovered().stream_len,
            sealed: found.is_complete(),
            journal: match found.notice() {
                Some(ResumeWarning::JournalUnusable(error)) => error.detail().name().into(),
                Some(ResumeWarning::JournalDamaged) => "damaged".into(),
                // Only decryptions have this warning.
                Some(ResumeWarning::ResultChanged) => "changed".into(),
                Some(ResumeWarning::LostDurable) => "lost".into(),
                Some(notice) => panic!("{notice:?} has no name in the protocol"),
                None => if found.source().is_some() { "used" } else { "none" }.into(),
            },
        }),
    };
    assert_eq!(fs::read(file.partial()).unwrap(), output, "looking changed the output");
    assert_eq!(fs::read(file.journal()).ok().as_deref(), journal, "looking changed the journal");
    answer
}

fn recovered(found: Found) -> Answer {
    Answer { result: "recovered", found, ..Answer::default() }
}

/// Returns the answer to an error of the stream, or to a file that has the name of the journal but
/// is not one.
pub(crate) fn refused(error: &Error) -> Answer {
    let answer = match error.cause() {
        Cause::Format(error) => Answer::of_error(error),
        Cause::Io(error) if error.kind() == ErrorKind::InvalidData => {
            Answer::of_error(&stream_v2_format::Error::misuse(stream_v2_format::Misuse::OutputOfOthers))
        }
        _ => panic!("not an error of the stream: {error}"),
    };
    // This includes `unsupported`, because nothing was changed.
    Answer { result: "reject", ..answer }
}
