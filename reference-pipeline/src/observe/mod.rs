//! The reports of a run: to its log and crash manager, in counters and spans, and in `{:?}`.

mod managers;
pub(crate) mod shown;
mod spans;
pub(crate) mod step;
mod telemetry;

pub use managers::{Commit, CrashManager, LogEvent, LogManager, Managers};
pub use telemetry::{Telemetry, TelemetryEvent, TelemetrySnapshot};
