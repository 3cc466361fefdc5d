//! The command, killed while it is at work.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// No test waits longer for a process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that a process does.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::yield_now();
    }
}

/// Starts a command, and kills it when `len` has grown by so many bytes; whether that came before its end. `ended` looks at a command that was faster.
pub(crate) fn killed(
    mut command: Command,
    len: impl Fn() -> u64,
    growth: u64,
    ended: impl FnOnce(ExitStatus, &mut Child),
) -> bool {
    let begin = len();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            ended(status, &mut child);
            return false;
        }
        if len() >= begin + growth {
            child.kill().unwrap();
            return !child.wait().unwrap().success();
        }
        assert!(Instant::now() < end, "waited in vain");
        thread::yield_now();
    }
}

/// Growths below 2 MiB, the same in every run of a test.
pub(crate) fn growths() -> impl FnMut() -> u64 {
    let mut seed = 1_u64;
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % (2 << 20)
    }
}
