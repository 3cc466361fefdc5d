//! The engine on tasks against the one on threads, the cost of telemetry, and the time of a
//! shutdown, as ratios within one run.
//!
//! `cargo bench -p stream-v2-bench --bench engines` encrypts and decrypts 1 GiB in interleaved
//! rounds on two cores with two workers, and prints medians of wall-clock seconds. It then does the
//! same with 64 MiB in 4 KiB segments, in which the work for each segment weighs most. The input is
//! a file in the page cache, the output /dev/null.
//!
//! Telemetry is measured with one worker and a source in memory, as CPU time. The least of many
//! rounds counts, because other work of the machine only adds to it. The cost of telemetry is the
//! same for each segment, and it can be told apart from noise in small ones.

mod support;

use std::fs::File;
use std::io::{Error, Result};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use stream_v2_pipeline::tokio::{AsyncManagers, Offloaded, ReadAhead};
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, LogEvent, LogManager, Managers, Parallelism, Shutdown,
    Telemetry, WriterSink,
};
use support::{Cost, GIB, Input, measure_on, medians};

const ROUNDS: usize = 7;
const TELEMETRY_ROUNDS: usize = 41;

fn main() -> Result<()> {
    let key = ContentKey::new([7; 32]);
    let folder = tempfile::tempdir()?;
    let mut costs = Vec::new();
    for (len, segment_size) in [(GIB, 1 << 20), (GIB / 16, 4096)] {
        let input = Input::create(folder.path(), len)?;
        let stream = folder.path().join("stream");
        encrypt(&key, segment_size, &input, &stream)?;
        let null = Path::new("/dev/null");
        let rounds: Vec<[Cost; 4]> = (0..ROUNDS)
            .map(|_| {
                [
                    measure_on(2, || report(encrypt(&key, segment_size, &input, null))),
                    measure_on(2, || report(encrypt_on_tasks(&key, segment_size, &input))),
                    measure_on(2, || report(decrypt(&key, &stream))),
                    measure_on(2, || report(decrypt_on_tasks(&key, &stream))),
                ]
            })
            .collect();
        let [encrypt, on_tasks, decrypt, decrypt_on_tasks] = medians(&rounds).map(|cost| cost.wall);
        println!("{len} bytes, segments of {segment_size}: medians of {ROUNDS} rounds, seconds");
        let faster = encrypt / on_tasks;
        println!("encrypt: threads {encrypt:.3}, tasks {on_tasks:.3}, {faster:.3} times as fast");
        let faster = decrypt / decrypt_on_tasks;
        println!("decrypt: threads {decrypt:.3}, tasks {decrypt_on_tasks:.3}, {faster:.3} times as fast");
        costs.push(telemetry(&key, segment_size));
    }
    if let [[large, ..], [off, on, events]] = costs[..] {
        let share = |with: f64| (with - off) / large * 100.0;
        println!("telemetry: {:.3} % of a large segment, {:.3} % with events", share(on), share(events));
    }
    shutdown(&key, &Input::create(folder.path(), GIB)?)
}

/// Returns the CPU time of the process, as the scheduler has counted it.
fn cpu_seconds() -> f64 {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(0.0, |time| Duration::from(time).as_secs_f64())
}

/// Returns the seconds that a segment takes without telemetry, with it, and with unread events.
fn telemetry(key: &ContentKey, segment_size: u32) -> [f64; 3] {
    let input = vec![5; 1 << 25];
    let run = |telemetry| {
        let mut pipeline = encrypting(key, segment_size, Parallelism::with_workers(1));
        pipeline.telemetry = telemetry;
        let mut sink = WriterSink::new(std::io::sink());
        let begin = cpu_seconds();
        report(pipeline.run(&input[..], &mut sink, Managers::none()).map(drop).map_err(Error::other));
        cpu_seconds() - begin
    };
    let segments = input.len() as f64 / f64::from(segment_size);
    let mut least = [f64::MAX; 3];
    for _ in 0..TELEMETRY_ROUNDS {
        let round = [Telemetry::off(), Telemetry::new(), Telemetry::with_events(16).0].map(run);
        least = std::array::from_fn(|case| least[case].min(round[case] / segments));
    }
    let [off, on, events] = least.map(|seconds| seconds * 1e6);
    println!(
        "telemetry: a segment takes {off:.2} us without it, {on:.2} us with it, {events:.2} us with events"
    );
    least
}

fn encrypting(key: &ContentKey, segment_size: u32, parallelism: Parallelism) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params.segment_size = segment_size;
    if segment_size == 4096 {
        pipeline.params.frame_size_log2 = 12;
    }
    pipeline.parallelism = parallelism;
    pipeline
}

fn encrypt(key: &ContentKey, segment_size: u32, input: &Input, output: &Path) -> Result<()> {
    let pipeline = encrypting(key, segment_size, Parallelism::with_workers(2));
    let mut sink = WriterSink::new(File::create(output)?);
    pipeline.run(input.open()?, &mut sink, Managers::none()).map(drop).map_err(Error::other)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()
}

fn encrypt_on_tasks(key: &ContentKey, segment_size: u32, input: &Input) -> Result<()> {
    let pipeline = encrypting(key, segment_size, Parallelism::on_tasks(2));
    let mut sink = Offloaded::new(WriterSink::new(File::create("/dev/null")?));
    let source = ReadAhead::new(input.open()?);
    let run = pipeline.run_async(source, &mut sink, AsyncManagers::none());
    runtime()?.block_on(run).map(drop).map_err(Error::other)
}

fn decrypting(key: &ContentKey, parallelism: Parallelism) -> DecryptPipeline<'_> {
    let mut pipeline = DecryptPipeline::new(key);
    pipeline.parallelism = parallelism;
    pipeline
}

fn decrypt(key: &ContentKey, stream: &Path) -> Result<()> {
    let mut sink = WriterSink::new(File::create("/dev/null")?);
    let run =
        decrypting(key, Parallelism::with_workers(2)).run(File::open(stream)?, &mut sink, Managers::none());
    run.map(drop).map_err(Error::other)
}

fn decrypt_on_tasks(key: &ContentKey, stream: &Path) -> Result<()> {
    let mut sink = Offloaded::new(WriterSink::new(File::create("/dev/null")?));
    let source = ReadAhead::new(File::open(stream)?);
    let pipeline = decrypting(key, Parallelism::on_tasks(2));
    let run = pipeline.run_async(source, &mut sink, AsyncManagers::none());
    runtime()?.block_on(run).map(drop).map_err(Error::other)
}

/// Requests a shutdown at a segment, and records the time of the request.
struct StopAt(Shutdown, u32, Option<Instant>);

impl LogManager for StopAt {
    fn log(&mut self, event: LogEvent<'_>) {
        if matches!(event, LogEvent::Committed(commit) if commit.index.0 == self.1) {
            self.2 = Some(Instant::now());
            self.0.request();
        }
    }
}

/// Measures the time from the request to the end of the run, and a worker's time for a segment.
fn shutdown(key: &ContentKey, input: &Input) -> Result<()> {
    let mut ratios = Vec::new();
    for segment in 0..21 {
        let pipeline = encrypting(key, 8 << 20, Parallelism::with_workers(2));
        let mut stop = StopAt(pipeline.shutdown.clone(), 3 + segment, None);
        let managers = Managers { log: Some(&mut stop), crash: None };
        let mut sink = WriterSink::new(std::io::sink());
        let run = pipeline.run(input.open()?, &mut sink, managers);
        let (Some(asked), Err(_)) = (stop.2, run) else { continue };
        let took = asked.elapsed().as_secs_f64();
        let counted = pipeline.telemetry.snapshot();
        let sealed = counted.segments_read.min(counted.segments_written + 2) as f64;
        ratios.push(took / (counted.working.as_secs_f64() / sealed));
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "shutdown: median {:.2}, most {:.2} times the time of sealing one segment, of {}",
        ratios[ratios.len() / 2],
        ratios.last().unwrap_or(&0.0),
        ratios.len()
    );
    Ok(())
}

fn report(run: Result<()>) {
    if let Err(error) = run {
        eprintln!("this round failed: {error}");
    }
}
