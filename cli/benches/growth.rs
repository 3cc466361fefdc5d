//! What grows with the length of a stream, and what does not.
//!
//! `cargo bench -p sv2 --bench growth` prints, with default settings:
//! - seconds for each GiB, and the largest resident set of the processes so far, of `sv2 encrypt | sv2 decrypt` for 1, 8 and 100 GiB of zeros: both columns
//!   should stay as they are, and the second below 64 MiB;
//! - what reading 1 MiB from the middle of a stream takes, for 1 GiB and for 16 GiB, for which 17 GiB of disk must be free;
//! - what `sv2 inspect` takes for a stream of 100 GiB, of which nothing is there but the headers, the rest being holes.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use stream_v2::format::wire::{SegmentHeader, SegmentHeaderView};
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

/// Milliseconds, the median of some rounds.
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

/// Encrypts and decrypts `len` zeros in two processes, and counts what comes out.
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

/// A stream as far as it is seen without a key: the headers of one of three segments, the second of them as often as `len` bytes take. Returns how many
/// segments it has.
fn hollow_stream(key: &Path, path: &Path, len: u64) -> Result<u32> {
    let mut encrypt = sv2("encrypt", key).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut plaintext = encrypt.stdin.take().ok_or("no pipe")?;
    let feeder = std::thread::spawn(move || plaintext.write_all(&vec![0; 2 << 20]));
    let stream = encrypt.wait_with_output()?.stdout;
    feeder.join().map_err(|_| "the feeder panicked")??;
    let (first, at) = header_at(&stream, 128, 0)?;
    let (full, at) = header_at(&stream, at, 1)?;
    let (last, _) = header_at(&stream, at, 2)?;

    let file = File::create(path)?;
    file.write_all_at(&stream[..128], 0)?;
    let mut end = 128;
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

/// The header of the segment that begins at `at`, and where the next one begins.
fn header_at(stream: &[u8], at: u64, before: u64) -> Result<(SegmentHeader, u64)> {
    let bytes = stream.get(usize::try_from(at)?..).ok_or("too short")?;
    let (view, _) = SegmentHeaderView::parse(bytes, Offset(at), before)?.complete().ok_or("too short")?;
    Ok((view.header(), at + view.header().segment_len()))
}

/// The largest resident set of all processes that were waited for, in KiB.
fn peak_kib() -> nix::Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}
