//! The cost of making an output durable, by how often it is done.
//!
//! `cargo bench -p stream-v2-bench --bench durability` encrypts 1 GiB from the page cache into a
//! file with its journal. It prints wall-clock seconds (medians of interleaved rounds) and their
//! ratio to a file without a journal that is synced once, at its end. It then does the same for a
//! file of 1 KiB, in which the journal itself is the cost.

mod support;

use std::path::Path;
use std::time::Duration;

use stream_v2_pipeline::{
    ContentKey, Durability, EncryptPipeline, FileSink, Managers, OutputFile, SourceStamp,
};
use support::{Cost, GIB, Input, measure, medians};

const ROUNDS: usize = 9;
const MIB: u64 = 1 << 20;
/// Bytes between two durability points. The first value means only one point, at the end.
const EVERY: [u64; 6] = [u64::MAX, 128 * MIB, 64 * MIB, 16 * MIB, 4 * MIB, MIB];

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = Input::create(folder.path(), GIB)?;
    println!("durable every   1 GiB, wall seconds   ratio");
    print(&rounds(ROUNDS, || EVERY.map(|every| encrypt(every, folder.path(), || input.open()))));
    let small = input.first(1024)?;
    println!("                1 KiB, wall seconds   ratio");
    print(&rounds(10 * ROUNDS, || EVERY.map(|every| encrypt(every, folder.path(), || Ok(&small[..])))));
    Ok(())
}

fn rounds<const N: usize>(rounds: usize, round: impl Fn() -> [Cost; N]) -> Vec<[Cost; N]> {
    (0..rounds).map(|_| round()).collect()
}

fn print<const N: usize>(rounds: &[[Cost; N]]) {
    let walls = medians(rounds).map(|cost| cost.wall);
    for (every, wall) in EVERY.iter().zip(walls) {
        let name =
            if *every == u64::MAX { "the end, no journal".into() } else { format!("{} MiB", every / MIB) };
        println!("{name:20} {wall:>16.4} {:>7.2}", wall / walls[0]);
    }
}

fn encrypt<R: std::io::Read + Send>(
    every: u64,
    folder: &Path,
    source: impl Fn() -> std::io::Result<R>,
) -> Cost {
    let key = ContentKey::new([7; 32]);
    let mut pipeline = EncryptPipeline::new(&key);
    pipeline.durability = Durability { bytes: every, segments: u64::MAX, time: Duration::MAX };
    let output = OutputFile::new(folder.join("out")).overwriting(true);
    measure(|| {
        let ended = source().and_then(|source| {
            let mut sink = FileSink::create(&output)?;
            let ended = match every {
                u64::MAX => pipeline.run(source, &mut sink, Managers::none()),
                _ => pipeline.run_to_file(source, SourceStamp::default(), sink, None),
            };
            ended.map(|_| ()).map_err(std::io::Error::other)
        });
        if let Err(error) = ended {
            println!("failed: {error}");
        }
    })
}
