//! The effect of segment size, frame size and window on the cost of encrypting 512 MiB. The
//! defaults were chosen by it.
//!
//! `cargo bench -p stream-v2-bench --bench sizes` prints user CPU and wall-clock seconds. They are
//! medians of interleaved rounds with two workers, from a file in the page cache to /dev/null.

mod support;

use stream_v2_pipeline::{ContentKey, EncryptPipeline, Managers, Parallelism, WriterSink};
use support::{Cost, GIB, Input, measure, medians};

const ROUNDS: usize = 5;
const JOBS: usize = 2;
/// Segment size and frame size as powers of two, and window.
const CASES: [(u8, u8, usize); 14] = [
    (16, 12, 6),
    (16, 16, 6),
    (18, 16, 6),
    (20, 12, 6),
    (20, 14, 6),
    (20, 16, 3),
    (20, 16, 4),
    (20, 16, 6),
    (20, 16, 10),
    (20, 18, 6),
    (20, 20, 6),
    (22, 16, 6),
    (22, 18, 6),
    (24, 16, 6),
];

fn main() -> std::io::Result<()> {
    let key = ContentKey::new([7; 32]);
    let folder = tempfile::tempdir()?;
    let input = Input::create(folder.path(), GIB / 2)?;
    let rounds: Vec<[Cost; CASES.len()]> =
        (0..ROUNDS).map(|_| CASES.map(|case| measure(|| encrypt(&key, case, &input)))).collect();
    println!("segment KiB | frame KiB | window | user s | wall s | buffers MiB");
    for ((segment, frame, window), Cost { user, wall, .. }) in CASES.into_iter().zip(medians(&rounds)) {
        let (segment_kib, frame_kib) = (1u64 << (segment - 10), 1u64 << (frame - 10));
        let buffers = 2 * window as u64 * segment_kib / 1024;
        println!(
            "{segment_kib:>11} | {frame_kib:>9} | {window:>6} | {user:>6.3} | {wall:>6.3} | {buffers:>11}"
        );
    }
    Ok(())
}

fn encrypt(key: &ContentKey, (segment, frame, window): (u8, u8, usize), input: &Input) {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params.segment_size = 1 << segment;
    pipeline.params.frame_size_log2 = frame;
    pipeline.parallelism = Parallelism { workers: JOBS, window };
    let run = input.open().and_then(|source| {
        let mut sink = WriterSink::new(std::fs::File::create("/dev/null")?);
        pipeline.run(source, &mut sink, Managers::none()).map(|_| ()).map_err(std::io::Error::other)
    });
    if let Err(error) = run {
        eprintln!("this round failed: {error}");
    }
}
