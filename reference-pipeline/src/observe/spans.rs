//! The spans of a run for `tracing` (feature `tracing`).
//!
//! There is one span for each step of each segment, at level `debug`, target `stream_v2`.

use super::step::Step;

#[cfg(feature = "tracing")]
fn span(step: Step, segment: Option<u64>) -> tracing::Span {
    macro_rules! step {
        ($name:literal) => {
            tracing::debug_span!(target: "stream_v2", $name, segment)
        };
    }
    match step {
        Step::Reading => step!("read"),
        Step::Working => step!("work"),
        Step::Compressing => step!("compress"),
        Step::Writing => step!("write"),
        Step::MakingDurable => step!("make_durable"),
        Step::Recording => step!("record"),
    }
}

/// Calls `does` in the span of a step.
#[cfg(feature = "tracing")]
pub(crate) fn inside<T>(step: Step, segment: Option<u64>, does: impl FnOnce() -> T) -> T {
    span(step, segment).in_scope(does)
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn inside<T>(_: Step, _: Option<u64>, does: impl FnOnce() -> T) -> T {
    does()
}

/// Returns a future in the span of a step, which is entered at every poll.
#[cfg(feature = "tracing")]
pub(crate) fn within<F: Future>(
    step: Step,
    segment: Option<u64>,
    future: F,
) -> tracing::instrument::Instrumented<F> {
    tracing::Instrument::instrument(future, span(step, segment))
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn within<F: Future>(_: Step, _: Option<u64>, future: F) -> F {
    future
}
