//! Lines of progress, and when they are due. Times are arguments.

use std::fmt;
use std::time::Duration;

use crate::text::size::human;

/// The least time between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Decides when a line is due.
#[derive(Default)]
pub(crate) struct Pace {
    /// The time of the last line, since the run began.
    last: Duration,
    /// The position that it had.
    shown: u64,
}

impl Pace {
    /// Returns true if a line is due at a time since the run began, and counts it as printed.
    pub(crate) fn is_due(&mut self, now: Duration, position: u64) -> bool {
        let is_due = now.saturating_sub(self.last) >= PAUSE;
        if is_due {
            *self = Self { last: now, shown: position };
        }
        is_due
    }

    /// Returns true if the run ends at a position that no line had.
    pub(crate) const fn is_last_due(&self, position: u64) -> bool {
        position != self.shown
    }
}

/// How far a run is. It is displayed as one line.
pub(crate) struct Reached {
    pub(crate) what: &'static str,
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    /// Bytes that count for the rate, and the time that they took.
    pub(crate) rated: u64,
    pub(crate) time: Duration,
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, done, total, rated, time } = *self;
        write!(f, "{what}: {}", human(done))?;
        if let Some(total) = total {
            let percent = u128::from(done) * 100 / u128::from(total.max(1));
            write!(f, " of {} ({}%)", human(total), percent.min(100))?;
        }
        let rate = u128::from(rated) * 1000 / time.as_millis().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        if rate == 0 {
            return Ok(());
        }
        write!(f, ", {}/s", human(rate))?;
        match total {
            Some(total) => write!(f, ", {} left", rounded(total.saturating_sub(done).div_ceil(rate))),
            None => Ok(()),
        }
    }
}

/// Formats seconds in the largest unit of which there are at least two.
fn rounded(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(done: u64, total: Option<u64>, rated: u64, seconds: u64) -> String {
        Reached { what: "encrypting", done, total, rated, time: Duration::from_secs(seconds) }.to_string()
    }

    #[test]
    fn a_line_has_all_that_is_known() {
        assert_eq!(line(0, None, 0, 0), "encrypting: 0 bytes");
        assert_eq!(line(3 << 20, None, 3 << 20, 2), "encrypting: 3 MiB, 1.5 MiB/s");
        assert_eq!(line(0, Some(0), 0, 7), "encrypting: 0 bytes of 0 bytes (0%)");
        assert_eq!(line(1 << 30, Some(4 << 30), 0, 9), "encrypting: 1 GiB of 4 GiB (25%)");
        let rest = ["1 MiB/s, 51 min left", "1023.9 MiB/s, 4 s left"];
        assert_eq!(
            line(1 << 30, Some(4 << 30), 1 << 20, 1),
            format!("encrypting: 1 GiB of 4 GiB (25%), {}", rest[0])
        );
        assert_eq!(
            line(1 << 30, Some(4 << 30), (1 << 30) - 1, 1),
            format!("encrypting: 1 GiB of 4 GiB (25%), {}", rest[1])
        );
        assert_eq!(line(9, Some(8), 1, 1), "encrypting: 9 bytes of 8 bytes (100%), 1 bytes/s, 0 s left");
        assert_eq!(
            line(0, Some(u64::MAX), u64::MAX, 0),
            "encrypting: 0 bytes of 16383.9 PiB (0%), 16383.9 PiB/s, 1 s left"
        );
    }

    #[test]
    fn lines_are_ten_seconds_apart_and_the_end_has_one() {
        let mut pace = Pace::default();
        let mut printed = Vec::new();
        for second in 0..35 {
            if pace.is_due(Duration::from_secs(second), second) {
                printed.push(second);
            }
        }
        assert_eq!(printed, [10, 20, 30]);
        assert!(pace.is_last_due(34) && !pace.is_last_due(30));
        assert!(!Pace::default().is_last_due(0), "a run that has done nothing");
    }
}
