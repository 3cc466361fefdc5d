//! Every golden vector for recovery, answered by the reference implementation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::io::Cursor;

use stream_v2_conformance::vector::{RecoverExpect, RecoverVector, Vector};
use stream_v2_pipeline::{
    EncryptPipeline, Error, InterruptedEncryption, Notice, OutputFile, recover_keyless,
};
use support::vectors::{self, keys, load};

fn narrow(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

fn rejected(error: &Error) -> RecoverExpect {
    let format = error.format_error().unwrap();
    RecoverExpect::Reject {
        error: vec![format.detail().name().to_owned()],
        offset: Some(narrow(format.offset().0)),
        segment: format.segment().map(narrow),
    }
}

fn without_key(output: &[u8]) -> RecoverExpect {
    match recover_keyless(Cursor::new(output)) {
        Err(error) => rejected(&error),
        Ok(found) => RecoverExpect::Recovered {
            segments: narrow(found.segments),
            plaintext_len: narrow(found.plaintext_len),
            stream_len: narrow(found.stream_len),
            sealed: found.sealed,
            journal: "none".into(),
        },
    }
}

fn with_key(vector: &RecoverVector, output: &[u8], journal: Option<&[u8]>) -> RecoverExpect {
    let folder = tempfile::tempdir().unwrap();
    let file = OutputFile::new(folder.path().join("out"));
    fs::write(file.partial(), output).unwrap();
    if let Some(journal) = journal {
        fs::write(file.journal(), journal).unwrap();
    }
    let (key, context) = keys(&vector.keys);
    let key = key.unwrap();
    let pipeline = EncryptPipeline::new(&key).with_context(&context);
    let answer = match InterruptedEncryption::find(&pipeline, &file) {
        Err(error) => rejected(&error),
        Ok(None) => RecoverExpect::Nothing,
        Ok(Some(found)) => RecoverExpect::Recovered {
            segments: narrow(found.recovered().committed.segments),
            plaintext_len: narrow(found.recovered().committed.plaintext_len),
            stream_len: narrow(found.recovered().stream_len),
            sealed: found.is_complete(),
            journal: match found.notice() {
                Some(Notice::JournalUnusable(error)) => error.detail().name().into(),
                Some(Notice::JournalDamaged) => "damaged".into(),
                Some(Notice::LostDurable) => "lost".into(),
                None => if found.source().is_some() { "used" } else { "none" }.into(),
            },
        },
    };
    // Looking changes nothing.
    assert_eq!(fs::read(file.partial()).unwrap(), output);
    assert_eq!(fs::read(file.journal()).ok().as_deref(), journal);
    answer
}

#[test]
fn every_recover_vector() {
    let mut seen = 0;
    for vector in vectors::all() {
        let Vector::Recover(vector) = vector else { continue };
        let (output, journal) = (load(&vector.output), vector.journal.as_ref().map(load));
        let answer = match vector.keys.content_key {
            None => without_key(&output),
            Some(_) => with_key(&vector, &output, journal.as_deref()),
        };
        assert_eq!(answer, vector.expect, "{}: {}", vector.about.id, vector.about.comment);
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}
