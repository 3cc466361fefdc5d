//! Writes a stream into a file that takes a limited number of bytes, with a journal beside it (§18,
//! §19.1).

use std::fs;
use std::io;

use stream_v2_format::crypto::RunSalt;
use stream_v2_format::wire::JournalRole;
use stream_v2_pipeline::{
    Durability, EncryptPipeline, FileJournal, FileSink, Managers, OutputFile, OutputSink, Salts, SinkUnit,
    SourceStamp,
};

use crate::answer::{Answer, Found};
use crate::request::{self, array};
use crate::write::{digest_alg, params};

/// Passes on a limited number of bytes, and then fails like a stopped machine.
struct Stopping {
    sink: FileSink,
    left: u64,
    dead: bool,
}

impl Stopping {
    fn alive(&mut self) -> io::Result<&mut FileSink> {
        if self.dead { Err(io::Error::other("stopped")) } else { Ok(&mut self.sink) }
    }
}

impl OutputSink for Stopping {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let head = &unit.head[..unit.head.len().min(left)];
        let body = &unit.body[..unit.body.len().min(left - head.len())];
        let unit_taken = SinkUnit { head, body, ..*unit };
        self.alive()?.append(&unit_taken)?;
        self.left -= unit_taken.len();
        if unit_taken.len() < unit.len() {
            // All bytes that were passed on are in the file.
            self.sink.suspend()?;
            self.dead = true;
        }
        self.alive().map(|_| ())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.alive()?.make_durable()
    }

    fn seal(&mut self) -> io::Result<()> {
        self.alive()?.seal()
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.alive()?.suspend()
    }

    fn abort(&mut self) -> io::Result<()> {
        self.alive()?.abort()
    }
}

pub(crate) fn answer(request: &request::Crash) -> Answer {
    let key = request.keys.content_key().unwrap();
    let context = request.keys.context();
    let plaintext = hex::decode(&request.plaintext).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = OutputFile::new(folder.path().join("out"));
    let params = params(&request.parameters);
    let salts = Salts { stream_salt: params.stream_salt, run_salt: RunSalt::new(array(&request.run_salt)) };
    let mut pipeline = EncryptPipeline::new(&key).with_context(&context).with_salts(salts);
    pipeline.digest_alg = Some(digest_alg(&request.parameters));
    pipeline.set_index(request.parameters.index);
    pipeline.params = params;
    // A commit for each segment.
    pipeline.durability = Durability { segments: 1, ..Durability::default() };
    let mut sink = Stopping { sink: FileSink::create(&file).unwrap(), left: request.stop_after, dead: false };
    let mut journal = FileJournal::new(&file, JournalRole::Encrypt, SourceStamp::default());
    let managers = Managers { log: None, crash: Some(&mut journal) };
    pipeline.run(&plaintext[..], &mut sink, managers).unwrap_err();
    let found = Found::Left {
        output: hex::encode(fs::read(file.partial()).unwrap()),
        journal: fs::read(file.journal()).ok().map(hex::encode),
    };
    Answer { result: "crashed", found, ..Answer::default() }
}
