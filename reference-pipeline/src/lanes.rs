//! How wide a run is: workers, and segments in memory.

use std::sync::OnceLock;
use std::thread;

/// Workers by default: one for each core, and no more than this. Sixteen outrun any disk.
const JOBS_DEFAULT_MAX: usize = 16;
/// Segments in flight beyond one for each worker: one being read, one being written, two waiting.
const WINDOW_SLACK: usize = 4;

/// How wide a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Workers; at least 1. The caller's thread is one of them where the source is a file.
    pub jobs: usize,
    /// Most segments in flight; each holds two buffers of about segment_size bytes.
    pub window: usize,
}

impl Lanes {
    /// `jobs` workers, and a window that keeps them busy.
    #[must_use]
    pub const fn with_jobs(jobs: usize) -> Self {
        let jobs = if jobs == 0 { 1 } else { jobs };
        Self { jobs, window: jobs + WINDOW_SLACK }
    }

    /// `jobs` workers on tasks, and a window that keeps them busy: a segment changes threads more often there.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub const fn on_tasks(jobs: usize) -> Self {
        let Self { jobs, window } = Self::with_jobs(jobs);
        Self { jobs, window: window + WINDOW_SLACK }
    }
}

impl Default for Lanes {
    /// One worker for each core that there was when a default was first asked for, up to 16.
    fn default() -> Self {
        // On Linux that reads a handful of files.
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = CORES.get_or_init(|| thread::available_parallelism().map_or(1, Into::into));
        Self::with_jobs(JOBS_DEFAULT_MAX.min(*cores))
    }
}
