//! `bare-aead SUITE BYTES`: the AEAD alone, on as many cores as the process has, for `.ci/bench` to measure like any other.

use std::process::ExitCode;
use std::thread;

use stream_v2_bench::bare;
use stream_v2_format::wire::Suite;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let suites = [Suite::XChaCha20Poly1305, Suite::Aes256Gcm];
    let asked = match &args[..] {
        [suite, len] => suites.into_iter().find(|known| known.name() == suite).zip(len.parse().ok()),
        _ => None,
    };
    match asked {
        Some((suite, len)) if bare::seal(suite, len, cores()) => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => {
            eprintln!("usage: bare-aead xchacha20-poly1305|aes-256-gcm BYTES");
            ExitCode::from(2)
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}
