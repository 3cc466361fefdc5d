//! Peak memory of `sv2 encrypt` and `sv2 decrypt` with default settings, for 1 GiB and for 8 GiB.
//!
//! `cargo bench -p stream-v2 --bench memory` feeds zeros through pipes and prints the largest resident set of the processes, as the
//! operating system counts it. The second pair of figures must not be larger than the first, and all below 96 MiB.

use std::error::Error;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};

const SV2: &str = env!("CARGO_BIN_EXE_sv2");
const GIB: u64 = 1 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("key");
    if !Command::new(SV2).args(["keygen", "-o"]).arg(&key).status()?.success() {
        return Err("sv2 keygen failed".into());
    }
    for gib in [1, 8] {
        round_trip(&key, gib * GIB)?;
        println!("{gib} GiB encrypted and decrypted: largest resident set so far {} KiB", peak_kib()?);
    }
    Ok(())
}

/// Encrypts and decrypts `len` zeros in two processes, and counts what comes out.
fn round_trip(key: &Path, len: u64) -> Result<(), Box<dyn Error>> {
    let sv2 = |command: &str| {
        let mut sv2 = Command::new(SV2);
        sv2.arg(command).arg("-k").arg(key).stdin(Stdio::piped()).stdout(Stdio::piped());
        sv2
    };
    let mut encrypt = sv2("encrypt").spawn()?;
    let mut plaintext = encrypt.stdin.take().ok_or("no pipe")?;
    let feeder = std::thread::spawn(move || io::copy(&mut io::repeat(0).take(len), &mut plaintext));
    let stream = encrypt.stdout.take().ok_or("no pipe")?;
    let mut decrypt = sv2("decrypt").stdin(stream).spawn()?;
    let released = io::copy(&mut decrypt.stdout.take().ok_or("no pipe")?, &mut io::sink())?;
    feeder.join().map_err(|_| "the feeder panicked")??;
    if !(encrypt.wait()?.success() && decrypt.wait()?.success() && released == len) {
        return Err(format!("{released} of {len} bytes came back").into());
    }
    Ok(())
}

/// The largest resident set of all processes that were waited for, in KiB.
fn peak_kib() -> nix::Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}
