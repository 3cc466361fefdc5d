//! Retries of requests, and the pauses before them.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::thread;
use std::time::Duration;

/// Sets how often a failing request is tried, and the pauses in between.
///
/// Only failures that may pass are tried again: see the [crate](crate#retries).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Most failed attempts in a row. At least one attempt is made.
    pub attempts: u32,
    /// The pause after the first failed attempt.
    ///
    /// Each later pause is twice as long. Half of it is random, so that clients do not return
    /// together.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

/// Six attempts within some six seconds.
impl Default for Retry {
    fn default() -> Self {
        let (first_pause, longest_pause) = (Duration::from_millis(200), Duration::from_secs(10));
        Self { attempts: 6, first_pause, longest_pause }
    }
}

impl Retry {
    /// Returns twice as many attempts, for a request that has cost time already.
    ///
    /// By default they take about a minute, in which a server restarts.
    pub(super) const fn longer(self) -> Self {
        Self { attempts: self.attempts.saturating_mul(2), ..self }
    }
}

/// The failure of an attempt.
#[derive(Debug)]
pub(super) enum Failed {
    /// The next attempt may succeed.
    ForNow(io::Error),
    /// The next attempt would fail as well.
    ForGood(io::Error),
}

impl Failed {
    pub(super) fn into_error(self) -> io::Error {
        let (Self::ForNow(error) | Self::ForGood(error)) = self;
        error
    }
}

impl Retry {
    /// Makes attempts until one succeeds, one fails for good, or their number is exhausted.
    pub(super) fn run<T>(self, mut attempt: impl FnMut() -> Result<T, Failed>) -> io::Result<T> {
        let mut patience = Patience::new(self);
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(failed) => patience.after(failed)?,
            }
        }
    }

    /// Returns the pause after so many failures. `random` is from 0 to 255.
    fn pause(self, failures: u32, random: u8) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.first_pause.saturating_mul(doubled).min(self.longest_pause);
        longest / 2 + longest / 2 * u32::from(random) / 255
    }
}

/// The failures in a row, and their limit.
pub(super) struct Patience {
    retry: Retry,
    failures: u32,
}

impl Patience {
    pub(super) const fn new(retry: Retry) -> Self {
        Self { retry, failures: 0 }
    }

    /// Restarts the count after an attempt that brought some bytes.
    pub(super) const fn renew(&mut self) {
        self.failures = 0;
    }

    /// Waits for the next attempt, or returns the error if there is none.
    pub(super) fn after(&mut self, failed: Failed) -> io::Result<()> {
        let error = match failed {
            Failed::ForGood(error) => return Err(error),
            Failed::ForNow(error) => error,
        };
        self.failures += 1;
        if self.failures >= self.retry.attempts {
            return Err(io::Error::new(error.kind(), format!("{error} ({} attempts)", self.failures)));
        }
        // Any two clients have other keys.
        let [random, ..] = RandomState::new().hash_one(self.failures).to_le_bytes();
        thread::sleep(self.retry.pause(self.failures, random));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { attempts: 3, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };

    fn for_now() -> Failed {
        Failed::ForNow(io::ErrorKind::ConnectionReset.into())
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry::default();
        let longest: Vec<_> = (1..9).map(|failures| retry.pause(failures, 255).as_millis()).collect();
        assert_eq!(longest, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(retry.pause(1, 0).as_millis(), 100);
        assert_eq!(retry.pause(u32::MAX, 255).as_millis(), 10_000);
    }

    #[test]
    fn attempts_end() {
        let mut made = 0;
        let mut count = |failed: fn() -> Failed| {
            made = 0;
            RETRY
                .run(|| {
                    made += 1;
                    Err::<(), _>(failed())
                })
                .unwrap_err();
            made
        };
        assert_eq!(count(for_now), 3);
        assert_eq!(count(|| Failed::ForGood(io::ErrorKind::NotFound.into())), 1);
        let never = Retry { attempts: 0, ..RETRY };
        assert!(never.run(|| Err::<(), _>(for_now())).is_err());
        let mut left = 2;
        let result = RETRY.run(|| {
            left -= 1;
            if left == 0 { Ok(()) } else { Err(for_now()) }
        });
        result.unwrap();
    }
}
