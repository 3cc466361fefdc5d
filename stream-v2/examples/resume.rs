//! Stops an encryption in the middle, and resumes it: `resume KEYFILE SOURCE TARGET`.

use std::env::args_os;
use std::error::Error;
use std::path::Path;

use stream_v2::error::ErrorKind;
use stream_v2::file::Report;
use stream_v2::{Options, Shutdown, encrypt_file, key};

/// The first run raises its own shutdown after half of the source, as a signal handler would.
pub(crate) fn run(key_file: &Path, source: &Path, target: &Path) -> Result<Report, Box<dyn Error>> {
    let (key, shutdown) = (key::read(key_file)?, Shutdown::new());
    let handle = shutdown.clone();
    let options = Options::new(&key).shutdown(&shutdown).on_progress(move |progress| {
        if progress.total().is_some_and(|total| progress.done() >= total / 2) {
            handle.request();
        }
    });
    match encrypt_file(&options, source, target) {
        Err(error) if error.kind() == ErrorKind::Interrupted => eprintln!("stopped; resuming"),
        result => return Ok(result?),
    }
    // The same call, in another process perhaps. It resumes after the last committed segment.
    let report = encrypt_file(&Options::new(&key), source, target)?;
    eprintln!("{}", report.outcome());
    Ok(report)
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = args_os().skip(1).collect();
    let [key_file, source, target] = &paths[..] else { return Err("KEYFILE SOURCE TARGET".into()) };
    run(key_file.as_ref(), source.as_ref(), target.as_ref()).map(drop)
}
