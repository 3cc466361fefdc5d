//! A run that is asked to stop at the end of its source.
//!
//! A signal to a whole pipeline also ends the program that feeds it, so the source may have been
//! cut off. No stream is sealed then, and the same output is resumed from a longer source.

#![expect(clippy::panic, reason = "a test that cannot continue fails")]

use std::fs;
use std::io::{self, Cursor, Read};

use stream_v2_pipeline::{
    Cause, ContentKey, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedDecryption,
    InterruptedEncryption, Managers, OutputFile, PartialDecryption, Shutdown, SourceStamp, Summary,
    WriterSink,
};
use stream_v2_testing::managers::RaisesAt;
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key, small_segments};

const SEGMENT: usize = 4096;
/// An empty source, and one that ends with, before and after the end of a segment.
const LENS: [usize; 8] =
    [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT, 5 * SEGMENT, 7 * SEGMENT + 100];
/// The rest of a source that was not cut off.
const MORE: usize = 3 * SEGMENT + 7;

/// A source that raises a flag when it reports its end.
struct CutOff<'a> {
    source: &'a [u8],
    shutdown: Shutdown,
}

impl Read for CutOff<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.shutdown.request();
        }
        Ok(read)
    }
}

/// The setup of a run.
#[derive(Clone, Copy, Debug)]
struct Way {
    jobs: usize,
    index: bool,
    /// Whether each segment is made durable.
    often: bool,
}

impl Way {
    fn all() -> impl Iterator<Item = Self> {
        [1, 4].into_iter().flat_map(|jobs| {
            [false, true].into_iter().flat_map(move |index| {
                [false, true].into_iter().map(move |often| Self { jobs, index, often })
            })
        })
    }

    fn pipeline(self, key: &ContentKey) -> EncryptPipeline<'_> {
        let mut pipeline = small_segments(key, self.jobs);
        pipeline.set_index(self.index);
        if !self.often {
            pipeline.durability.segments = u64::MAX;
        }
        pipeline
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn output(&self) -> OutputFile {
        OutputFile::new(self.0.path().join("out"))
    }

    fn begin(&self) -> FileSink {
        FileSink::create(&self.output()).unwrap()
    }

    /// Resumes from a source that was not cut off.
    fn resumed(&self, way: Way, source: &[u8]) -> Vec<u8> {
        let key = key();
        let pipeline = way.pipeline(&key);
        let mut source = Cursor::new(source);
        let found = InterruptedEncryption::find(&pipeline, &self.output()).unwrap();
        match found {
            Some(mut found) => {
                found.compare_source(&pipeline, &mut source, SourceStamp::default(), None).unwrap();
                found.resume(&pipeline, source, None).unwrap();
            }
            None => {
                self.output().discard().unwrap();
                pipeline.run_to_file(source, SourceStamp::default(), self.begin(), None).unwrap();
            }
        }
        let stream = fs::read(self.output().target()).unwrap();
        let (plaintext, result) = decrypt(&DecryptPipeline::new(&key), &stream);
        result.unwrap();
        plaintext
    }
}

fn interrupted(result: Result<Summary, Error>, about: &str) {
    match result {
        Err(error) if matches!(error.cause(), Cause::Interrupted) => {}
        other => panic!("{about}: {other:?}"),
    }
}

//= spec/stream-v2.md#sv2-wrt-008
//= type=test
//# A writer that was asked to stop MUST NOT take the end of its source for the end of the
//# plaintext.
#[test]
fn a_cut_source_is_not_sealed() {
    let key = key();
    for way in Way::all() {
        for len in LENS {
            let (folder, about) = (Folder::new(), format!("{len} {way:?}"));
            let (whole, pipeline) = (plaintext(len + MORE), way.pipeline(&key));
            let source = CutOff { source: &whole[..len], shutdown: pipeline.shutdown.clone() };
            let result = pipeline.run_to_file(source, SourceStamp::default(), folder.begin(), None);
            interrupted(result, &about);
            assert!(!folder.output().target().exists(), "{about}");
            assert!(folder.resumed(way, &whole) == whole, "{about}");
        }
    }
}

/// At every moment, either the whole source is sealed, or a longer one can be.
#[test]
fn a_late_signal_seals_all_or_resumes() {
    let key = key();
    for way in Way::all().filter(|way| way.jobs == 1) {
        for len in [0, 1, SEGMENT, 2 * SEGMENT, 2 * SEGMENT + 100] {
            for event in 0.. {
                let (folder, about) = (Folder::new(), format!("{len} {way:?} {event}"));
                let (whole, pipeline) = (plaintext(len + MORE), way.pipeline(&key));
                let mut log = RaisesAt { left: event, shutdown: pipeline.shutdown.clone() };
                let source = &whole[..len];
                let result =
                    pipeline.run_to_file(source, SourceStamp::default(), folder.begin(), Some(&mut log));
                if result.is_ok() {
                    let stream = fs::read(folder.output().target()).unwrap();
                    assert!(decrypt(&DecryptPipeline::new(&key), &stream).0 == source, "{about}");
                    assert!(log.left > 0, "{about}");
                    break;
                }
                interrupted(result, &about);
                assert!(folder.resumed(way, &whole) == whole, "{about}");
            }
        }
    }
}

#[test]
fn a_pipe_gets_no_final_segment() {
    let key = key();
    for len in LENS {
        let (whole, pipeline) = (plaintext(len), encrypting(&key, 2));
        let source = CutOff { source: &whole, shutdown: pipeline.shutdown.clone() };
        let mut stream = Vec::new();
        interrupted(
            pipeline.run(source, &mut WriterSink::new(&mut stream), Managers::none()),
            &format!("{len}"),
        );
        let mut salvaging = DecryptPipeline::new(&key);
        salvaging.salvage = true;
        let (prefix, result) = decrypt(&salvaging, &stream);
        assert!(result.is_err() && whole.starts_with(&prefix), "{len}");
    }
}

#[test]
fn a_cut_stream_is_not_truncated() {
    let key = key();
    let whole = plaintext(5 * SEGMENT + 100);
    let stream = encrypt(&small_segments(&key, 1), &whole);
    let segment = (stream.len() - 128) / 6;
    for salvage in [false, true] {
        for cut in [0, 60, 128, 128 + 50, 128 + segment, 3 * segment, 3 * segment + 40, stream.len()] {
            let (folder, about) = (Folder::new(), format!("{cut} {salvage}"));
            let mut pipeline = DecryptPipeline::new(&key);
            (pipeline.salvage, pipeline.durability.segments) = (salvage, 1);
            let mut source = CutOff { source: &stream[..cut], shutdown: pipeline.shutdown.clone() };
            let result = pipeline
                .open_stream(&mut source)
                .and_then(|opened| pipeline.run_to_file(&opened, source, folder.begin(), None));
            interrupted(result, &about);
            assert!(!folder.output().target().exists(), "{about}");
            assert!(decrypted_later(&folder, &key, &stream) == whole, "{about}");
        }
    }
}

/// Resumes once the whole stream is there.
fn decrypted_later(folder: &Folder, key: &ContentKey, stream: &[u8]) -> Vec<u8> {
    let (pipeline, mut source) = (DecryptPipeline::new(key), stream);
    let opened = pipeline.open_stream(&mut source).unwrap();
    match InterruptedDecryption::find(&pipeline, &folder.output(), &opened, &mut source).unwrap() {
        PartialDecryption::Torn(found) => found.resume(&pipeline, source, None).unwrap(),
        PartialDecryption::Nothing(None) => {
            folder.output().discard().unwrap();
            pipeline.run_to_file(&opened, source, folder.begin(), None).unwrap()
        }
        _ => panic!("neither nothing nor a beginning"),
    };
    fs::read(folder.output().target()).unwrap()
}

/// The checks on tasks are the same, because both engines share the writer.
#[test]
fn tasks_do_not_seal_a_cut_source() {
    use stream_v2_testing::tasks::runtimes;
    let key = key();
    for runtime in runtimes() {
        for index in [false, true] {
            let way = Way { jobs: 2, index, often: true };
            for len in LENS {
                let (folder, about) = (Folder::new(), format!("{len} {way:?}"));
                let (whole, pipeline) = (plaintext(len + MORE), way.pipeline(&key));
                let source = CutOffLater { source: &whole[..len], shutdown: pipeline.shutdown.clone() };
                let run = pipeline.run_to_file_async(source, SourceStamp::default(), folder.begin(), None);
                interrupted(runtime.block_on(run), &about);
                assert!(!folder.output().target().exists(), "{about}");
                assert!(folder.resumed(way, &whole) == whole, "{about}");
            }
        }
    }
}

/// [`CutOff`] for tasks.
struct CutOffLater<'a> {
    source: &'a [u8],
    shutdown: Shutdown,
}

impl tokio::io::AsyncRead for CutOffLater<'_> {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        let cut = self.get_mut();
        if cut.source.is_empty() {
            cut.shutdown.request();
        }
        let len = cut.source.len().min(buffer.remaining());
        buffer.put_slice(&cut.source[..len]);
        cut.source = &cut.source[len..];
        std::task::Poll::Ready(Ok(()))
    }
}

/// A writer without a reader, as a full pipe.
struct Full(Shutdown, usize);

impl io::Write for Full {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.1 == 0 {
            self.0.request();
            return Err(io::ErrorKind::Interrupted.into());
        }
        let taken = self.1.min(buffer.len());
        self.1 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_waits_ends_the_run() {
    let key = key();
    for room in [0, 5, 128, 200, 10_000] {
        let pipeline = encrypting(&key, 2);
        let mut sink = WriterSink::with_shutdown(Full(pipeline.shutdown.clone(), room), &pipeline.shutdown);
        let whole = plaintext(9 * SEGMENT);
        interrupted(pipeline.run(&whole[..], &mut sink, Managers::none()), &format!("{room}"));
    }
}

/// The same on tasks, for a pipe that is never ready.
#[test]
fn an_awaited_writer_ends_the_run() {
    use stream_v2_pipeline::tokio::{AsyncManagers, AsyncWriterSink};
    use stream_v2_testing::tasks::runtimes;
    let key = key();
    for runtime in runtimes() {
        let pipeline = encrypting(&key, 2);
        let (ours, _unread) = runtime.block_on(async { tokio::io::duplex(1000) });
        let mut sink = AsyncWriterSink::with_shutdown(ours, &pipeline.shutdown);
        let whole = plaintext(9 * SEGMENT);
        let shutdown = pipeline.shutdown.clone();
        let result = runtime.block_on(async {
            let run = pipeline.run_async(&whole[..], &mut sink, AsyncManagers::none());
            let mut run = Box::pin(run);
            let mut polls = 0;
            std::future::poll_fn(|context| {
                polls += 1;
                if polls == 20 {
                    shutdown.request();
                }
                if polls < 20 {
                    context.waker().wake_by_ref();
                }
                run.as_mut().poll(context)
            })
            .await
        });
        interrupted(result, "a full pipe");
    }
}
