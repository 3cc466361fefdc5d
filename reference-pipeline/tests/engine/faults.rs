//! Sources and sinks that fail at any call, and shutdowns: one clear error, no partial segment, and
//! no loss of durable data.

use std::io::{self, ErrorKind};

use stream_v2_pipeline::{
    Cause, DecryptPipeline, Error, LogEvent, LogManager, Managers, Shutdown, Stage, WriterSink,
};
use stream_v2_testing::engine::{Engine, RunManagers};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::{Call, Recording};
use stream_v2_testing::sources::{Failing, Panicking, Short};
use stream_v2_testing::streams::{encrypt, encrypting, key};

pub(crate) const LEN: usize = 5 * 8192 + 100;

/// Runs an encryption into `sink`, durable after every segment.
fn encrypt_into(
    engine: Engine,
    sink: &mut Recording,
    source: impl io::Read + Send + Unpin,
) -> Result<(), Error> {
    let key = key();
    let mut pipeline = encrypting(&key, 2);
    pipeline.durability.segments = 1;
    engine.run(&pipeline, source, sink).map(drop)
}

fn decrypt_into(
    engine: Engine,
    sink: &mut Recording,
    source: impl io::Read + Send + Unpin,
) -> Result<(), Error> {
    let key = key();
    engine.run(&DecryptPipeline::new(&key), source, sink).map(drop)
}

/// Returns the sealed stream, and the offsets at which its segments end.
pub(crate) fn sealed() -> (Vec<u8>, Vec<usize>) {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    let full = 96 + 8192 + 24 * 4 + 36 + 52;
    let ends =
        (0..=5).map(|segments| 128 + segments * full).chain([stream.len() - 256, stream.len()]).collect();
    (stream, ends)
}

#[test]
fn source_failing_while_encrypting_is_the_error() {
    for &engine in Engine::ALL {
        let (stream, ends) = sealed();
        let input = plaintext(LEN);
        let mut whole = Failing::new(Short::new(&input[..], 1000, 0), usize::MAX, ErrorKind::Other);
        encrypt_into(engine, &mut Recording::default(), &mut whole).unwrap();
        for kind in [ErrorKind::Other, ErrorKind::WouldBlock, ErrorKind::UnexpectedEof] {
            for fail_at in 0..whole.calls {
                let mut sink = Recording::default();
                let source = Failing::new(Short::new(&input[..], 1000, 0), fail_at, kind);
                let error = encrypt_into(engine, &mut sink, source).unwrap_err();
                assert_eq!(error.stage(), Stage::Source);
                let segment = usize::try_from(error.segment().unwrap()).unwrap();
                assert_eq!(sink.bytes, stream[..ends[segment]], "failed at call {fail_at}");
                assert_eq!(sink.calls.last(), Some(&Call::Suspend));
            }
        }
    }
}

#[test]
fn source_failing_while_decrypting_is_the_error() {
    for &engine in Engine::ALL {
        let (stream, _) = sealed();
        let mut whole = Failing::new(&stream[..], usize::MAX, ErrorKind::Other);
        let mut all = Recording::default();
        decrypt_into(engine, &mut all, &mut whole).unwrap();
        for fail_at in 0..whole.calls {
            let mut sink = Recording::default();
            let error = decrypt_into(engine, &mut sink, Failing::new(&stream[..], fail_at, ErrorKind::Other))
                .unwrap_err();
            assert_eq!(error.stage(), Stage::Source);
            let segments = usize::try_from(error.segment().unwrap_or(0)).unwrap();
            assert_eq!(sink.bytes, plaintext(LEN)[..LEN.min(segments * 8192)], "failed at call {fail_at}");
            assert_eq!(sink.calls.last(), Some(&Call::Suspend));
        }
    }
}

//= spec/stream-v2.md#sv2-wrt-002
//= type=test
//# A writer MUST hand a segment to its sink only when header and wire are complete.
#[test]
fn sink_failing_while_encrypting_is_the_error() {
    for &engine in Engine::ALL {
        let (stream, ends) = sealed();
        let mut all = Recording::default();
        encrypt_into(engine, &mut all, &plaintext(LEN)[..]).unwrap();
        assert_eq!(all.bytes, stream);
        for panics in [false, true] {
            for fail_at in 0..all.calls.len() {
                let mut sink = Recording { panics, ..Recording::failing_at(fail_at) };
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    encrypt_into(engine, &mut sink, &plaintext(LEN)[..])
                }));
                if let Ok(result) = result {
                    let error = result.unwrap_err();
                    let stage = if panics { Stage::Writer } else { Stage::Sink };
                    assert_eq!(error.stage(), stage, "{error}");
                    assert_eq!(sink.calls.last(), Some(&Call::Suspend));
                } else {
                    assert!(panics, "only a panic is a panic");
                }
                assert!(
                    ends.contains(&sink.bytes.len()) || sink.bytes.is_empty(),
                    "half a segment at call {fail_at}"
                );
                assert!(stream.starts_with(sink.durable()));
            }
        }
    }
}

#[test]
fn sink_failing_while_decrypting_is_the_error() {
    for &engine in Engine::ALL {
        let (stream, _) = sealed();
        let mut all = Recording::default();
        decrypt_into(engine, &mut all, &stream[..]).unwrap();
        for fail_at in 0..all.calls.len() {
            let mut sink = Recording::failing_at(fail_at);
            let error = decrypt_into(engine, &mut sink, &stream[..]).unwrap_err();
            assert_eq!((error.stage(), sink.calls.last()), (Stage::Sink, Some(&Call::Suspend)));
            assert!(sink.bytes.len() == LEN || sink.bytes.len().is_multiple_of(8192));
            assert!(plaintext(LEN).starts_with(&sink.bytes));
        }
    }
}

#[test]
fn panicking_source_is_an_error_of_the_source() {
    for &engine in Engine::ALL {
        let mut sink = Recording::default();
        let error = encrypt_into(engine, &mut sink, Panicking).unwrap_err();
        let expected = "source, segment 0: internal defect, please report it: planted in the source";
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn panicking_sink_never_takes_the_caller_down() {
    for &engine in Engine::ALL {
        let mut whole = Recording::default();
        encrypt_into(engine, &mut whole, &plaintext(LEN)[..]).unwrap();
        for call in 0..whole.calls.len() {
            let mut sink = Recording { panics: true, ..Recording::failing_at(call) };
            let error = encrypt_into(engine, &mut sink, &plaintext(LEN)[..]).unwrap_err();
            assert!(matches!(error.cause(), Cause::Panic(_)), "{error}");
            assert_eq!(sink.calls.last(), Some(&Call::Suspend));
        }
    }
}

#[test]
fn a_shutdown_ends_between_two_segments() {
    struct StopAt(Shutdown, u32);
    impl LogManager for StopAt {
        fn log(&mut self, event: LogEvent<'_>) {
            if matches!(event, LogEvent::Committed(commit) if commit.index.0 == self.1) {
                self.0.request();
            }
        }
    }
    let key = key();
    let input = plaintext(200 * 8192);
    let stream = encrypt(&encrypting(&key, 2), &input);
    for (&engine, at) in Engine::ALL.iter().flat_map(|engine| [0, 1, 50].map(|at| (engine, at))) {
        let pipeline = encrypting(&key, 2);
        let mut sink = Recording::default();
        let mut stop = StopAt(pipeline.shutdown.clone(), at);
        let error =
            engine.run_with(&pipeline, &input[..], &mut sink, RunManagers::log(&mut stop)).unwrap_err();
        assert!(matches!(error.cause(), Cause::Interrupted), "{error}");
        assert!(stream.starts_with(&sink.bytes) && (sink.bytes.len() - 128).is_multiple_of(8472));
        assert_eq!(sink.calls.last(), Some(&Call::Suspend));
    }
}

/// A source without data that reports interruptions, as a polled pipe does.
#[test]
fn a_shutdown_ends_a_source_that_waits() {
    struct Waiting(Shutdown, usize);
    impl io::Read for Waiting {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 == 10 {
                self.0.request();
            }
            Err(ErrorKind::Interrupted.into())
        }
    }
    let key = key();
    let pipeline = encrypting(&key, 2);
    let source = Waiting(pipeline.shutdown.clone(), 0);
    let error = pipeline.run(source, &mut Recording::default(), Managers::none()).unwrap_err();
    assert!(matches!(error.cause(), Cause::Interrupted), "{error}");

    let (stream, _) = sealed();
    for before in [0, 50, 200] {
        let pipeline = DecryptPipeline::new(&key);
        let source = io::Read::chain(&stream[..before], Waiting(pipeline.shutdown.clone(), 0));
        let error = pipeline.run(source, &mut Recording::default(), Managers::none()).unwrap_err();
        assert!(matches!(error.cause(), Cause::Interrupted), "{before}: {error}");
    }
}

#[test]
fn source_error_after_shutdown_is_reported() {
    struct Breaks(Shutdown);
    impl io::Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.request();
            Err(ErrorKind::ConnectionReset.into())
        }
    }
    let key = key();
    let pipeline = encrypting(&key, 2);
    let source = Breaks(pipeline.shutdown.clone());
    let error = pipeline.run(source, &mut Recording::default(), Managers::none()).unwrap_err();
    assert!(
        matches!(error.cause(), Cause::Io(error) if error.kind() == ErrorKind::ConnectionReset),
        "{error}"
    );

    let pipeline = DecryptPipeline::new(&key);
    let source = Breaks(pipeline.shutdown.clone());
    let error = pipeline.run(source, &mut Recording::default(), Managers::none()).unwrap_err();
    assert!(
        matches!(error.cause(), Cause::Io(error) if error.kind() == ErrorKind::ConnectionReset),
        "{error}"
    );
}

#[test]
fn an_error_of_the_stream_aborts_the_sink() {
    for &engine in Engine::ALL {
        let (mut stream, _) = sealed();
        stream[20_000] ^= 1;
        let mut sink = Recording::default();
        let error = decrypt_into(engine, &mut sink, &stream[..]).unwrap_err();
        assert_eq!((error.segment(), sink.calls.last()), (Some(2), Some(&Call::Abort)));
        assert_eq!(sink.bytes, plaintext(LEN)[..2 * 8192]);
    }
}

#[test]
fn writer_with_short_writes_gets_everything() {
    struct Sips(Vec<u8>);
    impl io::Write for Sips {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            if self.0.len().is_multiple_of(3) {
                self.0.extend(&buffer[..1.min(buffer.len())]);
                return Ok(1.min(buffer.len()));
            }
            self.0.extend(&buffer[..5.min(buffer.len())]);
            Ok(5.min(buffer.len()))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let key = key();
    let mut sips = Sips(Vec::new());
    encrypting(&key, 2).run(&plaintext(LEN)[..], &mut WriterSink::new(&mut sips), Managers::none()).unwrap();
    assert_eq!(sips.0, sealed().0);
}
