//! The engine on tasks against the one on threads, what telemetry costs, and how long a shutdown takes: ratios within one run.
//!
//! `cargo bench -p stream-v2-pipeline --bench engines` encrypts and decrypts 1 GiB in interleaved rounds on two cores with two workers and prints medians
//! of wall-clock seconds; then the same with 4 KiB segments and 64 MiB, where what is counted for each segment weighs most. The input is a file in the page
//! cache, the output /dev/null.

mod support;

use std::io::{Error, Result};
use std::path::Path;
use std::time::Instant;

use stream_v2_pipeline::tokio::{AsyncManagers, Offloaded, ReadAhead};
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Lanes, LogEvent, LogManager, Managers, Shutdown, Telemetry,
    WriterSink,
};
use support::{Cost, GIB, Input, column, measure_on};

const ROUNDS: usize = 7;
const NAMES: [&str; 5] = ["threads, telemetry off", "threads", "threads, events", "tasks", "decrypt"];

fn main() -> Result<()> {
    let key = ContentKey::new([7; 32]);
    let folder = tempfile::tempdir()?;
    for (len, segment_size) in [(GIB, 1 << 20), (GIB / 16, 4096)] {
        let input = Input::create(folder.path(), len)?;
        let stream = folder.path().join("stream");
        let run = |telemetry, output: &Path| encrypt(&key, segment_size, telemetry, &input, output);
        run(Telemetry::new(), &stream)?;
        let null = Path::new("/dev/null");
        let rounds: Vec<[Cost; 6]> = (0..ROUNDS)
            .map(|_| {
                [
                    measure_on(2, || report(run(Telemetry::off(), null))),
                    measure_on(2, || report(run(Telemetry::new(), null))),
                    measure_on(2, || {
                        let (telemetry, _events) = Telemetry::with_events(16);
                        report(run(telemetry, null));
                    }),
                    measure_on(2, || report(encrypt_on_tasks(&key, segment_size, &input))),
                    measure_on(2, || report(decrypt(&key, &stream))),
                    measure_on(2, || report(decrypt_on_tasks(&key, &stream))),
                ]
            })
            .collect();
        let wall: Vec<f64> = (0..6).map(|case| column(&rounds, case, |cost| cost.wall)).collect();
        let user: Vec<f64> = (0..6).map(|case| column(&rounds, case, |cost| cost.user)).collect();
        println!(
            "{len} bytes, segments of {segment_size}: medians of {ROUNDS} rounds, wall and user seconds"
        );
        for (case, name) in NAMES.iter().enumerate() {
            println!("{name:24} {:.3} {:.3}", wall[case], user[case]);
        }
        println!("decrypt on tasks         {:.3} {:.3}", wall[5], user[5]);
        println!("telemetry, user          {:.4} times without", user[1] / user[0]);
        println!("telemetry, events, user  {:.4} times without", user[2] / user[0]);
        println!("encrypt: tasks are       {:.3} times as fast as threads", wall[1] / wall[3]);
        println!("decrypt: tasks are       {:.3} times as fast as threads", wall[4] / wall[5]);
    }
    shutdown(&key, &Input::create(folder.path(), GIB)?)
}

fn encrypting(key: &ContentKey, segment_size: u32, lanes: Lanes) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params.segment_size = segment_size;
    if segment_size == 4096 {
        pipeline.params.frame_size_log2 = 12;
    }
    pipeline.lanes = lanes;
    pipeline
}

fn encrypt(
    key: &ContentKey,
    segment_size: u32,
    telemetry: Telemetry,
    input: &Input,
    output: &Path,
) -> Result<()> {
    let mut pipeline = encrypting(key, segment_size, Lanes::with_jobs(2));
    pipeline.telemetry = telemetry;
    let mut sink = WriterSink::new(std::fs::File::create(output)?);
    pipeline.run(input.open()?, &mut sink, Managers::none()).map(drop).map_err(Error::other)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()
}

fn encrypt_on_tasks(key: &ContentKey, segment_size: u32, input: &Input) -> Result<()> {
    let pipeline = encrypting(key, segment_size, Lanes::on_tasks(2));
    let mut sink = Offloaded::new(WriterSink::new(std::fs::File::create("/dev/null")?));
    let source = ReadAhead::new(input.open()?);
    let run = pipeline.run_async(source, &mut sink, AsyncManagers::none());
    runtime()?.block_on(run).map(drop).map_err(Error::other)
}

fn decrypting(key: &ContentKey, lanes: Lanes) -> DecryptPipeline<'_> {
    let mut pipeline = DecryptPipeline::new(key);
    pipeline.lanes = lanes;
    pipeline
}

fn decrypt(key: &ContentKey, stream: &Path) -> Result<()> {
    let mut sink = WriterSink::new(std::fs::File::create("/dev/null")?);
    let run =
        decrypting(key, Lanes::with_jobs(2)).run(std::fs::File::open(stream)?, &mut sink, Managers::none());
    run.map(drop).map_err(Error::other)
}

fn decrypt_on_tasks(key: &ContentKey, stream: &Path) -> Result<()> {
    let mut sink = Offloaded::new(WriterSink::new(std::fs::File::create("/dev/null")?));
    let source = ReadAhead::new(std::fs::File::open(stream)?);
    let pipeline = decrypting(key, Lanes::on_tasks(2));
    let run = pipeline.run_async(source, &mut sink, AsyncManagers::none());
    runtime()?.block_on(run).map(drop).map_err(Error::other)
}

/// Asks for a shutdown at a segment, and remembers when.
struct StopAt(Shutdown, u32, Option<Instant>);

impl LogManager for StopAt {
    fn log(&mut self, event: LogEvent<'_>) {
        if matches!(event, LogEvent::Committed(commit) if commit.index.0 == self.1) {
            self.2 = Some(Instant::now());
            self.0.request();
        }
    }
}

/// The time from the request to the end of the run, beside the time that a worker takes for a segment.
fn shutdown(key: &ContentKey, input: &Input) -> Result<()> {
    let mut ratios = Vec::new();
    for segment in 0..21 {
        let pipeline = encrypting(key, 8 << 20, Lanes::with_jobs(2));
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
