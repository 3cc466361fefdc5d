//! Telemetry: counters, and events that may be lost. It never makes the data wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// One thing that happened. Events are best effort: a receiver that is slow or gone misses some.
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
    /// Events that no receiver took.
    pub events_lost: u64,
}

/// Counts what a run does. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    counters: Arc<Counters>,
    events: Option<SyncSender<TelemetryEvent>>,
}

#[derive(Debug, Default)]
struct Counters {
    segments_read: AtomicU64,
    bytes_read: AtomicU64,
    segments_written: AtomicU64,
    bytes_written: AtomicU64,
    events_lost: AtomicU64,
}

impl Telemetry {
    /// Counters without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counters and a channel that holds at most `capacity` events; what does not fit is counted as lost.
    #[must_use]
    pub fn with_events(capacity: usize) -> (Self, Receiver<TelemetryEvent>) {
        let (sender, receiver) = sync_channel(capacity);
        (Self { events: Some(sender), ..Self::default() }, receiver)
    }

    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> TelemetrySnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TelemetrySnapshot {
            segments_read: read(&self.counters.segments_read),
            bytes_read: read(&self.counters.bytes_read),
            segments_written: read(&self.counters.segments_written),
            bytes_written: read(&self.counters.bytes_written),
            events_lost: read(&self.counters.events_lost),
        }
    }

    pub(crate) fn read(&self, place: u64, len: u64) {
        self.counters.segments_read.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes_read.fetch_add(len, Ordering::Relaxed);
        self.emit(TelemetryEvent::Read { place, len });
    }

    pub(crate) fn written(&self, place: u64, len: u64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_or_dead_receiver_costs_events_and_nothing_else() {
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
        };
        assert_eq!(telemetry.snapshot(), expected);
    }
}
