//! The width of a run: its workers, and its segments in memory.

use std::sync::OnceLock;
use std::thread;

/// Upper limit of the default number of workers, which is one for each core. Sixteen outrun any
/// disk.
const WORKERS_DEFAULT_MAX: usize = 16;
/// Segments in flight beyond one for each worker: one being read, one being written, two waiting.
const WINDOW_SLACK: usize = 4;

/// Sets the width of a run.
///
/// The default is the width of this machine. The first run that is not short determines it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parallelism {
    /// The number of workers; 0 is one for each core, up to 16.
    ///
    /// If the source is a file, the caller's thread is one of them.
    pub workers: usize,
    /// The largest number of segments in memory; 0 is as many as keep the workers busy.
    ///
    /// Each segment holds two buffers of about segment_size bytes.
    pub window: usize,
}

impl Parallelism {
    /// Returns a width of `workers` workers, and a window that keeps them busy.
    #[must_use]
    pub const fn with_workers(workers: usize) -> Self {
        Self { workers, window: 0 }
    }

    /// Returns a width of `workers` workers on tasks, and a window that keeps them busy.
    ///
    /// The window is larger than on threads, because a segment changes threads more often.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn on_tasks(workers: usize) -> Self {
        let Self { workers, window } = Self::with_workers(workers).resolved();
        Self { workers, window: window + WINDOW_SLACK }
    }

    /// Narrows the width so that segments of so many bytes of plaintext, with two buffers each, fit
    /// in `memory` bytes. One segment remains.
    #[must_use]
    pub fn within(self, memory: u64, segment_size: u32) -> Self {
        let fitting = memory / (2 * u64::from(segment_size)).max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).max(1);
        if self == Self::default() && fitting >= WORKERS_DEFAULT_MAX + WINDOW_SLACK {
            return self;
        }
        let Self { workers, window } = self.resolved();
        Self { workers: workers.min(fitting), window: window.min(fitting) }
    }

    /// Replaces zeros by numbers. Both numbers are at least 1.
    #[must_use]
    pub fn resolved(self) -> Self {
        let workers = if self.workers == 0 { WORKERS_DEFAULT_MAX.min(cores()) } else { self.workers };
        let window = if self.window == 0 { workers + WINDOW_SLACK } else { self.window };
        Self { workers, window }
    }
}

/// Returns the number of cores, as it was at the first call.
///
/// It is cached because on Linux the question reads a handful of files, which takes a tenth of a
/// millisecond.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_for_what_the_machine_has() {
        let machine = Parallelism::default().resolved();
        assert!((1..=WORKERS_DEFAULT_MAX).contains(&machine.workers), "{machine:?}");
        assert_eq!(machine.window, machine.workers + WINDOW_SLACK);
        assert_eq!(
            Parallelism::with_workers(3).resolved(),
            Parallelism { workers: 3, window: 3 + WINDOW_SLACK }
        );
        let narrow = Parallelism { workers: 2, window: 1 };
        assert_eq!(narrow.resolved(), narrow);
    }

    #[test]
    fn memory_limits_the_width() {
        let wide = Parallelism { workers: 4, window: 8 };
        for (segments, workers, window) in [(8, 4, 8), (5, 4, 5), (3, 3, 3), (1, 1, 1), (0, 1, 1)] {
            assert_eq!(wide.within(segments * 2000, 1000), Parallelism { workers, window });
        }
        assert_eq!(Parallelism::default().within(u64::MAX, u32::MAX), Parallelism::default());
        assert_eq!(Parallelism::default().within(4000, 1000).window, 2);
    }
}
