//! What the pipeline costs above the bare AEAD and the bare CRC over the same bytes, and what a second core brings.
//!
//! `cargo bench -p stream-v2-pipeline --bench overhead` prints user CPU seconds for 1 GiB (medians of interleaved rounds), their
//! ratio, and wall-clock seconds on one and two cores with as many workers. The input is a file in the page cache, the output /dev/null.

mod support;

use std::hint::black_box;
use std::path::Path;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use stream_v2_format::wire::crc32c;
use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Lanes, Managers, WriterSink};
use support::{Cost, GIB, Input, column, measure_on};

const ROUNDS: usize = 5;
const SEGMENT: usize = 1 << 20;
const FRAME: usize = 1 << 16;

fn main() -> std::io::Result<()> {
    let key = ContentKey::new([7; 32]);
    let folder = tempfile::tempdir()?;
    let input = Input::create(folder.path(), GIB)?;
    let stream = folder.path().join("stream");
    encrypt_to(&key, 2, &input, &stream)?;
    let buffer = input.first(SEGMENT)?;

    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push([
            measure_on(1, || bare_aead(&buffer)),
            measure_on(1, || bare_crc(&buffer)),
            measure_on(1, || encrypt(&key, 1, &input)),
            measure_on(2, || encrypt(&key, 2, &input)),
            measure_on(1, || decrypt(&key, 1, &stream)),
            measure_on(2, || decrypt(&key, 2, &stream)),
        ]);
    }
    print(&rounds);
    Ok(())
}

fn print(rounds: &[[Cost; 6]]) {
    let user: Vec<f64> = (0..6).map(|case| column(rounds, case, |cost| cost.user)).collect();
    let wall: Vec<f64> = (0..6).map(|case| column(rounds, case, |cost| cost.wall)).collect();
    let bare = user[0] + user[1];
    println!("1 GiB, medians of {} rounds, seconds", rounds.len());
    println!("bare AEAD, user                 {:.3}", user[0]);
    println!("bare CRC, user                  {:.3}", user[1]);
    println!("encrypt, 1 core, user           {:.3}   {:.3} times bare AEAD + CRC", user[2], user[2] / bare);
    println!("encrypt, 2 cores, user          {:.3}   {:.3} times bare AEAD + CRC", user[3], user[3] / bare);
    println!("decrypt, 1 core, user           {:.3}   {:.3} times bare AEAD + CRC", user[4], user[4] / bare);
    println!(
        "encrypt, 1 and 2 cores, wall    {:.3} {:.3}   {:.2} times as fast",
        wall[2],
        wall[3],
        wall[2] / wall[3]
    );
    println!(
        "decrypt, 1 and 2 cores, wall    {:.3} {:.3}   {:.2} times as fast",
        wall[4],
        wall[5],
        wall[4] / wall[5]
    );
}

/// XChaCha20-Poly1305 in frames of 64 KiB with 64 bytes of associated data, from one buffer into another.
fn bare_aead(plaintext: &[u8]) {
    let cipher = XChaCha20Poly1305::new(&[7; 32].into());
    let mut sealed = vec![0; plaintext.len()];
    for segment in 0..GIB / SEGMENT as u64 {
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&segment.to_le_bytes());
        for (frame, out) in plaintext.chunks(FRAME).zip(sealed.chunks_mut(FRAME)) {
            nonce[8] = nonce[8].wrapping_add(1);
            if let Ok(buffers) = InOutBuf::new(frame, out) {
                black_box(cipher.encrypt_inout_detached(&nonce.into(), &[0; 64], buffers).is_ok());
            }
        }
    }
    black_box(sealed);
}

fn bare_crc(bytes: &[u8]) {
    for _ in 0..GIB / SEGMENT as u64 {
        black_box(crc32c(black_box(bytes)));
    }
}

fn encrypt(key: &ContentKey, jobs: usize, input: &Input) {
    report(encrypt_to(key, jobs, input, Path::new("/dev/null")));
}

fn encrypt_to(key: &ContentKey, jobs: usize, input: &Input, output: &Path) -> std::io::Result<()> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.lanes = Lanes::with_jobs(jobs);
    let mut sink = WriterSink::new(std::fs::File::create(output)?);
    pipeline.run(input.open()?, &mut sink, Managers::none()).map(|_| ()).map_err(std::io::Error::other)
}

fn decrypt(key: &ContentKey, jobs: usize, stream: &Path) {
    let mut pipeline = DecryptPipeline::new(key);
    pipeline.lanes = Lanes::with_jobs(jobs);
    let run = std::fs::File::open(stream).and_then(|source| {
        let mut sink = WriterSink::new(std::fs::File::create("/dev/null")?);
        pipeline.run(source, &mut sink, Managers::none()).map(|_| ()).map_err(std::io::Error::other)
    });
    report(run);
}

fn report(run: std::io::Result<()>) {
    if let Err(error) = run {
        eprintln!("this round failed: {error}");
    }
}
