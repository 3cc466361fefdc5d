//! Measures what grows with the length of a stream, and what does not.
//!
//! `cargo bench -p sv2 --bench growth` prints, with default settings:
//! - the seconds for each GiB of `sv2 encrypt | sv2 decrypt`, and the largest resident set of the
//!   processes so far, for 1, 8 and 100 GiB of zeros. Both columns should stay the same, and the
//!   second below 64 MiB;
//! - the time to read 1 MiB from the middle of a stream of 1 GiB and of 16 GiB. It needs 17 GiB of
//!   free disk space;
//! - the time of `sv2 inspect` for a stream of 100 GiB that consists of headers and holes only.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use stream_v2::format::wire::{HeaderV1View, SegmentHeader, SegmentHeaderView};
use stream_v2::format::{Offset, SegmentIndex};

const SV2: &str = env!("CARGO_BIN_EXE_sv2");
const GIB: u64 = 1 << 30;
const ROUNDS: usize = 5;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("key");
    succeed(Command::new(SV2).args(["keygen", "-o"]).arg(&key))?;
    for gib in [1, 8, 100] {
        let begin = Instant::now();
        round_trip(&key, gib * GIB)?;
        let each = begin.elapsed().as_secs_f64() / f64::from(u32::try_from(gib)?);
        println!(
            "{gib} GiB encrypted and decrypted: {each:.3} s each, largest resident set {} KiB",
            peak_kib()?
        );
    }
    for gib in [1, 16] {
        let stream = folder.path().join("stream");
        let mut encrypt = sv2("encrypt", &key).arg("-o").arg(&stream).stdin(Stdio::piped()).spawn()?;
        let mut plaintext = encrypt.stdin.take().ok_or("no pipe")?;
        io::copy(&mut io::repeat(0).take(gib * GIB), &mut plaintext)?;
        drop(plaintext);
        encrypt.wait()?;
        let range = format!("{}M..{}M", gib * 512, gib * 512 + 1);
        let millis =
            median(|| succeed(sv2("cat", &key).args(["--range", &range, "-o", "/dev/null"]).arg(&stream)))?;
        println!("1 MiB from the middle of {gib} GiB: {millis:.2} ms");
        std::fs::remove_file(&stream)?;
    }
    let hollow = folder.path().join("hollow");
    let segments = hollow_stream(&key, &hollow, 100 * GIB)?;
    let millis = median(|| succeed(Command::new(SV2).arg("inspect").arg(&hollow).stdout(Stdio::null())))?;
    println!(
        "inspect of 100 GiB in {segments} segments: {millis:.0} ms; largest resident set {} KiB",
        peak_kib()?
    );
    Ok(())
}

fn sv2(command: &str, key: &Path) -> Command {
    let mut sv2 = Command::new(SV2);
    sv2.args([command, "--quiet", "-k"]).arg(key);
    sv2
}

fn succeed(command: &mut Command) -> Result<()> {
    if command.status()?.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}

/// The median of several rounds, in milliseconds.
fn median(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut millis = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        work()?;
        millis.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    millis.sort_by(f64::total_cmp);
    Ok(millis[ROUNDS / 2])
}

/// Encrypts and decrypts `len` zeros in two processes, and counts the resulting bytes.
fn round_trip(key: &Path, len: u64) -> Result<()> {
    let mut encrypt = sv2("encrypt", key).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut plaintext = encrypt.stdin.take().ok_or("no pipe")?;
    let feeder = std::thread::spawn(move || io::copy(&mut io::repeat(0).take(len), &mut plaintext));
    let stream = encrypt.stdout.take().ok_or("no pipe")?;
    let mut decrypt = sv2("decrypt", key).stdin(stream).stdout(Stdio::piped()).spawn()?;
    let released = io::copy(&mut decrypt.stdout.take().ok_or("no pipe")?, &mut io::sink())?;
    feeder.join().map_err(|_| "the feeder panicked")??;
    if !(encrypt.wait()?.success() && decrypt.wait()?.success() && released == len) {
        return Err(format!("{released} of {len} bytes came back").into());
    }
    Ok(())
}

/// Creates the parts of a stream that are visible without a key, and returns its number of
/// segments.
///
/// The stream has the headers of three segments, the second one as often as `len` bytes require.
fn hollow_stream(key: &Path, path: &Path, len: u64) -> Result<u32> {
    let mut encrypt = sv2("encrypt", key).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut plaintext = encrypt.stdin.take().ok_or("no pipe")?;
    let feeder = std::thread::spawn(move || plaintext.write_all(&vec![0; 2 << 20]));
    let stream = encrypt.wait_with_output()?.stdout;
    feeder.join().map_err(|_| "the feeder panicked")??;
    let (header, _) = HeaderV1View::parse(&stream)?.complete().ok_or("too short")?;
    let body = header.header().body_offset().0;
    let (first, at) = header_at(&stream, body, 0)?;
    let (full, at) = header_at(&stream, at, 1)?;
    let (last, _) = header_at(&stream, at, 2)?;

    let file = File::create(path)?;
    file.write_all_at(&stream[..usize::try_from(body)?], 0)?;
    let mut end = body;
    let mut put = |header: SegmentHeader, index: u32| {
        file.write_all_at(&SegmentHeader { index: SegmentIndex(index), ..header }.to_bytes(), end)?;
        end += header.segment_len();
        file.set_len(end).map(|()| end)
    };
    let mut end = put(first, 0)?;
    let mut index = 1;
    while end < len {
        end = put(full, index)?;
        index += 1;
    }
    put(last, index)?;
    Ok(index + 1)
}

/// The header of the segment that begins at `at`, and the offset of the next one.
fn header_at(stream: &[u8], at: u64, before: u64) -> Result<(SegmentHeader, u64)> {
    let bytes = stream.get(usize::try_from(at)?..).ok_or("too short")?;
    let (view, _) = SegmentHeaderView::parse(bytes, Offset(at), before)?.complete().ok_or("too short")?;
    Ok((view.header(), at + view.header().segment_len()))
}

/// The largest resident set of all processes that were waited for, in KiB.
fn peak_kib() -> nix::Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}
