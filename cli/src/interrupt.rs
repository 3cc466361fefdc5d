//! Ctrl-C and SIGTERM: the first asks the run to stop, the second stops the process.

use stream_v2_pipeline::Shutdown;

use crate::report::{EXIT_INTERRUPTED, Failure};

/// Raises `shutdown` at the first signal, and ends the process at the second.
pub(crate) fn watch(shutdown: &Shutdown) -> Result<(), Failure> {
    let shutdown = shutdown.clone();
    ctrlc::set_handler(move || {
        if shutdown.requested() {
            std::process::exit(EXIT_INTERRUPTED.into());
        }
        shutdown.request();
    })
    .map_err(unwatched)
}

/// Ends the process at the first signal: for commands that write nothing that could be left half done.
pub(crate) fn end_at_once() -> Result<(), Failure> {
    ctrlc::set_handler(|| std::process::exit(EXIT_INTERRUPTED.into())).map_err(unwatched)
}

fn unwatched(error: ctrlc::Error) -> Failure {
    Failure::io(format!("signals cannot be watched: {error}"))
}
