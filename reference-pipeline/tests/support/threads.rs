//! The threads of the pipeline, as the operating system lists them.

/// Names of the pipeline's threads that are there.
pub(crate) fn pipeline_threads() -> Vec<String> {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("sv2-"))
        .collect()
}

/// Fails unless every thread of the pipeline goes. They were joined before `run` returned, but the operating system may take
/// another moment to strike a joined thread off its list.
pub(crate) fn assert_none_left() {
    let left = (0..1_000_000).all(|_| {
        std::thread::yield_now();
        !pipeline_threads().is_empty()
    });
    assert!(!left, "{:?}", pipeline_threads());
}
