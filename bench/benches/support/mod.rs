//! Measurement of a closure's user CPU and wall-clock time, medians, and an input file in the page
//! cache.

#![allow(dead_code, reason = "each benchmark uses its own part")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from benchmark to benchmark, so nothing can be expected"
)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;

pub(crate) const GIB: u64 = 1 << 30;

/// Seconds that one round took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) user: f64,
    /// User and system time.
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

pub(crate) fn measure(work: impl FnOnce()) -> Cost {
    let (before, wall) = (seconds(), Instant::now());
    work();
    let after = seconds();
    let user = after.0 - before.0;
    Cost { user, cpu: user + after.1 - before.1, wall: wall.elapsed().as_secs_f64() }
}

/// Measures `work` with this thread, and the threads that it starts, on the first `cores` cores
/// that the process may use.
pub(crate) fn measure_on(cores: usize, work: impl FnOnce()) -> Cost {
    let this_thread = Pid::from_raw(0);
    let Ok(all) = sched_getaffinity(this_thread) else { return measure(work) };
    let mut few = CpuSet::new();
    (0..CpuSet::count()).filter(|&core| all.is_set(core) == Ok(true)).take(cores).for_each(|core| {
        let _ = few.set(core);
    });
    let _ = sched_setaffinity(this_thread, &few);
    let cost = measure(work);
    let _ = sched_setaffinity(this_thread, &all);
    cost
}

/// Returns the median of one figure of one case over all rounds.
fn column<const N: usize>(rounds: &[[Cost; N]], case: usize, of: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|round| of(&round[case])).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the medians of each case over all rounds, separately for each figure.
pub(crate) fn medians<const N: usize>(rounds: &[[Cost; N]]) -> [Cost; N] {
    std::array::from_fn(|case| Cost {
        user: column(rounds, case, |cost| cost.user),
        cpu: column(rounds, case, |cost| cost.cpu),
        wall: column(rounds, case, |cost| cost.wall),
    })
}

/// Returns user and system time of this process.
fn seconds() -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of one process")]
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or((0.0, 0.0), |usage| (seconds(usage.user_time()), seconds(usage.system_time())))
}

/// A file of incompressible bytes that was just written, so it is in the page cache.
pub(crate) struct Input(PathBuf);

impl Input {
    pub(crate) fn create(folder: &Path, len: u64) -> io::Result<Self> {
        let path = folder.join("input");
        let mut file = File::create(&path)?;
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut block = vec![0; 1 << 20];
        for _ in 0..len >> 20 {
            for word in block.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            file.write_all(&block)?;
        }
        file.sync_all()?;
        Ok(Self(path))
    }

    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(&self.0)
    }

    /// Returns the first `len` bytes.
    pub(crate) fn first(&self, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.open()?.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
