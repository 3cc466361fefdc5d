//! Telemetry: counters, times, and events that may be lost. It never makes the data wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::spans;
use super::step::Step;

/// An event of a run. Events are best effort: a slow or absent receiver misses some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TelemetryEvent {
    /// A segment of this many bytes was read from the source.
    Read {
        /// Place of the segment in this run, from 0.
        place: u64,
        /// Bytes read.
        len: u64,
    },
    /// A segment of this many bytes was handed to the sink.
    Written {
        /// Place of the segment in this run, from 0.
        place: u64,
        /// Bytes written.
        len: u64,
    },
}

/// The counters at one moment.
///
/// They are read one after the other. While a run is active, one may be ahead of another by the
/// work done between the two reads.
///
/// The times show the bottleneck of a run:
///
/// - the source, if `reading` is about as long as the run,
/// - the processors, if `working` and `compressing` are together about as long as the run times its
///   workers,
/// - the sink, if `writing` and `making_durable` are together about as long as the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TelemetrySnapshot {
    /// Segments read from the source.
    pub segments_read: u64,
    /// Bytes read from the source, headers included.
    pub bytes_read: u64,
    /// Segments handed to the sink.
    pub segments_written: u64,
    /// Bytes handed to the sink.
    pub bytes_written: u64,
    /// Events that the receiver did not take.
    pub events_lost: u64,
    /// Time in the source, including framing and the authentication of segment headers.
    pub reading: Duration,
    /// Time in which segments were sealed or opened, added up over all workers.
    pub working: Duration,
    /// Time in which segments were compressed or decompressed, added up over all workers.
    pub compressing: Duration,
    /// Time in which the sink took pieces.
    pub writing: Duration,
    /// Time in which the sink made its content durable, or published it.
    pub making_durable: Duration,
    /// Time in the crash manager, including the opening of the segment that it records in the
    /// journal.
    pub recording: Duration,
}

/// Counts the work of a run. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    counters: Arc<Counters>,
    off: bool,
    events: Option<SyncSender<TelemetryEvent>>,
}

#[derive(Debug, Default)]
struct Counters {
    segments_read: AtomicU64,
    bytes_read: AtomicU64,
    segments_written: AtomicU64,
    bytes_written: AtomicU64,
    events_lost: AtomicU64,
    /// Nanoseconds, by [`Step`].
    times: [AtomicU64; 6],
}

impl Telemetry {
    /// Returns counters without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an instance that counts nothing and takes no time, to measure the cost of counting.
    #[must_use]
    pub fn off() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// Returns counters and a channel of at most `capacity` events.
    ///
    /// Events that do not fit are counted as lost.
    #[must_use]
    pub fn with_events(capacity: usize) -> (Self, Receiver<TelemetryEvent>) {
        let (sender, receiver) = sync_channel(capacity);
        (Self { events: Some(sender), ..Self::default() }, receiver)
    }

    /// Returns the counters now.
    #[must_use]
    pub fn snapshot(&self) -> TelemetrySnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let time = |step: Step| Duration::from_nanos(read(&self.counters.times[step as usize]));
        TelemetrySnapshot {
            segments_read: read(&self.counters.segments_read),
            bytes_read: read(&self.counters.bytes_read),
            segments_written: read(&self.counters.segments_written),
            bytes_written: read(&self.counters.bytes_written),
            events_lost: read(&self.counters.events_lost),
            reading: time(Step::Reading),
            working: time(Step::Working),
            compressing: time(Step::Compressing),
            writing: time(Step::Writing),
            making_durable: time(Step::MakingDurable),
            recording: time(Step::Recording),
        }
    }

    /// Counts the time that `does` takes.
    pub(crate) fn time<T>(&self, step: Step, segment: Option<u64>, does: impl FnOnce() -> T) -> T {
        if self.off {
            return does();
        }
        spans::inside(step, segment, || {
            let _counting = self.counting(step);
            does()
        })
    }

    /// Counts the time until `future` is ready.
    pub(crate) async fn timed<T>(
        &self,
        step: Step,
        segment: Option<u64>,
        future: impl Future<Output = T>,
    ) -> T {
        if self.off {
            return future.await;
        }
        let counting = async {
            let _counting = self.counting(step);
            future.await
        };
        spans::within(step, segment, counting).await
    }

    /// Counts consecutive steps within `does`, which is one span.
    pub(crate) fn laps<T>(
        &self,
        step: Step,
        segment: Option<u64>,
        does: impl FnOnce(&mut Laps<'_>) -> T,
    ) -> T {
        let mut laps = Laps { counters: &self.counters, begin: (!self.off).then(Instant::now) };
        if self.off {
            return does(&mut laps);
        }
        spans::inside(step, segment, || does(&mut laps))
    }

    /// Counts until it is dropped.
    fn counting(&self, step: Step) -> Counting<'_> {
        Counting { time: &self.counters.times[step as usize], begin: Instant::now() }
    }

    pub(crate) fn read(&self, place: u64, len: u64) {
        if self.off {
            return;
        }
        self.counters.segments_read.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes_read.fetch_add(len, Ordering::Relaxed);
        self.emit(TelemetryEvent::Read { place, len });
    }

    pub(crate) fn written(&self, place: u64, len: u64) {
        if self.off {
            return;
        }
        self.counters.segments_written.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes_written.fetch_add(len, Ordering::Relaxed);
        self.emit(TelemetryEvent::Written { place, len });
    }

    /// Offers an event without waiting.
    fn emit(&self, event: TelemetryEvent) {
        if self.events.as_ref().is_some_and(|events| events.try_send(event).is_err()) {
            self.counters.events_lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Counting<'t> {
    time: &'t AtomicU64,
    begin: Instant,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        add(self.time, self.begin.elapsed());
    }
}

/// Consecutive steps, with one look at the clock for each.
pub(crate) struct Laps<'t> {
    counters: &'t Counters,
    begin: Option<Instant>,
}

impl Laps<'_> {
    /// Counts the time since the last call as this step.
    pub(crate) fn ends(&mut self, step: Step) {
        let Some(begin) = &mut self.begin else { return };
        let now = Instant::now();
        add(&self.counters.times[step as usize], now.duration_since(*begin));
        *begin = now;
    }
}

fn add(time: &AtomicU64, elapsed: Duration) {
    time.fetch_add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_or_dead_receiver_loses_only_events() {
        let (telemetry, receiver) = Telemetry::with_events(2);
        (0..5).for_each(|place| telemetry.read(place, 10));
        assert_eq!(receiver.try_iter().count(), 2);
        drop(receiver);
        telemetry.written(0, 7);
        let expected = TelemetrySnapshot {
            segments_read: 5,
            bytes_read: 50,
            segments_written: 1,
            bytes_written: 7,
            events_lost: 4,
            ..TelemetrySnapshot::default()
        };
        assert_eq!(telemetry.snapshot(), expected);
    }
}
