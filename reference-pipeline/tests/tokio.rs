//! The pipeline on Tokio: the same bytes and the same journals as on threads; what one has left the other goes on with; and a run that is dropped
//! at any moment is resumable.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::future::{pending, poll_fn};
use std::io::{self, Cursor, ErrorKind};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use stream_v2_format::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_RECORD_LEN, JournalHeader, JournalHeaderView, JournalRecordView,
};
use stream_v2_pipeline::tokio::{AsyncManagers, AsyncOutputSink, AsyncWriterSink, Offloaded, OwnedUnit};
use stream_v2_pipeline::{
    Cause, ContentKey, DecryptPipeline, DecryptionLeft, Error, FileSink, InterruptedDecryption,
    InterruptedEncryption, OutputFile, SourceStamp, Stage, Summary,
};
use support::sinks::Recording;
use support::sources::Failing;
use support::{decrypt, encrypt, encrypting, key, plaintext};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::{Builder, Runtime};

const LEN: usize = 9 * 8192 + 100;
const STAMP: SourceStamp = SourceStamp { len: Some(LEN as u64), mtime: Some(7) };

fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread().build(), Builder::new_multi_thread().worker_threads(2).build()]
        .map(Result::unwrap)
}

/// Gives at most `most` bytes a call, and nothing at every other one.
struct Sips<R> {
    source: R,
    most: usize,
    waits: bool,
}

impl<R> Sips<R> {
    fn new(source: R, most: usize) -> Self {
        Self { source, most, waits: false }
    }
}

impl<R: io::Read + Unpin> AsyncRead for Sips<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let sips = self.get_mut();
        sips.waits = !sips.waits;
        if sips.waits {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = sips.most.min(buffer.remaining());
        let read = sips.source.read(buffer.initialize_unfilled_to(most))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

/// Never has anything to give.
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[test]
fn the_same_streams_as_on_threads() {
    let key = key();
    for runtime in runtimes() {
        for (len, jobs) in [(0, 1), (1, 2), (8192, 1), (LEN, 1), (LEN, 3)] {
            let input = plaintext(len);
            let pipeline = encrypting(&key, jobs);
            let (mut stream, mut output) = (Vec::new(), Vec::new());
            runtime.block_on(async {
                let mut sink = AsyncWriterSink::new(&mut stream);
                let sealed =
                    pipeline.run_async(Sips::new(&input[..], 3000), &mut sink, AsyncManagers::none()).await;
                let mut sink = AsyncWriterSink::new(&mut output);
                let decrypting = DecryptPipeline::new(&key);
                let source = Sips::new(&stream[..], 1000);
                let opened = decrypting.run_async(source, &mut sink, AsyncManagers::none()).await;
                assert_eq!(sealed.unwrap(), opened.unwrap());
            });
            assert!(stream == encrypt(&pipeline, &input), "{len} bytes, {jobs} jobs");
            assert!(output == input, "{len} bytes, {jobs} jobs");
        }
    }
}

#[test]
fn files_of_tokio_are_sources_and_sinks() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, sealed) = (folder.path().join("plain"), folder.path().join("sealed"));
    fs::write(&plain, plaintext(LEN)).unwrap();
    let key = key();
    let pipeline = encrypting(&key, 2);
    for runtime in runtimes() {
        runtime.block_on(async {
            let source = tokio::fs::File::open(&plain).await.unwrap();
            let mut sink = AsyncWriterSink::new(tokio::fs::File::create(&sealed).await.unwrap());
            pipeline.run_async(source, &mut sink, AsyncManagers::none()).await.unwrap();
        });
        assert!(fs::read(&sealed).unwrap() == encrypt(&pipeline, &plaintext(LEN)));
    }
}

/// A journal with a salt and MACs of zeros.
fn unsalted(journal: &[u8]) -> Vec<u8> {
    let (header, records) = journal.split_at(JOURNAL_HEADER_LEN);
    let header = JournalHeader { journal_salt: [0; 16], ..JournalHeaderView::parse(header).unwrap().header };
    let mut bytes = header.to_bytes(&[0; 32]).to_vec();
    for record in records.chunks(JOURNAL_RECORD_LEN) {
        bytes.extend(JournalRecordView::parse(record).unwrap().record.to_bytes(&[0; 32]));
    }
    bytes
}

/// Which engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Threads,
    Tasks,
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

    /// Everything that a run has left, by name; of a journal without its random salt and what is computed from that.
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
    fn encrypt(&self, on: On, fail_at: usize) -> Result<Summary, Error> {
        let mut pipeline = encrypting(&self.1, 2);
        pipeline.durability.segments = 1;
        let input = plaintext(LEN);
        let source = Failing::new(&input[..], fail_at, ErrorKind::ConnectionReset);
        let sink = FileSink::create(&self.output()).unwrap();
        match on {
            On::Threads => pipeline.run_to_file(source, STAMP, sink, None),
            On::Tasks => runtimes()[0].block_on(pipeline.run_to_file_async(
                Sips::new(source, usize::MAX),
                STAMP,
                sink,
                None,
            )),
        }
    }

    fn resume_encryption(&self, on: On) -> Result<Summary, Error> {
        let mut pipeline = encrypting(&self.1, 2).with_salts(stream_v2_pipeline::Salts {
            run_salt: stream_v2_format::crypto::RunSalt::new([0x41; 16]),
            ..support::salts()
        });
        pipeline.durability.segments = 1;
        let mut source = Cursor::new(plaintext(LEN));
        let mut found = InterruptedEncryption::find(&pipeline, &self.output())?.unwrap();
        found.check_source(&mut source, STAMP)?;
        match on {
            On::Threads => found.resume(&pipeline, source, None),
            On::Tasks => {
                runtimes()[1].block_on(found.resume_async(&pipeline, Sips::new(source, usize::MAX), None))
            }
        }
    }

    /// Decrypts a stream, from a source that ends after so many bytes.
    fn decrypt(&self, on: On, stream: &[u8], end: usize) -> Result<Summary, Error> {
        let mut pipeline = DecryptPipeline::new(&self.1);
        pipeline.durability.segments = 1;
        let mut source = &stream[..end];
        let sink = FileSink::create(&self.output()).unwrap();
        match on {
            On::Threads => {
                let stream = pipeline.open_stream(&mut source)?;
                pipeline.run_to_file(&stream, source, sink, None)
            }
            On::Tasks => runtimes()[1].block_on(async {
                let mut source = Sips::new(source, usize::MAX);
                let stream = pipeline.open_stream_async(&mut source).await?;
                pipeline.run_to_file_async(&stream, source, sink, None).await
            }),
        }
    }

    fn resume_decryption(&self, on: On, stream: &[u8]) -> Result<(), Error> {
        let pipeline = DecryptPipeline::new(&self.1);
        let mut source = Cursor::new(stream);
        let opened = pipeline.open_stream(&mut source)?;
        let found = match InterruptedDecryption::find(&pipeline, &self.output(), &opened, &mut source)? {
            DecryptionLeft::Torn(found) => found,
            DecryptionLeft::Nothing(_) => {
                self.output().discard().unwrap();
                return self.decrypt(on, stream, stream.len()).map(drop);
            }
            DecryptionLeft::Complete => return Ok(()),
            DecryptionLeft::Unknown(_) => panic!("nobody else has written"),
        };
        let resumed = match on {
            On::Threads => found.resume(&pipeline, source, None),
            On::Tasks => {
                runtimes()[0].block_on(found.resume_async(&pipeline, Sips::new(source, usize::MAX), None))
            }
        };
        resumed.map(drop)
    }
}

#[test]
fn what_both_leave_is_the_same_journals_included() {
    for fail_at in 0..20 {
        let [threads, tasks] = [On::Threads, On::Tasks].map(|on| {
            let folder = Folder::new();
            let result = folder.encrypt(on, fail_at).map_err(|error| error.to_string());
            (result, folder.left())
        });
        assert!(threads == tasks, "call {fail_at}: {:?}, {:?}", threads.0, tasks.0);
    }
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    for end in (0..=stream.len()).step_by(1009).chain([stream.len()]) {
        let [threads, tasks] = [On::Threads, On::Tasks].map(|on| {
            let folder = Folder::new();
            let result = folder.decrypt(on, &stream, end).map_err(|error| error.to_string());
            (result, folder.left())
        });
        assert!(threads == tasks, "end at {end}: {:?}, {:?}", threads.0, tasks.0);
    }
}

#[test]
fn one_engine_goes_on_with_what_the_other_has_left() {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    for (begins, resumes) in [
        (On::Threads, On::Tasks),
        (On::Tasks, On::Threads),
        (On::Tasks, On::Tasks),
        (On::Threads, On::Threads),
    ] {
        let folder = Folder::new();
        folder.encrypt(begins, 5).unwrap_err();
        let summary = folder.resume_encryption(resumes).unwrap();
        let [(name, output)] = &folder.left()[..] else { panic!("{:?}", folder.0) };
        let (released, result) = decrypt(&DecryptPipeline::new(&folder.1), output);
        assert_eq!((&**name, result.unwrap()), ("out", summary));
        assert!(released == plaintext(LEN), "{begins:?}, {resumes:?}");

        let folder = Folder::new();
        folder.decrypt(begins, &stream, 5 * 8452 + 300).unwrap_err();
        assert_eq!(folder.left().len(), 2, "output and journal");
        folder.resume_decryption(resumes, &stream).unwrap();
        assert!(folder.left() == [("out".to_owned(), plaintext(LEN))], "{begins:?}, {resumes:?}");
    }
}

/// Polls a future so many times, and drops it.
async fn poll_times<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = times;
    poll_fn(|context| {
        let Some(fewer) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = fewer;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// As [`poll_times`], without waiting for what would wake the future.
async fn poll_at_once<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let waking = poll_fn(|context| {
        context.waker().wake_by_ref();
        future.as_mut().poll(context)
    });
    poll_times(waking, times).await
}

#[test]
fn dropped_after_any_poll_it_leaves_what_can_be_resumed() {
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
        // Waits for what is still on blocking threads.
        drop(runtime);
        if let Some(result) = result {
            result.unwrap();
            complete += 1;
        } else if InterruptedEncryption::find(&pipeline, &folder.output()).unwrap().is_some() {
            folder.resume_encryption(On::Threads).unwrap();
        } else if !folder.output().target().exists() {
            folder.output().discard().unwrap();
            folder.encrypt(On::Threads, usize::MAX).unwrap();
        }
        let [(_, output)] = &folder.left()[..] else { panic!("{:?}", folder.left().len()) };
        assert!(decrypt(&DecryptPipeline::new(&folder.1), output).0 == input, "after {times} polls");
        if complete == 2 {
            break;
        }
    }
}

#[test]
fn a_decryption_that_is_dropped_after_any_poll_can_be_resumed() {
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
            folder.resume_decryption(On::Threads, &stream).unwrap();
        }
        assert!(folder.left() == [("out".to_owned(), input.clone())], "after {times} polls");
        if complete {
            break;
        }
    }
}

#[test]
fn a_shutdown_wakes_a_source_that_waits() {
    let key = key();
    for runtime in runtimes() {
        let pipeline = encrypting(&key, 2);
        let mut sink = Offloaded::new(Recording::default());
        let error = runtime.block_on(async {
            let mut run = Box::pin(pipeline.run_async(Silent, &mut sink, AsyncManagers::none()));
            let begun = poll_at_once(run.as_mut(), 100).await;
            assert!(begun.is_none());
            pipeline.shutdown.request();
            run.await.unwrap_err()
        });
        assert!(matches!(error.cause(), Cause::Interrupted), "{error}");
        assert_eq!(sink.into_inner().unwrap().bytes.len(), 128, "the stream header");
    }
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let key = key();
    let pipeline = encrypting(&key, 2);
    let mut stream = Vec::new();
    let mut sink = AsyncWriterSink::new(&mut stream);
    let mut run = Box::pin(pipeline.run_async(&b"hello"[..], &mut sink, AsyncManagers::none()));
    let Poll::Ready(result) = run.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for a runtime")
    };
    insta::assert_snapshot!(
        result.unwrap_err(),
        @"start: there is no reactor running, must be called from the context of a Tokio 1.x runtime"
    );
}

/// A runtime that ends while a run goes on elsewhere.
#[test]
fn a_runtime_that_has_ended_is_an_error() {
    let key = key();
    let input = plaintext(LEN);
    let pipeline = encrypting(&key, 2);
    let mut stream = Vec::new();
    let mut sink = AsyncWriterSink::new(&mut stream);
    let mut run = Box::pin(pipeline.run_async(Sips::new(&input[..], 8192), &mut sink, AsyncManagers::none()));
    let [first, second] = runtimes();
    assert!(first.block_on(poll_at_once(run.as_mut(), 2)).is_none());
    first.shutdown_background();
    let error = second.block_on(run).unwrap_err();
    assert_eq!(error.stage(), Stage::Worker, "{error}");
}

/// A sink of which every call waits for ever once it was given so many pieces.
struct Stuck(usize);

impl AsyncOutputSink for Stuck {
    async fn append(&mut self, _: OwnedUnit) -> io::Result<()> {
        match self.0.checked_sub(1) {
            Some(left) => self.0 = left,
            None => pending().await,
        }
        Ok(())
    }
    async fn make_durable(&mut self) -> io::Result<()> {
        Ok(())
    }
    async fn seal(&mut self) -> io::Result<()> {
        Ok(())
    }
    async fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
    async fn abort(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_waits_holds_the_source_back() {
    let key = key();
    for runtime in runtimes() {
        let pipeline = encrypting(&key, 2);
        let run = async {
            let mut sink = Stuck(3);
            let run = pipeline.run_async(tokio::io::repeat(7), &mut sink, AsyncManagers::none());
            poll_at_once(run, 10_000).await.map(drop)
        };
        assert!(runtime.block_on(run).is_none());
        let read = pipeline.telemetry.snapshot().segments_read;
        // The header and two segments were taken; the third is with the sink, and the window is full.
        assert!(read <= 2 + pipeline.lanes.window as u64, "{read}");
    }
}

#[test]
fn futures_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let key = key();
    let (encrypting, decrypting) = (encrypting(&key, 2), DecryptPipeline::new(&key));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let (mut first, mut second) = (AsyncWriterSink::new(&mut first), AsyncWriterSink::new(&mut second));
    is_send(&encrypting.run_async(&b""[..], &mut first, AsyncManagers::none()));
    is_send(&decrypting.run_async(&b""[..], &mut second, AsyncManagers::none()));
    let folder = Folder::new();
    let sink = FileSink::create(&folder.output()).unwrap();
    is_send(&encrypting.run_to_file_async(&b""[..], STAMP, sink, None));
}
