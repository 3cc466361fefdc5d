//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second ends the process.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use signal_hook::consts::signal::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use stream_v2::pipeline::Shutdown;

use crate::failure::{CmdResult, EXIT_INTERRUPTED, Failure};

const SIGNALS: &[i32] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::signal::SIGHUP,
];

/// The shutdown flag of the run of this process.
static WATCHED: OnceLock<Shutdown> = OnceLock::new();

/// Returns true if the run of this process was asked to stop.
pub(crate) fn requested() -> bool {
    WATCHED.get().is_some_and(Shutdown::requested)
}

/// Handles pending signals now, on this thread.
///
/// It is called at the end of a pipe, whose producer may have died of the same signal. POSIX
/// delivers a pending signal before the call that unblocks it returns.
#[cfg(unix)]
pub(crate) fn see_pending() {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    let mut watched = SigSet::empty();
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().for_each(|signal| watched.add(signal));
    // If that fails, the signals are handled a moment later.
    let _ = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK).and_then(|before| before.thread_set_mask());
}

#[cfg(not(unix))]
pub(crate) fn see_pending() {}

/// Raises `shutdown` at the first signal, and ends the process at the second.
pub(crate) fn watch(shutdown: &Shutdown) -> CmdResult {
    let _ = WATCHED.set(shutdown.clone());
    for signal in watched() {
        // This order matters: the handler that ends the process must see the flag of earlier
        // signals only.
        end_if(signal, shutdown.flag())?;
        register(signal, shutdown.flag()).map_err(unwatched)?;
    }
    Ok(())
}

/// Ends the process at the first signal, for commands that leave nothing half done.
pub(crate) fn end_at_once() -> CmdResult {
    let always = Arc::new(AtomicBool::new(true));
    watched().try_for_each(|signal| end_if(signal, always.clone()))
}

fn end_if(signal: i32, condition: Arc<AtomicBool>) -> CmdResult {
    register_conditional_shutdown(signal, EXIT_INTERRUPTED.into(), condition).map(|_| ()).map_err(unwatched)
}

/// Returns the signals that were not ignored when this process began, if the system reports them.
///
/// `nohup` ignores SIGHUP, and a script ignores SIGINT in its background commands.
fn watched() -> impl Iterator<Item = i32> {
    SIGNALS.iter().copied().filter(|signal| !was_ignored(*signal))
}

/// Returns true if a signal was ignored when this process began, if the system reports that.
pub(crate) fn was_ignored(signal: i32) -> bool {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    IGNORED.get_or_init(|| ignored().unwrap_or(0)) >> (signal - 1) & 1 == 1
}

/// Returns the set of ignored signals, if the system reports it: bit n - 1 is signal n.
fn ignored() -> Option<u64> {
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let status = BufReader::new(File::open("/proc/self/status").ok()?);
    let mut lines = status.lines().map_while(Result::ok);
    let set = lines.find_map(|line| line.strip_prefix("SigIgn:").map(str::to_owned))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

fn unwatched(error: io::Error) -> Failure {
    Failure::io(format!("signals cannot be watched: {error}"))
        .hint("nothing was written; run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwatched_signals_end_the_command() {
        let error = io::Error::from(io::ErrorKind::InvalidInput);
        insta::assert_snapshot!(unwatched(error), @r"
        signals cannot be watched: invalid input parameter
        hint: nothing was written; run the same command again
        ");
    }
}
