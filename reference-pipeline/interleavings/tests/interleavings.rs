//! The engine under a scheduler that chooses the next thread at every operation on a channel, a
//! lock or a flag.
//!
//! `.ci/interleavings` runs it. A failure prints its schedule, and `SCHEDULE=… .ci/interleavings
//! NAME_OF_THE_TEST` runs that one again. `ROUNDS` multiplies the number of schedules.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{ErrorKind, Seek, Write};
use std::sync::LazyLock;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};
use stream_v2_pipeline::{
    Cause, DecryptPipeline, Error, LogEvent, LogManager, Managers, Parallelism, Shutdown, Stage, Summary,
    WriterSink,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::Recording;
use stream_v2_testing::sources::{Failing, Short};
use stream_v2_testing::streams::{encrypt, encrypting, key};
use tempfile::NamedTempFile;

/// Five segments of 8 KiB, the last one not full.
const LEN: usize = 5 * 8192 - 7;

/// Runs the scenario. Half of the rounds choose at random, and half change their choice at three
/// places (PCT).
fn check(rounds: usize, scenario: impl Fn() + Send + Sync + Clone + 'static) {
    // A run may take no thread, but the scheduler of PCT needs two.
    let scenario = move || {
        let other = shuttle::thread::spawn(shuttle::thread::yield_now);
        shuttle::thread::yield_now();
        scenario();
        other.join().unwrap();
    };
    let rounds = rounds * std::env::var("ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        let mut config = Config::new();
        // Sealing takes more of the stack than the 32 KiB that a thread has there.
        config.stack_size = 1 << 19;
        Runner::new(scheduler, config).run(scenario.clone());
    };
    match std::env::var("SCHEDULE") {
        Ok(schedule) => run(Box::new(ReplayScheduler::new_from_encoded(&schedule))),
        Err(_) => {
            run(Box::new(RandomScheduler::new(rounds / 2)));
            run(Box::new(PctScheduler::new(3, rounds / 2)));
        }
    }
}

/// Chooses one to three workers, and a window of one to four.
fn parallelism() -> Parallelism {
    Parallelism { workers: thread_rng().gen_range(1..=3), window: thread_rng().gen_range(1..=4) }
}

/// Returns the stream that every schedule must produce.
fn ideal() -> Vec<u8> {
    shuttle_free(|| encrypt(&encrypting(&key(), 1), &plaintext(LEN)))
}

/// Runs a step once that is not checked. It still needs a scheduler.
fn shuttle_free<T: Send + 'static>(once: impl Fn() -> T + Send + Sync + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut config = Config::new();
    config.stack_size = 1 << 19;
    Runner::new(RandomScheduler::new(1), config).run(move || sender.send(once()).unwrap());
    receiver.recv().unwrap()
}

fn encrypted(
    source: impl std::io::Read + Send,
    sink: &mut Recording,
    log: Option<&mut dyn LogManager>,
) -> Result<Summary, Error> {
    let key = key();
    let mut pipeline = encrypting(&key, 1);
    pipeline.parallelism = parallelism();
    pipeline.run(source, sink, Managers { log, crash: None })
}

/// Reads the plaintext from memory, or from a file. With a file the caller is one of the workers,
/// and each worker reads for itself.
fn encrypted_whole(
    shutdown: Shutdown,
    sink: &mut Recording,
    log: Option<&mut dyn LogManager>,
) -> Result<Summary, Error> {
    let key = key();
    let mut pipeline = encrypting(&key, 1);
    (pipeline.parallelism, pipeline.shutdown) = (parallelism(), shutdown);
    let managers = Managers { log, crash: None };
    if thread_rng().gen_bool(0.3) {
        return pipeline.run(&plaintext(LEN)[..], sink, managers);
    }
    let mut file = FILE.reopen().unwrap();
    file.rewind().unwrap();
    pipeline.set_source_file(Some(file.try_clone().unwrap()));
    pipeline.run(file, sink, managers)
}

static FILE: LazyLock<NamedTempFile> = LazyLock::new(|| {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&plaintext(LEN)).unwrap();
    file
});

#[test]
fn the_stream_does_not_depend_on_the_schedule() {
    let ideal = ideal();
    check(20_000, move || {
        let mut sink = Recording::default();
        encrypted_whole(Shutdown::new(), &mut sink, None).unwrap();
        assert!(sink.bytes == ideal);
    });
}

#[test]
fn failing_sink_is_the_error_and_keeps_prefix() {
    let ideal = ideal();
    check(20_000, move || {
        let call = thread_rng().gen_range(0..7);
        let mut sink = Recording { panics: thread_rng().gen_bool(0.5), ..Recording::failing_at(call) };
        let error = encrypted_whole(Shutdown::new(), &mut sink, None).unwrap_err();
        assert!(matches!(error.cause(), Cause::Io(_) | Cause::Panic(_)), "{error}");
        assert!(ideal.starts_with(&sink.bytes));
    });
}

#[test]
fn failing_source_is_the_error_after_its_prefix() {
    let ideal = ideal();
    check(20_000, move || {
        let calls = thread_rng().gen_range(0..5);
        let mut sink = Recording::default();
        let text = plaintext(LEN);
        let source = Failing::new(Short::new(&text[..], 8192, 0), calls, ErrorKind::ConnectionReset);
        let error = encrypted(source, &mut sink, None).unwrap_err();
        assert_eq!(error.stage(), Stage::Source);
        assert_eq!(error.segment(), Some(calls as u64));
        assert!(ideal.starts_with(&sink.bytes));
    });
}

/// Panics at one event.
struct Panicking(usize);

impl LogManager for Panicking {
    fn log(&mut self, _: LogEvent<'_>) {
        if self.0 == 0 {
            std::panic::resume_unwind(Box::new("planted in the log"));
        }
        self.0 -= 1;
    }
}

#[test]
fn panicking_log_ends_only_the_run() {
    let ideal = ideal();
    check(20_000, move || {
        let mut sink = Recording::default();
        let mut log = Panicking(thread_rng().gen_range(1..7));
        let error = encrypted_whole(Shutdown::new(), &mut sink, Some(&mut log)).unwrap_err();
        assert!(matches!(error.cause(), Cause::Panic(_)), "{error}");
        assert!(ideal.starts_with(&sink.bytes));
    });
}

/// Several workers fail at once, and the first segment is reported.
#[test]
fn first_of_damaged_segments_is_reported() {
    let ideal = ideal();
    let segment_len = 96 + 8192 + 2 * 24 + 60 + 24 + 32;
    check(20_000, move || {
        let mut stream = ideal.clone();
        let first = thread_rng().gen_range(0..4);
        for segment in first..4 {
            stream[128 + segment * segment_len + 500] ^= 1;
        }
        let key = key();
        let mut pipeline = DecryptPipeline::new(&key);
        pipeline.parallelism = parallelism();
        let mut released = Vec::new();
        let result = pipeline.run(&stream[..], &mut WriterSink::new(&mut released), Managers::none());
        assert_eq!(result.unwrap_err().segment(), Some(first as u64));
        assert!(released == plaintext(LEN)[..first * 8192]);
    });
}

#[test]
fn shutdown_at_any_moment_ends_run_or_is_late() {
    let ideal = ideal();
    check(20_000, move || {
        let shutdown = Shutdown::new();
        let caller = {
            let shutdown = shutdown.clone();
            shuttle::thread::spawn(move || shutdown.request())
        };
        let mut sink = Recording::default();
        let result = encrypted_whole(shutdown, &mut sink, None);
        caller.join().unwrap();
        match result {
            Ok(_) => assert!(sink.bytes == ideal),
            Err(error) => {
                assert!(matches!(error.cause(), Cause::Interrupted), "{error}");
                assert!(ideal.starts_with(&sink.bytes));
            }
        }
    });
}
