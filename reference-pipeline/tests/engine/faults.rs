//! Sources, sinks and managers that fail at any call: one clear error, no half segment, nothing lost that was durable.

use std::io::{self, ErrorKind};

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{JournalKey, Transcript};
use stream_v2_format::wire::Trailer;
use stream_v2_pipeline::{
    Cause, Commit, CrashManager, DecryptPipeline, Error, LogEvent, LogManager, Managers, Shutdown, Stage,
    WriterSink,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::{Call, Recording};
use stream_v2_testing::sources::{Failing, Panicking, Short};
use stream_v2_testing::streams::{encrypt, encrypting, key};

const LEN: usize = 5 * 8192 + 100;

/// Runs an encryption into `sink`; durable after every segment.
fn encrypt_into(sink: &mut Recording, source: impl io::Read + Send) -> Result<(), Error> {
    let key = key();
    let mut pipeline = encrypting(&key, 2);
    pipeline.durability.segments = 1;
    pipeline.run(source, sink, Managers::none()).map(|_| ())
}

fn decrypt_into(sink: &mut Recording, source: impl io::Read + Send) -> Result<(), Error> {
    let key = key();
    DecryptPipeline::new(&key).run(source, sink, Managers::none()).map(|_| ())
}

/// The sealed stream, and the offsets at which its segments end.
fn sealed() -> (Vec<u8>, Vec<usize>) {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    let full = 96 + 8192 + 24 * 4 + 36 + 52;
    let ends =
        (0..=5).map(|segments| 128 + segments * full).chain([stream.len() - 256, stream.len()]).collect();
    (stream, ends)
}

#[test]
fn a_source_that_fails_at_any_call_while_encrypting() {
    let (stream, ends) = sealed();
    let input = plaintext(LEN);
    let mut whole = Failing::new(Short::new(&input[..], 1000, 0), usize::MAX, ErrorKind::Other);
    encrypt_into(&mut Recording::default(), &mut whole).unwrap();
    for kind in [ErrorKind::Other, ErrorKind::WouldBlock, ErrorKind::UnexpectedEof] {
        for fail_at in 0..whole.calls {
            let mut sink = Recording::default();
            let source = Failing::new(Short::new(&input[..], 1000, 0), fail_at, kind);
            let error = encrypt_into(&mut sink, source).unwrap_err();
            assert_eq!(error.stage(), Stage::Source);
            let segment = usize::try_from(error.segment().unwrap()).unwrap();
            assert_eq!(sink.bytes, stream[..ends[segment]], "failed at call {fail_at}");
            assert_eq!(sink.calls.last(), Some(&Call::Suspend));
        }
    }
}

#[test]
fn a_source_that_fails_at_any_call_while_decrypting() {
    let (stream, _) = sealed();
    let mut whole = Failing::new(&stream[..], usize::MAX, ErrorKind::Other);
    let mut all = Recording::default();
    decrypt_into(&mut all, &mut whole).unwrap();
    for fail_at in 0..whole.calls {
        let mut sink = Recording::default();
        let error =
            decrypt_into(&mut sink, Failing::new(&stream[..], fail_at, ErrorKind::Other)).unwrap_err();
        assert_eq!(error.stage(), Stage::Source);
        let segments = usize::try_from(error.segment().unwrap_or(0)).unwrap();
        assert_eq!(sink.bytes, plaintext(LEN)[..LEN.min(segments * 8192)], "failed at call {fail_at}");
        assert_eq!(sink.calls.last(), Some(&Call::Suspend));
    }
}

//= spec/stream-v2.md#sv2-wrt-002
//= type=test
//# A writer MUST hand a segment to its sink only when header and wire are complete.
#[test]
fn a_sink_that_fails_at_any_call_while_encrypting() {
    let (stream, ends) = sealed();
    let mut all = Recording::default();
    encrypt_into(&mut all, &plaintext(LEN)[..]).unwrap();
    assert_eq!(all.bytes, stream);
    for panics in [false, true] {
        for fail_at in 0..all.calls.len() {
            let mut sink = Recording { panics, ..Recording::failing_at(fail_at) };
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                encrypt_into(&mut sink, &plaintext(LEN)[..])
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

#[test]
fn a_sink_that_fails_at_any_call_while_decrypting() {
    let (stream, _) = sealed();
    let mut all = Recording::default();
    decrypt_into(&mut all, &stream[..]).unwrap();
    for fail_at in 0..all.calls.len() {
        let mut sink = Recording::failing_at(fail_at);
        let error = decrypt_into(&mut sink, &stream[..]).unwrap_err();
        assert_eq!((error.stage(), sink.calls.last()), (Stage::Sink, Some(&Call::Suspend)));
        assert!(sink.bytes.len() == LEN || sink.bytes.len().is_multiple_of(8192));
        assert!(plaintext(LEN).starts_with(&sink.bytes));
    }
}

#[test]
fn a_source_that_panics_is_an_error_of_the_source() {
    let mut sink = Recording::default();
    let error = encrypt_into(&mut sink, Panicking).unwrap_err();
    insta::assert_snapshot!(error, @"source, segment 0: internal defect, please report it: planted in the source");
}

//= spec/stream-v2.md#sv2-jrn-001
//= type=test
//# An owner MUST make the output durable up to the end of a segment before it appends a commit record for
//# that segment.
#[test]
fn what_is_reported_durable_is_in_the_sink() {
    struct Watch(Vec<Commit>);
    impl CrashManager for Watch {
        fn began(&mut self, _: &JournalKey) -> io::Result<()> {
            Ok(())
        }
        fn committed(&mut self, _: &Commit) -> io::Result<()> {
            Ok(())
        }
        fn durable(&mut self, commit: &Commit) -> io::Result<()> {
            self.0.push(*commit);
            Ok(())
        }
        fn ending(&mut self, _: SegmentIndex, trailer: &Trailer) -> io::Result<()> {
            assert_eq!(trailer.plaintext_len, LEN as u64);
            Ok(())
        }
        fn ended(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Told(Vec<Commit>);
    impl LogManager for Told {
        fn log(&mut self, event: LogEvent<'_>) {
            let LogEvent::Durable(commit) = event else { return };
            self.0.push(*commit);
        }
    }
    let key = key();
    let mut pipeline = encrypting(&key, 2);
    pipeline.durability.bytes = 15_000;
    let (mut watch, mut told, mut sink) = (Watch(Vec::new()), Told(Vec::new()), Recording::default());
    let managers = Managers { crash: Some(&mut watch), log: Some(&mut told) };
    pipeline.run(&plaintext(LEN)[..], &mut sink, managers).unwrap();
    assert_eq!(told.0, watch.0, "the log is told of what is recorded");
    assert!(watch.0.iter().map(|commit| commit.index.0).eq([1, 3, 5]));
    let last = watch.0.last().unwrap();
    assert_eq!(last.position, sink.durable().len() as u64 - 128);
    assert_ne!(last.transcript, Transcript::EMPTY);
}

/// Fails or panics at the n-th word it hears.
struct Touchy {
    calls: usize,
    fail_at: usize,
    panics: bool,
}

impl Touchy {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls <= self.fail_at {
            return Ok(());
        }
        if self.panics {
            std::panic::resume_unwind(Box::new("planted in the manager"));
        }
        Err(ErrorKind::PermissionDenied.into())
    }
}

impl CrashManager for Touchy {
    fn began(&mut self, _: &JournalKey) -> io::Result<()> {
        self.call()
    }
    fn committed(&mut self, _: &Commit) -> io::Result<()> {
        self.call()
    }
    fn durable(&mut self, _: &Commit) -> io::Result<()> {
        self.call()
    }
    fn ending(&mut self, _: SegmentIndex, _: &Trailer) -> io::Result<()> {
        self.call()
    }
    fn ended(&mut self) -> io::Result<()> {
        self.call()
    }
}

#[test]
fn a_crash_manager_that_fails_at_any_call_ends_the_run_there() {
    let (stream, ends) = sealed();
    // Once at the beginning, for six data segments, twice before the final segment, for that one, and at the end.
    let calls = 11;
    for fail_at in 0..=calls {
        let mut crash = Touchy { calls: 0, fail_at, panics: false };
        let mut sink = Recording::default();
        let key = key();
        let managers = Managers { crash: Some(&mut crash), log: None };
        let result = encrypting(&key, 2).run(&plaintext(LEN)[..], &mut sink, managers);
        match result {
            Ok(_) => assert_eq!(fail_at, calls),
            Err(error) => assert_eq!((fail_at < calls, error.stage()), (true, Stage::Manager)),
        }
        assert!(ends.contains(&sink.bytes.len()) && stream.starts_with(&sink.bytes));
    }
}

#[test]
fn a_log_manager_that_panics_is_one_error() {
    struct Panics;
    impl LogManager for Panics {
        fn log(&mut self, event: LogEvent<'_>) {
            if matches!(event, LogEvent::Committed(commit) if commit.index.0 == 2) {
                std::panic::resume_unwind(Box::new("planted in the log"));
            }
        }
    }
    let key = key();
    let mut sink = Recording::default();
    let managers = Managers { log: Some(&mut Panics), crash: None };
    let error = encrypting(&key, 2).run(&plaintext(LEN)[..], &mut sink, managers).unwrap_err();
    insta::assert_snapshot!(error, @"writer, segment 2: internal defect, please report it: planted in the log");
    assert_eq!(sink.calls.last(), Some(&Call::Suspend));
}

/// Panics at one of its events.
struct PanicsAt(usize);

impl LogManager for PanicsAt {
    fn log(&mut self, _: LogEvent<'_>) {
        match self.0.checked_sub(1) {
            Some(left) => self.0 = left,
            None => std::panic::resume_unwind(Box::new("planted in the log")),
        }
    }
}

#[test]
fn a_log_manager_that_panics_at_any_event_never_takes_the_caller_down() {
    let key = key();
    // Started, five full segments and a part, the final one, and the end, which is too late to change anything.
    for event in 0..9 {
        let mut sink = Recording::default();
        let mut log = PanicsAt(event);
        let managers = Managers { log: Some(&mut log), crash: None };
        let result = encrypting(&key, 2).run(&plaintext(LEN)[..], &mut sink, managers);
        let left = if event < 8 { Call::Suspend } else { Call::Seal };
        assert_eq!((result.is_err(), sink.calls.last()), (event < 8, Some(&left)), "{event}");
    }
}

#[test]
fn a_sink_that_panics_at_any_call_never_takes_the_caller_down() {
    let mut whole = Recording::default();
    encrypt_into(&mut whole, &plaintext(LEN)[..]).unwrap();
    for call in 0..whole.calls.len() {
        let mut sink = Recording { panics: true, ..Recording::failing_at(call) };
        let error = encrypt_into(&mut sink, &plaintext(LEN)[..]).unwrap_err();
        assert!(matches!(error.cause(), Cause::Panic(_)), "{error}");
        assert_eq!(sink.calls.last(), Some(&Call::Suspend));
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
    for at in [0, 1, 50] {
        let pipeline = encrypting(&key, 2);
        let mut sink = Recording::default();
        let mut stop = StopAt(pipeline.shutdown.clone(), at);
        let error =
            pipeline.run(&input[..], &mut sink, Managers { log: Some(&mut stop), crash: None }).unwrap_err();
        assert!(matches!(error.cause(), Cause::Interrupted), "{error}");
        assert!(stream.starts_with(&sink.bytes) && (sink.bytes.len() - 128).is_multiple_of(8472));
        assert_eq!(sink.calls.last(), Some(&Call::Suspend));
    }
}

/// A source that has nothing to give and reports interruptions, as a polled pipe does.
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
fn an_error_of_the_source_is_told_even_when_a_shutdown_was_requested() {
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
    let (mut stream, _) = sealed();
    stream[20_000] ^= 1;
    let mut sink = Recording::default();
    let error = decrypt_into(&mut sink, &stream[..]).unwrap_err();
    assert_eq!((error.segment(), sink.calls.last()), (Some(2), Some(&Call::Abort)));
    assert_eq!(sink.bytes, plaintext(LEN)[..2 * 8192]);
}

#[test]
fn a_writer_that_takes_little_at_a_time_gets_everything() {
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
