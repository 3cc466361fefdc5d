//! The threads of the pipeline, as the operating system lists them.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Nothing is waited for longer. No test takes that long, unless a thread never ends.
const PATIENCE: Duration = Duration::from_secs(300);

static ALONE: Mutex<()> = Mutex::new(());

/// No other test that asks for this runs at the same time: it looks at all threads of the process.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap()
}

/// Names of the pipeline's threads that are there.
pub fn pipeline_threads() -> Vec<String> {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("sv2-"))
        .collect()
}

/// Fails unless every thread of the pipeline goes. They were joined before `run` returned, but the operating system may take
/// another moment to strike a joined thread off its list.
pub fn assert_none_left() {
    let end = Instant::now() + PATIENCE;
    while !pipeline_threads().is_empty() {
        assert!(Instant::now() < end, "{:?}", pipeline_threads());
        std::thread::yield_now();
    }
}
