//! The pipeline on Tokio: the same bytes and the same errors as on threads.

use std::fs;
use std::future::pending;
use std::io::{self, Cursor, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use stream_v2_pipeline::tokio::{
    AsyncManagers, AsyncOutputSink, AsyncWriterSink, Offloaded, OwnedUnit, ReadAhead,
};
use stream_v2_pipeline::{Cause, DecryptPipeline, Error, FileSink, Managers, OutputFile, SourceStamp, Stage};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::Recording;
use stream_v2_testing::streams::{encrypt, encrypting, key};
use stream_v2_testing::tasks::{Sips, poll_at_once, runtimes};
use tokio::io::{AsyncRead, ReadBuf};

const LEN: usize = 9 * 8192 + 100;

/// A source that never has data.
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
fn index_segments_are_the_same_as_on_threads() {
    let key = key();
    let mut pipeline = encrypting(&key, 3);
    pipeline.params.segment_size = 4096;
    pipeline.set_index(true);
    // An index segment over 169 data segments, and one over the last.
    let input = plaintext(169 * 4096 + 1);
    for runtime in runtimes() {
        let mut stream = Vec::new();
        let mut sink = AsyncWriterSink::new(&mut stream);
        let source = Sips::new(&input[..], 3000);
        runtime.block_on(pipeline.run_async(source, &mut sink, AsyncManagers::none())).unwrap();
        assert!(stream == encrypt(&pipeline, &input));
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

/// Fails, or panics.
struct Broken(bool);

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        assert!(!self.0, "planted in the source");
        Err(ErrorKind::BrokenPipe.into())
    }
}

/// Returns a source that breaks after its data, once for threads and once to be read ahead.
fn breaking(bytes: &[u8], panics: bool) -> [impl io::Read + Send + 'static; 2] {
    [bytes.to_vec(), bytes.to_vec()].map(|bytes| io::Read::chain(Cursor::new(bytes), Broken(panics)))
}

fn told<T>(result: Result<T, Error>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn read_ahead_source_fails_as_on_threads() {
    let key = key();
    let mut sealing = encrypting(&key, 2);
    // Buffers of this size are exchanged, not copied.
    sealing.params.segment_size = 1 << 17;
    let opening = DecryptPipeline::new(&key);
    let input = plaintext(4 * (1 << 17) + 5);
    let stream = encrypt(&sealing, &input);
    for runtime in runtimes() {
        let (mut sealed, mut opened) = (Vec::new(), Vec::new());
        runtime.block_on(async {
            let mut sink = AsyncWriterSink::new(&mut sealed);
            let source = ReadAhead::new(Cursor::new(input.clone()));
            sealing.run_async(source, &mut sink, AsyncManagers::none()).await.unwrap();
            let mut sink = AsyncWriterSink::new(&mut opened);
            let source = ReadAhead::new(Cursor::new(stream.clone()));
            opening.run_async(source, &mut sink, AsyncManagers::none()).await.unwrap();
        });
        assert!(sealed == stream);
        assert!(opened == input);

        for (len, panics) in (0..input.len()).step_by(50_000).flat_map(|len| [(len, false), (len, true)]) {
            let [blocking, ahead] = breaking(&input[..len], panics);
            let (mut threads, mut tasks) = (Recording::default(), Offloaded::new(Recording::default()));
            let expected = told(sealing.run(blocking, &mut threads, Managers::none()));
            let run = sealing.run_async(ReadAhead::new(ahead), &mut tasks, AsyncManagers::none());
            assert_eq!(told(runtime.block_on(run)), expected, "{len}");
            assert!(tasks.into_inner().unwrap().bytes == threads.bytes, "{len}");

            let [blocking, ahead] = breaking(&stream[..len], panics);
            let (mut threads, mut tasks) = (Recording::default(), Offloaded::new(Recording::default()));
            let expected = told(opening.run(blocking, &mut threads, Managers::none()));
            let run = opening.run_async(ReadAhead::new(ahead), &mut tasks, AsyncManagers::none());
            assert_eq!(told(runtime.block_on(run)), expected, "{len}");
            assert!(tasks.into_inner().unwrap().bytes == threads.bytes, "{len}");
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

/// A runtime that ends while a run is active elsewhere.
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

/// A sink in which every call waits forever after so many pieces.
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
        // The header and two segments were taken. The third is with the sink, and the window is
        // full.
        assert!(read <= 2 + pipeline.parallelism.resolved().window as u64, "{read}");
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
    let folder = tempfile::tempdir().unwrap();
    let output = OutputFile::new(folder.path().join("out"));
    let sink = FileSink::create(&output).unwrap();
    is_send(&encrypting.run_to_file_async(&b""[..], SourceStamp::default(), sink, None));
}
