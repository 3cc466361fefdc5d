//! The durability points of a run: after a number of bytes or segments, or after a time, whichever
//! comes first (§19.1).

use std::time::{Duration, Instant};

use stream_v2_format::limits::{DURABLE_BYTES_MAX, SEGMENT_SIZE_MAX};

/// Most bytes between two durability points (SV2-RES-002).
///
/// The next segment still fits below the limit.
const BYTES_MAX: u64 = DURABLE_BYTES_MAX - 2 * SEGMENT_SIZE_MAX as u64;

/// Limits the loss in a crash of the machine.
///
/// A crash of the process alone loses the segment that was being written, with every setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durability {
    /// Bytes of output after which it is made durable. At most 128 MiB.
    pub bytes: u64,
    /// Segments after which the output is made durable.
    pub segments: u64,
    /// Time after which the output is made durable.
    ///
    /// It is checked whenever a segment is written.
    pub time: Duration,
}

impl Default for Durability {
    /// Returns every 64 MiB, and every 10 seconds. `spec/decisions/0009` gives the measurements.
    fn default() -> Self {
        Self { bytes: 64 << 20, segments: u64::MAX, time: Duration::from_secs(10) }
    }
}

/// Counts the output since the last durability point.
pub(crate) struct Pending {
    policy: Durability,
    bytes: u64,
    segments: u64,
    since: Instant,
}

impl Pending {
    pub(crate) fn new(policy: Durability) -> Self {
        Self { policy, bytes: 0, segments: 0, since: Instant::now() }
    }

    /// Counts a segment, and returns whether everything must be made durable now.
    pub(crate) fn add(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        self.segments += 1;
        //= spec/stream-v2.md#sv2-res-002
        //# A writer MUST reach a durability point, and append a commit record after it, at least
        //# every DURABLE_BYTES_MAX bytes of the body.
        self.bytes >= self.policy.bytes.min(BYTES_MAX)
            || self.segments >= self.policy.segments
            || self.since.elapsed() >= self.policy.time
    }

    /// Returns whether two more segments may pass the limit.
    pub(crate) const fn is_large(&self) -> bool {
        self.bytes > BYTES_MAX / 2
    }

    /// Restarts the count after a durability point.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.policy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Durability = Durability { bytes: u64::MAX, segments: u64::MAX, time: Duration::MAX };

    fn adds_until_due(policy: Durability, bytes: u64) -> usize {
        let mut pending = Pending::new(policy);
        (1..).find(|_| pending.add(bytes)).unwrap_or_default()
    }

    #[test]
    fn whichever_comes_first() {
        assert_eq!(adds_until_due(Durability { bytes: 100, ..NEVER }, 30), 4);
        assert_eq!(adds_until_due(Durability { bytes: 100, segments: 2, ..NEVER }, 30), 2);
        assert_eq!(adds_until_due(Durability { time: Duration::ZERO, ..NEVER }, 1), 1);
        let mut pending = Pending::new(Durability { segments: 2, ..NEVER });
        assert!(!pending.add(1));
        pending.reset();
        assert!(!pending.add(1));
    }

    //= spec/stream-v2.md#sv2-res-002
    //= type=test
    //# A writer MUST reach a durability point, and append a commit record after it, at least every
    //# DURABLE_BYTES_MAX bytes of the body.
    #[test]
    fn format_limit_holds_with_largest_segments() {
        let segment = u64::from(SEGMENT_SIZE_MAX) + (1 << 20);
        let segments = adds_until_due(NEVER, segment) as u64;
        assert!(segments * segment <= DURABLE_BYTES_MAX, "{segments}");
        assert!(adds_until_due(NEVER, 1 << 20) as u64 * (1 << 20) <= DURABLE_BYTES_MAX);
    }
}
