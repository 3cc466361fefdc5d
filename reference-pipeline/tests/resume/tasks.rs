//! Runs on Tokio that are interrupted, and their resumption.
//!
//! They leave the same journals as on threads, and either engine resumes the runs of the other. A
//! run that is dropped at any moment is resumable.

#![expect(clippy::panic, reason = "a test that cannot continue fails")]

use std::fs;
use std::io::{Cursor, ErrorKind};
use std::path::Path;

use stream_v2_format::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_RECORD_LEN, JournalHeader, JournalHeaderView, JournalRecordView,
};
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, Error, FileSink, InterruptedDecryption, InterruptedEncryption, OutputFile,
    PartialDecryption, SourceStamp, Summary,
};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key};
use stream_v2_testing::tasks::{Sips, poll_times, runtimes};

const LEN: usize = 9 * 8192 + 100;
const STAMP: SourceStamp = SourceStamp { len: Some(LEN as u64), mtime: Some(7) };
/// Returns a journal with a salt and MACs of zeros.
fn unsalted(journal: &[u8]) -> Vec<u8> {
    let (header, records) = journal.split_at(JOURNAL_HEADER_LEN);
    let header = JournalHeader { journal_salt: [0; 16], ..JournalHeaderView::parse(header).unwrap().header };
    let mut bytes = header.to_bytes(&[0; 32]).to_vec();
    for record in records.chunks(JOURNAL_RECORD_LEN) {
        bytes.extend(JournalRecordView::parse(record).unwrap().record.to_bytes(&[0; 32]));
    }
    bytes
}

/// An output in a folder of its own.
struct Folder(tempfile::TempDir, ContentKey);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), key())
    }

    fn output(&self) -> OutputFile {
        OutputFile::new(self.0.path().join("out"))
    }

    /// Returns everything that a run has left, by name. A journal comes without its random salt and
    /// the values computed from that.
    fn left(&self) -> Vec<(String, Vec<u8>)> {
        let read = |path: &Path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path));
        let mut left: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| read(&entry.unwrap().path()))
            .map(|(name, bytes)| {
                let journal = name.ends_with(".journal");
                (name, if journal { unsalted(&bytes.unwrap()) } else { bytes.unwrap() })
            })
            .collect();
        left.sort();
        left
    }

    /// Encrypts, from a source that fails at call `fail_at`.
    fn encrypt(&self, on: Engine, fail_at: usize) -> Result<Summary, Error> {
        let mut pipeline = encrypting(&self.1, 2);
        pipeline.durability.segments = 1;
        let input = plaintext(LEN);
        let source = Failing::new(&input[..], fail_at, ErrorKind::ConnectionReset);
        let sink = FileSink::create(&self.output()).unwrap();
        on.encrypt_to_file(&pipeline, source, STAMP, sink)
    }

    fn resume_encryption(&self, on: Engine) -> Result<Summary, Error> {
        let mut pipeline = encrypting(&self.1, 2).with_salts(stream_v2_pipeline::Salts {
            run_salt: stream_v2_format::crypto::RunSalt::new([0x41; 16]),
            ..stream_v2_testing::streams::salts()
        });
        pipeline.durability.segments = 1;
        let mut source = Cursor::new(plaintext(LEN));
        let mut found = InterruptedEncryption::find(&pipeline, &self.output())?.unwrap();
        found.check_source(&mut source, STAMP)?;
        on.resume_encryption(found, &pipeline, source)
    }

    /// Decrypts a stream, from a source that ends after so many bytes.
    fn decrypt(&self, on: Engine, stream: &[u8], end: usize) -> Result<Summary, Error> {
        let mut pipeline = DecryptPipeline::new(&self.1);
        pipeline.durability.segments = 1;
        let mut source = &stream[..end];
        let sink = FileSink::create(&self.output()).unwrap();
        match on {
            Engine::Threads => {
                let stream = pipeline.open_stream(&mut source)?;
                pipeline.run_to_file(&stream, source, sink, None)
            }
            Engine::Tasks => runtimes()[1].block_on(async {
                let mut source = Sips::new(source, usize::MAX);
                let stream = pipeline.open_stream_async(&mut source).await?;
                pipeline.run_to_file_async(&stream, source, sink, None).await
            }),
        }
    }

    fn resume_decryption(&self, on: Engine, stream: &[u8]) -> Result<(), Error> {
        let pipeline = DecryptPipeline::new(&self.1);
        let mut source = Cursor::new(stream);
        let opened = pipeline.open_stream(&mut source)?;
        let found = match InterruptedDecryption::find(&pipeline, &self.output(), &opened, &mut source)? {
            PartialDecryption::Torn(found) => found,
            // It had published everything when it was dropped.
            PartialDecryption::Nothing(_) if self.output().target().exists() => return Ok(()),
            PartialDecryption::Nothing(_) => {
                self.output().discard().unwrap();
                return self.decrypt(on, stream, stream.len()).map(drop);
            }
            PartialDecryption::Complete => return Ok(()),
            PartialDecryption::Unknown(_) | PartialDecryption::Changed(_) => {
                panic!("nobody else has written")
            }
        };
        on.resume_decryption(*found, &pipeline, source).map(drop)
    }
}

#[test]
fn what_both_leave_is_the_same_journals_included() {
    for fail_at in 0..20 {
        let [threads, tasks] = [Engine::Threads, Engine::Tasks].map(|on| {
            let folder = Folder::new();
            let result = folder.encrypt(on, fail_at).map_err(|error| error.to_string());
            (result, folder.left())
        });
        assert!(threads == tasks, "call {fail_at}: {:?}, {:?}", threads.0, tasks.0);
    }
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    for end in (0..=stream.len()).step_by(1009).chain([stream.len()]) {
        let [threads, tasks] = [Engine::Threads, Engine::Tasks].map(|on| {
            let folder = Folder::new();
            let result = folder.decrypt(on, &stream, end).map_err(|error| error.to_string());
            (result, folder.left())
        });
        assert!(threads == tasks, "end at {end}: {:?}, {:?}", threads.0, tasks.0);
    }
}

#[test]
fn each_engine_resumes_runs_of_the_other() {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    for (begins, resumes) in [
        (Engine::Threads, Engine::Tasks),
        (Engine::Tasks, Engine::Threads),
        (Engine::Tasks, Engine::Tasks),
        (Engine::Threads, Engine::Threads),
    ] {
        let folder = Folder::new();
        folder.encrypt(begins, 5).unwrap_err();
        let summary = folder.resume_encryption(resumes).unwrap();
        let [(name, output)] = &folder.left()[..] else { panic!("{:?}", folder.0) };
        let (released, result) = decrypt(&DecryptPipeline::new(&folder.1), output);
        assert_eq!((&**name, result.unwrap()), ("out", summary));
        assert!(released == plaintext(LEN), "{begins:?}, {resumes:?}");

        let folder = Folder::new();
        folder.decrypt(begins, &stream, 5 * 8472 + 300).unwrap_err();
        assert_eq!(folder.left().len(), 2, "output and journal");
        folder.resume_decryption(resumes, &stream).unwrap();
        assert!(folder.left() == [("out".to_owned(), plaintext(LEN))], "{begins:?}, {resumes:?}");
    }
}

#[test]
fn encryption_dropped_at_any_poll_resumes() {
    let input = plaintext(LEN);
    let mut complete = 0;
    for times in 0.. {
        let folder = Folder::new();
        let mut pipeline = encrypting(&folder.1, 2);
        pipeline.durability.segments = 1;
        let [current, multi] = runtimes();
        let runtime = if times % 2 == 0 { current } else { multi };
        let sink = FileSink::create(&folder.output()).unwrap();
        let run = pipeline.run_to_file_async(Sips::new(&input[..], 8192), STAMP, sink, None);
        let result = runtime.block_on(poll_times(run, times));
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
        // Waits for the work on blocking threads.
        drop(runtime);
        if let Some(result) = result {
            result.unwrap();
            complete += 1;
        } else if InterruptedEncryption::find(&pipeline, &folder.output()).unwrap().is_some() {
            folder.resume_encryption(Engine::Threads).unwrap();
        } else if !folder.output().target().exists() {
            folder.output().discard().unwrap();
            folder.encrypt(Engine::Threads, usize::MAX).unwrap();
        }
        let [(_, output)] = &folder.left()[..] else { panic!("{:?}", folder.left().len()) };
        assert!(decrypt(&DecryptPipeline::new(&folder.1), output).0 == input, "after {times} polls");
        if complete == 2 {
            break;
        }
    }
}

#[test]
fn decryption_dropped_at_any_poll_resumes() {
    let input = plaintext(LEN);
    let stream = encrypt(&encrypting(&key(), 1), &input);
    for times in 0.. {
        let folder = Folder::new();
        let mut pipeline = DecryptPipeline::new(&folder.1);
        pipeline.durability.segments = 1;
        let [runtime, _] = runtimes();
        let sink = FileSink::create(&folder.output()).unwrap();
        let mut source = Sips::new(&stream[..], 9000);
        let result = runtime.block_on(async {
            let opened = pipeline.open_stream_async(&mut source).await.unwrap();
            poll_times(pipeline.run_to_file_async(&opened, source, sink, None), times).await
        });
        drop(runtime);
        let complete = result.map(Result::unwrap).is_some();
        if !complete {
            folder.resume_decryption(Engine::Threads, &stream).unwrap();
        }
        assert!(folder.left() == [("out".to_owned(), input.clone())], "after {times} polls");
        if complete {
            break;
        }
    }
}
