//! A log that asks for a shutdown.

use stream_v2_pipeline::{LogEvent, LogManager, Shutdown};

/// Raises a flag at an event.
pub struct RaisesAt {
    pub left: usize,
    pub shutdown: Shutdown,
}

impl LogManager for RaisesAt {
    fn log(&mut self, _: LogEvent<'_>) {
        if self.left == 0 {
            self.shutdown.request();
        }
        self.left = self.left.wrapping_sub(1);
    }
}
