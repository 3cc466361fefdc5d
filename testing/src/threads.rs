//! The threads of the pipeline, as the operating system lists them.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The longest wait. No test takes that long, unless a thread never ends.
const PATIENCE: Duration = Duration::from_secs(300);

static ALONE: Mutex<()> = Mutex::new(());

/// Excludes other tests that call this, because the test checks all threads of the process.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap()
}

/// Returns the names of the pipeline's existing threads.
pub fn pipeline_threads() -> Vec<String> {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("sv2-"))
        .collect()
}

/// Asserts that every thread of the pipeline ends.
///
/// The threads were joined before `run` returned. The operating system may take another moment to
/// remove a joined thread from its list.
pub fn assert_none_left() {
    let end = Instant::now() + PATIENCE;
    while !pipeline_threads().is_empty() {
        assert!(Instant::now() < end, "{:?}", pipeline_threads());
        std::thread::yield_now();
    }
}
