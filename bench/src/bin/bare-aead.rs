//! The AEAD alone, in memory or from file to file, on as many cores as the process has.
//!
//! Usage: `bare-aead SUITE BYTES` and `bare-aead SUITE SOURCE TARGET`. `.ci/bench` measures it like
//! any other program.

use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::thread;

use stream_v2_bench::{bare, files};
use stream_v2_format::wire::Suite;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let sealed = match args[..] {
        [name, len] => {
            suite(name).zip(len.parse().ok()).map(|(suite, len)| Ok(bare::seal(suite, len, cores())))
        }
        [name, source, target] => suite(name).map(|suite| seal_file(suite, source, target)),
        _ => None,
    };
    match sealed {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => {
            eprintln!("bare-aead: {error}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("usage: bare-aead xchacha20-poly1305|aes-256-gcm BYTES|SOURCE TARGET");
            ExitCode::from(2)
        }
    }
}

fn suite(name: &str) -> Option<Suite> {
    [Suite::XChaCha20Poly1305, Suite::Aes256Gcm].into_iter().find(|known| known.name() == name)
}

fn seal_file(suite: Suite, source: &str, target: &str) -> io::Result<bool> {
    files::seal(suite, &File::open(source)?, &File::create(target)?, cores())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}
