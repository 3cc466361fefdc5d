//! The command, killed while it runs.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Folder;

/// The longest wait. Only a process that hangs takes that long.
const PATIENCE: Duration = Duration::from_secs(300);

/// SIGXFSZ, with which the operating system kills a process that writes beyond its limit.
const BEYOND_LIMIT: i32 = 25;
/// Makes the first argument the limit of each file, in blocks, and executes the other arguments.
const LIMITED: &str = r#"ulimit -c 0; ulimit -f "$0"; exec "$@""#;
/// Resets the signal. If a process ignored it, the process and its children would get an error
/// instead.
const BEGINNING: &[&str] = if cfg!(target_os = "linux") { &["env", "--default-signal=XFSZ"] } else { &[] };

/// Runs a command that the operating system kills when it writes beyond `blocks` of any file.
///
/// A block has 512 bytes, in some shells 1024. The limit is at the same byte on every machine.
/// Returns whether the command was killed before its end.
pub fn killed_at(folder: &Folder, args: &str, blocks: u64) -> bool {
    let blocks = blocks.to_string();
    let words = [BEGINNING, &["sh", "-c", LIMITED, &blocks]].concat();
    let mut command = folder.sv2_after(&words, args);
    let ended = command.stdout(Stdio::null()).output().unwrap();
    let (status, told) = (ended.status, String::from_utf8_lossy(&ended.stderr));
    let is_killed = status.signal() == Some(BEYOND_LIMIT);
    // The previous run may have been killed after it had published everything.
    let was_complete = status.code() == Some(2) && told.contains("exists already");
    assert!(is_killed || status.success() || was_complete, "{status}: {told}");
    is_killed
}

/// Waits until `done` returns true.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::yield_now();
    }
}

/// Starts a command and kills it when `len` has grown by `growth` bytes.
///
/// Returns whether that came before the command's end. `ended` checks a command that was faster.
pub fn killed(
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

/// Returns growths below 2 MiB, the same in every run of a test.
pub fn growths() -> impl FnMut() -> u64 {
    let mut seed = 1_u64;
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % (2 << 20)
    }
}
