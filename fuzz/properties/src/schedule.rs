//! The pipeline under any timing and any behaviour of its source, sink, log and caller.
//!
//! It ends, reports one error or none, and leaves no thread behind. The data that the sink received
//! is a prefix of the right output.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arbitrary::{Arbitrary, Unstructured};
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{JournalKey, RunSalt};
use stream_v2_format::wire::Trailer;
use stream_v2_pipeline::{
    Commit, CrashManager, DecryptPipeline, EncryptPipeline, Error, LogEvent, LogManager, Managers,
    OutputSink, Parallelism, Salts, Shutdown, SinkUnit, Summary, WriterSink,
};
use stream_v2_testing::streams::small_segments;

use crate::capture::Captured;
use crate::reader::key;

#[derive(Arbitrary, Debug)]
struct Schedule {
    decrypts: bool,
    len: u16,
    /// The number of workers, and whether the source is a file, which never misbehaves.
    jobs: u8,
    window: u8,
    durable_every: u8,
    source: Vec<Read_>,
    sink: Vec<Call>,
    log: Vec<Event>,
    /// The behaviour of the crash manager, if there is one.
    keeper: Option<Vec<Call>>,
    /// The change of a byte of the stream that is decrypted.
    damage: Option<(u16, u8)>,
}

/// The bit of `jobs` that makes the source a file.
const IN_FILE: u8 = 0x80;

/// The behaviour of one call of the source.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Read_ {
    Give(u16),
    Interrupted,
    Fails(u8),
    Panics,
    Ends,
}

/// The behaviour of one call of the sink.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    Takes,
    Fails(u8),
    Panics,
}

/// The behaviour of the log at one event.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Event {
    Takes,
    Panics,
    /// Requests a shutdown of the run.
    ShutsDown,
}

const KINDS: [ErrorKind; 6] = [
    ErrorKind::WouldBlock,
    ErrorKind::UnexpectedEof,
    ErrorKind::StorageFull,
    ErrorKind::PermissionDenied,
    ErrorKind::BrokenPipe,
    ErrorKind::Other,
];

/// Checks a run under a schedule.
pub fn schedule(data: &[u8]) {
    let Ok(schedule) = Schedule::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Captured(&schedule);
    let plaintext: Vec<u8> = (0..251).cycle().take(usize::from(schedule.len) % (12 * 4096)).collect();
    let stream = encrypted(&plaintext);
    let input = if schedule.decrypts { &stream } else { &plaintext };
    let mut damaged = input.clone();
    if let Some((place, bits)) = schedule.damage.filter(|_| schedule.decrypts) {
        let place = usize::from(place) % damaged.len();
        damaged[place] ^= bits;
    }
    let seen = Seen::default();
    let mut sink = Sink::new(&schedule.sink, &seen);
    let mut keeper = Keeper {
        calls: schedule.keeper.as_deref().unwrap_or_default().iter(),
        seen: &seen,
        decrypts: schedule.decrypts,
        failed_to_forget: false,
    };
    let mut source = Source { input: &damaged, reads: schedule.source.iter(), stopped: false };
    let result = match schedule.jobs & IN_FILE {
        0 => run(&schedule, &mut source, None, &mut sink, &mut keeper),
        _ => {
            let file = file_of(&damaged);
            run(&schedule, &file, Some(file.try_clone().unwrap()), &mut sink, &mut keeper)
        }
    };
    assert_no_thread();
    assert_eq!(*seen.wrong.lock().unwrap(), None);
    let ideal = match (schedule.decrypts, source.stopped) {
        (true, _) => plaintext,
        (false, false) => stream,
        // A source of plaintext that ends early is a shorter source.
        (false, true) => encrypted(&plaintext[..plaintext.len() - source.input.len()]),
    };
    match result {
        Ok(summary) => assert!(sink.sealed && sink.bytes == ideal, "{summary:?}"),
        Err(error) => {
            assert!(ideal.starts_with(&sink.bytes), "{error}");
            // A published output stays published even if the journal could not be removed.
            assert!(
                keeper.failed_to_forget || !sink.sealed && sink.left,
                "neither suspended nor aborted: {error}"
            );
        }
    }
}

fn salts() -> Salts {
    Salts { stream_salt: [0x20; 32], run_salt: RunSalt::new([0x40; 16]) }
}

fn encrypted(plaintext: &[u8]) -> Vec<u8> {
    let (key, mut stream) = (key(), Vec::new());
    let pipeline = small_segments(&key, 1).with_salts(salts());
    pipeline.run(plaintext, &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
    stream
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn run(
    schedule: &Schedule,
    source: impl Read + Send,
    file: Option<File>,
    sink: &mut Sink<'_>,
    keeper: &mut Keeper<'_>,
) -> Result<Summary, Error> {
    let key = key();
    let jobs = 1 + usize::from(schedule.jobs % 3);
    let parallelism =
        Parallelism { window: usize::from(schedule.window % 8), ..Parallelism::with_workers(jobs) };
    let shutdown = Shutdown::new();
    let mut log = Log { events: schedule.log.iter(), shutdown: shutdown.clone() };
    let crash = schedule.keeper.is_some().then_some(keeper as &mut dyn CrashManager);
    let managers = Managers { log: Some(&mut log), crash };
    let durability = u64::from(schedule.durable_every % 4).max(1);
    if schedule.decrypts {
        let mut pipeline = DecryptPipeline::new(&key);
        (pipeline.parallelism, pipeline.shutdown) = (parallelism, shutdown);
        pipeline.durability.segments = durability;
        pipeline.set_source_file(file);
        pipeline.run(source, sink, managers)
    } else {
        let mut pipeline: EncryptPipeline<'_> = small_segments(&key, 1).with_salts(salts());
        (pipeline.parallelism, pipeline.shutdown) = (parallelism, shutdown);
        pipeline.durability.segments = durability;
        pipeline.set_source_file(file);
        pipeline.run(source, sink, managers)
    }
}

/// Panics without calling the panic hook.
fn panic_here() -> ! {
    std::panic::resume_unwind(Box::new("of the schedule"))
}

struct Source<'a> {
    input: &'a [u8],
    reads: std::slice::Iter<'a, Read_>,
    stopped: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stopped {
            return Ok(0);
        }
        let most = match self.reads.next() {
            None => buffer.len(),
            Some(Read_::Give(most)) => usize::from(*most).clamp(1, buffer.len().max(1)),
            Some(Read_::Interrupted) => return Err(ErrorKind::Interrupted.into()),
            Some(Read_::Fails(kind)) => return Err(KINDS[usize::from(*kind) % KINDS.len()].into()),
            Some(Read_::Panics) => panic_here(),
            Some(Read_::Ends) => {
                self.stopped = true;
                return Ok(0);
            }
        };
        self.input.read(&mut buffer[..most])
    }
}

struct Sink<'a> {
    calls: std::slice::Iter<'a, Call>,
    seen: &'a Seen,
    bytes: Vec<u8>,
    failed: bool,
    sealed: bool,
    /// Whether the sink was suspended or aborted.
    left: bool,
}

impl<'a> Sink<'a> {
    fn new(calls: &'a [Call], seen: &'a Seen) -> Self {
        Self { calls: calls.iter(), seen, bytes: Vec::new(), failed: false, sealed: false, left: false }
    }

    fn is_durable(&self) {
        self.seen.durable.store(self.bytes.len() as u64, Ordering::Relaxed);
    }

    fn call(&mut self) -> io::Result<()> {
        self.seen.must(!self.sealed && !self.left, "called after the end");
        self.seen.must(!self.failed, "called again after an error");
        let call = self.calls.next();
        self.failed = !matches!(call, None | Some(Call::Takes));
        call.map_or(Ok(()), |call| call.happens())
    }
}

/// The calls that the sink and the managers saw, and any of them that are wrong. They do not panic,
/// because the pipeline turns a panic into an error.
#[derive(Default)]
struct Seen {
    durable: AtomicU64,
    wrong: Mutex<Option<&'static str>>,
}

impl Seen {
    fn durable(&self) -> u64 {
        self.durable.load(Ordering::Relaxed)
    }

    fn must(&self, holds: bool, otherwise: &'static str) {
        if !holds {
            self.wrong.lock().unwrap().get_or_insert(otherwise);
        }
    }
}

impl Call {
    fn happens(self) -> io::Result<()> {
        match self {
            Self::Takes => Ok(()),
            Self::Fails(kind) => Err(KINDS[usize::from(kind) % KINDS.len()].into()),
            Self::Panics => panic_here(),
        }
    }
}

impl OutputSink for Sink<'_> {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        self.call()?;
        self.seen.must(unit.position == self.bytes.len() as u64, "written somewhere else");
        self.bytes.extend_from_slice(unit.head);
        self.bytes.extend_from_slice(unit.body);
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.call()?;
        self.is_durable();
        Ok(())
    }

    fn seal(&mut self) -> io::Result<()> {
        self.call()?;
        self.sealed = true;
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.left = true;
        self.is_durable();
        Ok(())
    }

    fn abort(&mut self) -> io::Result<()> {
        self.left = true;
        Ok(())
    }
}

/// A crash manager.
struct Keeper<'a> {
    calls: std::slice::Iter<'a, Call>,
    seen: &'a Seen,
    decrypts: bool,
    /// The last call failed. Nothing is left to resume, but its record is.
    failed_to_forget: bool,
}

impl Keeper<'_> {
    fn call(&mut self) -> io::Result<()> {
        self.calls.next().map_or(Ok(()), |call| call.happens())
    }
}

impl CrashManager for Keeper<'_> {
    fn began(&mut self, _: &JournalKey) -> io::Result<()> {
        self.call()
    }

    fn committed(&mut self, _: &Commit) -> io::Result<()> {
        self.call()
    }

    /// Checks SV2-JRN-001 and SV2-RES-011.
    fn durable(&mut self, commit: &Commit) -> io::Result<()> {
        let end = if self.decrypts { commit.plaintext_len } else { 128 + commit.position };
        self.seen.must(end <= self.seen.durable(), "recorded before it was durable");
        self.call()
    }

    fn ending(&mut self, _: SegmentIndex, trailer: &Trailer) -> io::Result<()> {
        let end = if self.decrypts { trailer.plaintext_len } else { 128 + trailer.position };
        self.seen.must(self.seen.durable() == end, "the end was recorded before everything was durable");
        self.call()
    }

    fn ended(&mut self) -> io::Result<()> {
        self.failed_to_forget = true;
        self.call()?;
        self.failed_to_forget = false;
        Ok(())
    }
}

struct Log<'a> {
    events: std::slice::Iter<'a, Event>,
    shutdown: Shutdown,
}

impl LogManager for Log<'_> {
    fn log(&mut self, _: LogEvent<'_>) {
        match self.events.next() {
            None | Some(Event::Takes) => {}
            Some(Event::Panics) => panic_here(),
            Some(Event::ShutsDown) => self.shutdown.request(),
        }
    }
}

/// Asserts that no thread is left.
///
/// The threads were joined. The operating system may take another moment to remove them from its
/// list.
fn assert_no_thread() {
    #[cfg(target_os = "linux")]
    {
        use std::time::{Duration, Instant};

        let named = |name: String| name.starts_with("sv2-");
        let any = || {
            let tasks = std::fs::read_dir("/proc/self/task").unwrap();
            let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
            names.into_iter().any(named)
        };
        let end = Instant::now() + Duration::from_secs(300);
        while any() {
            assert!(Instant::now() < end, "a thread of the pipeline has outlived its run");
            std::thread::yield_now();
        }
    }
}
