//! Resumes an interrupted encryption of files (§19.2).

use std::fs;
use std::io::Cursor;

use stream_v2_format::crypto::{ContentKey, RunSalt};
use stream_v2_pipeline::{EncryptPipeline, Error, InterruptedEncryption, OutputFile, Salts, SourceStamp};

use crate::answer::{Answer, Found};
use crate::recover::refused;
use crate::request::{self, array};

pub(crate) fn answer(request: &request::Resume) -> Answer {
    let key = request.keys.content_key().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = OutputFile::new(folder.path().join("out"));
    let output = hex::decode(&request.output).unwrap();
    let journal = request.journal.as_ref().map(|digits| hex::decode(digits).unwrap());
    fs::write(file.partial(), &output).unwrap();
    if let Some(journal) = &journal {
        fs::write(file.journal(), journal).unwrap();
    }
    let answer = match resumed(request, &key, &file) {
        Ok(true) => {
            let stream = fs::read(folder.path().join("out")).unwrap();
            assert!(!file.journal().exists(), "a journal was left behind");
            let found = Found::Written { output: hex::encode(stream) };
            return Answer { result: "resumed", found, ..Answer::default() };
        }
        Ok(false) => Answer { result: "nothing", ..Answer::default() },
        Err(error) => refused(&error.for_source_owner()),
    };
    assert_eq!(fs::read(file.partial()).unwrap(), output, "a run that was refused changed the output");
    assert_eq!(fs::read(file.journal()).ok(), journal, "a run that was refused changed the journal");
    answer
}

/// Resumes the run, and returns whether there was one.
fn resumed(request: &request::Resume, key: &ContentKey, file: &OutputFile) -> Result<bool, Error> {
    let context = request.keys.context();
    // A resumed run takes the stream_salt from the stream header.
    let salts = Salts { stream_salt: [0; 32], run_salt: RunSalt::new(array(&request.run_salt)) };
    let mut pipeline = EncryptPipeline::new(key).with_context(&context).with_salts(salts);
    pipeline.set_index(request.index);
    let Some(mut found) = InterruptedEncryption::find(&pipeline, file)? else { return Ok(false) };
    let mut source = Cursor::new(hex::decode(&request.source).unwrap());
    if request.source_kind == "pipe" {
        found.compare_source(&pipeline, &mut source, SourceStamp::default(), None)?;
    } else {
        let stamp = SourceStamp { len: Some(source.get_ref().len() as u64), ..SourceStamp::default() };
        found.check_source(&mut source, stamp)?;
    }
    found.resume(&pipeline, source, None)?;
    Ok(true)
}
