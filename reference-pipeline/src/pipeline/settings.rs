//! The settings of a pipeline that the reader, the workers and the writer of a run need.

use crate::engine::{Parallelism, Shutdown};
use crate::observe::Telemetry;

/// The same for both directions.
#[derive(Clone, Copy)]
pub(super) struct Settings<'p> {
    pub(super) parallelism: Parallelism,
    pub(super) telemetry: &'p Telemetry,
    pub(super) shutdown: &'p Shutdown,
}
