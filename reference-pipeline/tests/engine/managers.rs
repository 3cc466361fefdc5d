//! Managers that fail at any call: the run ends there, and durable data is not lost.

use std::io::{self, ErrorKind};

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{JournalKey, Transcript};
use stream_v2_format::wire::Trailer;
use stream_v2_pipeline::{Commit, CrashManager, LogEvent, LogManager, Managers, Stage};
use stream_v2_testing::engine::{Engine, RunManagers};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::{Call, Recording};
use stream_v2_testing::streams::{encrypting, key};

use crate::faults::{LEN, sealed};

//= spec/stream-v2.md#sv2-jrn-001
//= type=test
//# An owner MUST make the output durable up to the end of a segment before it appends a commit
//# record for that segment.
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

/// Fails at the n-th call.
struct Touchy {
    calls: usize,
    fail_at: usize,
}

impl Touchy {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls <= self.fail_at {
            return Ok(());
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
fn failing_crash_manager_ends_the_run_there() {
    let (stream, ends) = sealed();
    // Once at the beginning, for six data segments, twice before the final segment, for that one,
    // and at the end.
    let calls = 11;
    for (&engine, fail_at) in Engine::ALL.iter().flat_map(|engine| (0..=calls).map(move |at| (engine, at))) {
        let mut sink = Recording::default();
        let key = key();
        let managers = RunManagers::crash(Touchy { calls: 0, fail_at });
        let result = engine.run_with(&encrypting(&key, 2), &plaintext(LEN)[..], &mut sink, managers);
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
    for &engine in Engine::ALL {
        let (key, mut sink, mut log) = (key(), Recording::default(), Panics);
        let managers = RunManagers::log(&mut log);
        let run = engine.run_with(&encrypting(&key, 2), &plaintext(LEN)[..], &mut sink, managers);
        let expected = "writer, segment 2: internal defect, please report it: planted in the log";
        assert_eq!(run.unwrap_err().to_string(), expected);
        assert_eq!(sink.calls.last(), Some(&Call::Suspend));
    }
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
fn panicking_log_never_takes_the_caller_down() {
    let key = key();
    // The start, five full segments and a part, the final one, and the end, which is too late to
    // change anything.
    for (&engine, event) in Engine::ALL.iter().flat_map(|engine| (0..9).map(move |event| (engine, event))) {
        let mut sink = Recording::default();
        let mut log = PanicsAt(event);
        let managers = RunManagers::log(&mut log);
        let result = engine.run_with(&encrypting(&key, 2), &plaintext(LEN)[..], &mut sink, managers);
        let left = if event < 8 { Call::Suspend } else { Call::Seal };
        assert_eq!((result.is_err(), sink.calls.last()), (event < 8, Some(&left)), "{event}");
    }
}
