//! Encrypts a file, or resumes: `encrypt_file KEYFILE SOURCE TARGET`. Interrupt it, and run it
//! again.

use std::env::args_os;
use std::error::Error;
use std::path::Path;

use stream_v2::file::Report;
use stream_v2::{Options, encrypt_file, key};

pub(crate) fn run(key_file: &Path, source: &Path, target: &Path) -> Result<Report, Box<dyn Error>> {
    let key = key::read(key_file)?;
    let options = Options::new(&key).on_progress(|progress| eprintln!("{} bytes", progress.done()));
    let report = encrypt_file(&options, source, target)?;
    eprintln!("{}: {}", target.display(), report.outcome());
    Ok(report)
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = args_os().skip(1).collect();
    let [key_file, source, target] = &paths[..] else { return Err("KEYFILE SOURCE TARGET".into()) };
    run(key_file.as_ref(), source.as_ref(), target.as_ref()).map(drop)
}
