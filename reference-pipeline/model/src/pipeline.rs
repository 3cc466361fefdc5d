//! What is modelled: how wide a pipeline is, and what is wrong with it.

/// A pipeline, small enough that all that it can do is looked at.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Segments that the source holds; it may end before, too.
    pub segments: u8,
    /// Worker threads beside the thread of the caller.
    pub threads: usize,
    /// Whether the thread of the caller works as well: where the source waits for nobody.
    pub caller_works: bool,
    /// Whether a segment was read before the threads began.
    pub prefetched: bool,
    /// Permits.
    pub window: usize,
    /// Events that fit into the channel of telemetry, whose receiver may take them at any time, or never.
    pub event_places: usize,
    /// A bug.
    pub planted: Option<Planted>,
}

/// Bugs that pipelines have had, and that the properties have to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// After a failure the writer drains the results, and keeps the permits that come with them.
    PermitsKeptOnError,
    /// A worker waits for its permit when it has the turn already, so that the caller, who has the permits, waits for the turn.
    PermitWithinTheTurn,
    /// A permit goes back when its result arrives, and not when that was written: what waits for its turn is not counted.
    UnboundedReorder,
    /// Telemetry waits for its receiver.
    TelemetryWaits,
}

impl Pipeline {
    /// As the engine is built, with so many workers: the caller is none of them.
    #[must_use]
    pub const fn new(segments: u8, workers: usize, window: usize) -> Self {
        Self {
            segments,
            threads: workers,
            caller_works: false,
            prefetched: true,
            window,
            event_places: 0,
            planted: None,
        }
    }

    /// The same where the caller is one of the workers.
    #[must_use]
    pub const fn with_caller(segments: u8, workers: usize, window: usize) -> Self {
        Self { threads: workers - 1, caller_works: true, ..Self::new(segments, workers, window) }
    }

    /// Places of the channel of results: every result holds a permit but one, the last message of the source.
    pub(crate) const fn result_places(&self) -> usize {
        self.window + 1
    }

    pub(crate) fn is(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }
}
