//! The cost of the pipeline above the bare AEAD, the CRC and reading the file once, and the gain
//! from a second core.
//!
//! `cargo bench -p stream-v2-bench --bench overhead` prints CPU seconds for 1 GiB of each suite
//! (medians of interleaved rounds) and their ratios. It also prints wall-clock seconds on one and
//! two cores with as many workers. The input is a file in the page cache, the output /dev/null.
//! With `--no-default-features` everything is the portable backend.

mod support;

use std::hint::black_box;
use std::io::{Error, Read, Result};
use std::path::Path;

use stream_v2_bench::bare;
use stream_v2_format::crypto::AEAD_BACKEND;
use stream_v2_format::wire::{Suite, crc32c};
use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Managers, Parallelism, WriterSink};
use support::{Cost, GIB, Input, measure_on, medians};

const ROUNDS: usize = 9;

fn main() -> Result<()> {
    let key = ContentKey::new([7; 32]);
    let folder = tempfile::tempdir()?;
    let input = Input::create(folder.path(), GIB)?;
    let stream = folder.path().join("stream");
    let buffer = input.first(1 << 20)?;
    println!("{AEAD_BACKEND}; 1 GiB, medians of {ROUNDS} rounds, seconds");
    for suite in [Suite::XChaCha20Poly1305, Suite::Aes256Gcm] {
        encrypt(&key, suite, 2, &input, &stream)?;
        let null = Path::new("/dev/null");
        let rounds: Vec<[Cost; 8]> = (0..ROUNDS)
            .map(|_| {
                [
                    measure_on(1, || bare_aead(suite, 1)),
                    measure_on(2, || bare_aead(suite, 2)),
                    measure_on(1, || bare_crc(&buffer)),
                    measure_on(1, || report(read_all(&input))),
                    measure_on(1, || report(encrypt(&key, suite, 1, &input, null))),
                    measure_on(2, || report(encrypt(&key, suite, 2, &input, null))),
                    measure_on(1, || report(decrypt(&key, 1, &stream))),
                    measure_on(2, || report(decrypt(&key, 2, &stream))),
                ]
            })
            .collect();
        print(suite, &rounds);
    }
    Ok(())
}

fn print(suite: Suite, rounds: &[[Cost; 8]]) {
    let [aead, aead_on_two, crc, reading, encrypt, encrypt_on_two, decrypt, decrypt_on_two] = medians(rounds);
    println!(
        "{}: bare AEAD {:.3} on 1 core, {:.3} on 2, bare CRC {:.3}, reading {:.3}",
        suite.name(),
        aead.user,
        aead_on_two.user,
        crc.user,
        reading.cpu
    );
    println!("                    user | of AEAD | of AEAD + CRC |   CPU | of AEAD + reading |  wall");
    let cases = [
        ("encrypt, 1 core", encrypt, aead),
        ("encrypt, 2 cores", encrypt_on_two, aead_on_two),
        ("decrypt, 1 core", decrypt, aead),
        ("decrypt, 2 cores", decrypt_on_two, aead_on_two),
    ];
    for (name, Cost { user, cpu, wall }, aead) in cases {
        let (of_aead, of_both) = (user / aead.user, user / (aead.user + crc.user));
        let of_all = cpu / (aead.user + reading.cpu);
        println!(
            "{name:<18} {user:>5.3} | {of_aead:>7.3} | {of_both:>13.3} | {cpu:>5.3} | {of_all:>17.3} | {wall:>5.3}"
        );
    }
    let faster = encrypt.wall / encrypt_on_two.wall;
    let faster_decrypt = decrypt.wall / decrypt_on_two.wall;
    println!("two cores are {faster:.2} times as fast as one, decrypting {faster_decrypt:.2}");
}

fn bare_aead(suite: Suite, threads: usize) {
    assert!(bare::seal(suite, GIB, threads), "the AEAD takes everything");
}

fn bare_crc(bytes: &[u8]) {
    for _ in 0..GIB / bytes.len() as u64 {
        black_box(crc32c(black_box(bytes)));
    }
}

/// Reads as `cat` does.
fn read_all(input: &Input) -> Result<()> {
    let (mut file, mut buffer) = (input.open()?, vec![0; 1 << 17]);
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn encrypt(key: &ContentKey, suite: Suite, jobs: usize, input: &Input, output: &Path) -> Result<()> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.parallelism = Parallelism::with_workers(jobs);
    pipeline.params.suite = suite;
    let source = input.open()?;
    pipeline.set_source_file(Some(source.try_clone()?));
    let mut sink = WriterSink::new(std::fs::File::create(output)?);
    pipeline.run(source, &mut sink, Managers::none()).map(|_| ()).map_err(Error::other)
}

fn decrypt(key: &ContentKey, jobs: usize, stream: &Path) -> Result<()> {
    let mut pipeline = DecryptPipeline::new(key);
    pipeline.parallelism = Parallelism::with_workers(jobs);
    let source = std::fs::File::open(stream)?;
    pipeline.set_source_file(Some(source.try_clone()?));
    let mut sink = WriterSink::new(std::fs::File::create("/dev/null")?);
    pipeline.run(source, &mut sink, Managers::none()).map(|_| ()).map_err(Error::other)
}

fn report(run: Result<()>) {
    if let Err(error) = run {
        eprintln!("this round failed: {error}");
    }
}
