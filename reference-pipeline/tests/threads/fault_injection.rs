//! Every call of source, sink and journal fails once, in every way.
//!
//! The run succeeds or ends with one error, and no thread is left. The same command, run again,
//! ends with exactly the source. This is a binary of its own, because it looks at all threads of
//! the process.

#![expect(clippy::panic, reason = "a test that cannot continue fails")]

use std::io::{self, ErrorKind, Read};

use stream_v2_pipeline::{
    Cause, Error, FileSink, LogEvent, LogManager, Managers, OutputSink, SinkUnit, Stage, Telemetry,
};
use stream_v2_testing::crash_sim;
use stream_v2_testing::crash_sim::decryption::Decryption;
use stream_v2_testing::crash_sim::encryption::Encryption;
use stream_v2_testing::crash_sim::output;
use stream_v2_testing::crash_sim::sim::{Sim, Trouble};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::Recording;
use stream_v2_testing::streams::{encrypt, encrypting, key};
use stream_v2_testing::threads::{alone, assert_none_left};

const LEN: usize = 5 * crash_sim::SEGMENT + 77;
const KINDS: [ErrorKind; 6] = [
    ErrorKind::Interrupted,
    ErrorKind::WouldBlock,
    ErrorKind::UnexpectedEof,
    ErrorKind::StorageFull,
    ErrorKind::PermissionDenied,
    ErrorKind::BrokenPipe,
];

fn troubles() -> impl Iterator<Item = Trouble> {
    KINDS.into_iter().map(Trouble::Fails).chain([Trouble::Short])
}

/// Checks for success, or one clear error of that stage and kind.
fn assert_clear<T>(result: Result<T, Error>, trouble: Trouble, stages: &[Stage]) {
    let Err(error) = result else { return };
    let kind = match trouble {
        Trouble::Fails(kind) => kind,
        Trouble::FailsWith(code) => io::Error::from_raw_os_error(code).kind(),
        Trouble::Short => panic!("a short write is none: {error}"),
    };
    assert!(stages.contains(&error.stage()), "{error}");
    match error.cause() {
        Cause::Io(cause) => assert_eq!(cause.kind(), kind, "{error}"),
        _ => panic!("{error}"),
    }
}

#[test]
fn encryption_survives_fault_at_every_call() {
    let _alone = alone();
    for &engine in Engine::ALL {
        let encryption = Encryption { engine, ..Encryption::new(plaintext(LEN)) };
        let whole = Sim::default();
        run_encryption(&encryption, &whole).unwrap();
        assert!(whole.calls() > 30, "{}", whole.calls());
        for trouble in troubles() {
            for at in 0..whole.calls() {
                let sim = Sim::troubled(at, trouble);
                assert_clear(run_encryption(&encryption, &sim), trouble, &[Stage::Sink, Stage::Manager]);
                assert_none_left();
                let (again, sim) = encryption.run(&sim.contents());
                again.unwrap();
                encryption.assert_complete(&sim.contents());
            }
        }
    }
}

fn run_encryption(encryption: &Encryption, sim: &Sim) -> Result<(), Error> {
    let output = output(sim);
    // Nothing was begun yet.
    let Ok(sink) = FileSink::create(&output) else { return Ok(()) };
    encryption
        .engine
        .encrypt_to_file(&encryption.pipeline(), &encryption.source[..], encryption.stamp, sink)
        .map(drop)
}

#[test]
fn decryption_survives_fault_at_every_call() {
    let _alone = alone();
    let encryption = Encryption::new(plaintext(LEN));
    let stream = encryption.first().result;
    for &engine in Engine::ALL {
        let decryption = Decryption { engine, ..Decryption::new(stream.clone(), plaintext(LEN)) };
        let whole = Sim::default();
        run_decryption(&decryption, &whole).unwrap();
        assert!(whole.calls() > 30, "{}", whole.calls());
        for trouble in troubles() {
            for at in 0..whole.calls() {
                let sim = Sim::troubled(at, trouble);
                assert_clear(run_decryption(&decryption, &sim), trouble, &[Stage::Sink, Stage::Manager]);
                assert_none_left();
                let (again, sim) = decryption.run(&sim.contents());
                again.unwrap();
                decryption.assert_complete(&sim.contents());
            }
        }
    }
}

fn run_decryption(decryption: &Decryption, sim: &Sim) -> Result<(), Error> {
    let output = output(sim);
    let Ok(sink) = FileSink::create(&output) else { return Ok(()) };
    let (pipeline, mut source) = (decryption.pipeline(), &decryption.stream[..]);
    let stream = pipeline.open_stream(&mut source)?;
    decryption.engine.decrypt_to_file(&pipeline, &stream, source, sink).map(drop)
}

/// Returns a thousand bytes a call, and fails at call number `at`, once.
struct Troubled<'s> {
    source: &'s [u8],
    at: usize,
    kind: ErrorKind,
    calls: usize,
}

impl<'s> Troubled<'s> {
    fn new(source: &'s [u8], at: usize, kind: ErrorKind) -> Self {
        Self { source, at, kind, calls: 0 }
    }
}

impl Read for Troubled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls == self.at + 1 {
            return Err(self.kind.into());
        }
        let most = buffer.len().min(1000);
        self.source.read(&mut buffer[..most])
    }
}

#[test]
fn every_call_of_the_source() {
    let _alone = alone();
    let encryption = Encryption::new(plaintext(LEN));
    let stream = encryption.first().result;
    for &engine in Engine::ALL {
        let encryption = Encryption { engine, ..Encryption::new(plaintext(LEN)) };
        let decryption = Decryption { engine, ..Decryption::new(stream.clone(), plaintext(LEN)) };
        for kind in KINDS {
            for at in 0..LEN / 1000 {
                let sim = Sim::default();
                let source = Troubled::new(&encryption.source, at, kind);
                let sink = FileSink::create(&output(&sim)).unwrap();
                let result = engine.encrypt_to_file(&encryption.pipeline(), source, encryption.stamp, sink);
                assert_eq!(
                    result.is_ok(),
                    kind == ErrorKind::Interrupted,
                    "an interrupted read is tried again"
                );
                assert_clear(result, Trouble::Fails(kind), &[Stage::Source]);
                assert_none_left();
                let (again, sim) = encryption.run(&sim.contents());
                again.unwrap();
                encryption.assert_complete(&sim.contents());

                let sim = Sim::default();
                let mut source = Troubled::new(&decryption.stream, at, kind);
                let pipeline = decryption.pipeline();
                let sink = FileSink::create(&output(&sim)).unwrap();
                let result = pipeline
                    .open_stream(&mut source)
                    .and_then(|stream| engine.decrypt_to_file(&pipeline, &stream, source, sink));
                assert_eq!(
                    result.is_ok(),
                    kind == ErrorKind::Interrupted,
                    "an interrupted read is tried again"
                );
                assert_clear(result, Trouble::Fails(kind), &[Stage::Source]);
                assert_none_left();
                let (again, sim) = decryption.run(&sim.contents());
                again.unwrap();
                decryption.assert_complete(&sim.contents());
            }
        }
    }
}

/// Lets all other threads run before each call.
struct Slow<T>(T);

fn dawdle() {
    (0..100).for_each(|_| std::thread::yield_now());
}

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        dawdle();
        self.0.read(buffer)
    }
}

impl OutputSink for Slow<Recording> {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        dawdle();
        self.0.append(unit)
    }
    fn make_durable(&mut self) -> io::Result<()> {
        dawdle();
        self.0.make_durable()
    }
    fn seal(&mut self) -> io::Result<()> {
        self.0.seal()
    }
    fn suspend(&mut self) -> io::Result<()> {
        self.0.suspend()
    }
    fn abort(&mut self) -> io::Result<()> {
        self.0.abort()
    }
}

impl LogManager for Slow<()> {
    fn log(&mut self, _: LogEvent<'_>) {
        dawdle();
    }
}

#[test]
fn whoever_is_slow_changes_nothing() {
    let _alone = alone();
    let (key, input) = (key(), plaintext(40 * 8192 + 5));
    let expected = encrypt(&encrypting(&key, 1), &input);
    for jobs in [1, 4] {
        let mut pipeline = encrypting(&key, jobs);
        // The events are not received.
        let (telemetry, _events) = Telemetry::with_events(1);
        pipeline.telemetry = telemetry;
        let (mut quick, mut slow) = (Recording::default(), Slow(Recording::default()));
        pipeline.run(Slow(&input[..]), &mut quick, Managers::none()).unwrap();
        let managers = Managers { log: Some(&mut Slow(())), crash: None };
        pipeline.run(&input[..], &mut slow, managers).unwrap();
        assert!(quick.bytes == expected && slow.0.bytes == expected, "{jobs} jobs");
        assert_none_left();
    }
}
