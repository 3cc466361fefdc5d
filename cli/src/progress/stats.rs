//! `--stats`: counts and times of a run, on standard error.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;
use stream_v2::pipeline::{Parallelism, Telemetry, TelemetrySnapshot};

use crate::failure::say;
use crate::text::size::{bytes, count};

/// The format of the figures.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatsFormat {
    /// A line for each step, for people
    Text,
    /// One line with one JSON object
    Json,
}

/// Prints the figures of a run when it is dropped, however the run has ended.
///
/// It prints nothing if the run has not begun.
pub(crate) struct Stats {
    format: Option<StatsFormat>,
    telemetry: Telemetry,
    parallelism: Parallelism,
    begin: Instant,
}

impl Stats {
    /// Creates the figures of a run that begins now.
    pub(crate) fn begin(
        format: Option<StatsFormat>,
        telemetry: &Telemetry,
        parallelism: Parallelism,
    ) -> Self {
        Self { format, telemetry: telemetry.clone(), parallelism, begin: Instant::now() }
    }

    /// Narrows the width, as the run does for a stream with segments of so many bytes.
    pub(crate) fn within(&mut self, memory: u64, segment_size: u32) {
        self.parallelism = self.parallelism.within(memory, segment_size);
    }
}

impl Drop for Stats {
    fn drop(&mut self) {
        let counted = self.telemetry.snapshot();
        let Some(format) = self.format.filter(|_| counted != TelemetrySnapshot::default()) else { return };
        let figures = Figures::new(self.begin.elapsed(), self.parallelism.resolved(), &counted);
        match format {
            StatsFormat::Text => say(&figures.text()),
            StatsFormat::Json => say(&(serde_json::to_string(&figures).unwrap_or_default() + "\n")),
        }
    }
}

/// The figures. Times are in microseconds, sizes in bytes.
#[derive(Serialize)]
struct Figures {
    elapsed_us: u64,
    workers: usize,
    window: usize,
    segments_read: u64,
    bytes_read: u64,
    segments_written: u64,
    bytes_written: u64,
    reading_us: u64,
    working_us: u64,
    compressing_us: u64,
    writing_us: u64,
    making_durable_us: u64,
    recording_us: u64,
}

impl Figures {
    fn new(elapsed: Duration, parallelism: Parallelism, counted: &TelemetrySnapshot) -> Self {
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            elapsed_us: us(elapsed),
            workers: parallelism.workers,
            window: parallelism.window,
            segments_read: counted.segments_read,
            bytes_read: counted.bytes_read,
            segments_written: counted.segments_written,
            bytes_written: counted.bytes_written,
            reading_us: us(counted.reading),
            working_us: us(counted.working),
            compressing_us: us(counted.compressing),
            writing_us: us(counted.writing),
            making_durable_us: us(counted.making_durable),
            recording_us: us(counted.recording),
        }
    }

    fn text(&self) -> String {
        let time = |us: u64| format!("{:5}.{:03} s", us / 1_000_000, us / 1000 % 1000);
        let (workers, window) = (count(self.workers as u64, "worker"), count(self.window as u64, "segment"));
        let (read, written) = (count(self.segments_read, "segment"), count(self.segments_written, "segment"));
        let mut lines = vec![
            format!("elapsed        {}  {workers}, at most {window} in memory", time(self.elapsed_us)),
            format!("reading        {}  {read}, {}", time(self.reading_us), bytes(self.bytes_read)),
            format!("working        {}  all workers together", time(self.working_us)),
            format!("writing        {}  {written}, {}", time(self.writing_us), bytes(self.bytes_written)),
            format!("making durable {}", time(self.making_durable_us)),
            format!("recording      {}  the journal", time(self.recording_us)),
        ];
        if self.compressing_us > 0 {
            let compressing = time(self.compressing_us);
            lines.insert(3, format!("compressing    {compressing}  all workers together"));
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_people_and_programs_read_them() {
        let counted = Telemetry::new().snapshot();
        let counted = TelemetrySnapshot {
            segments_read: 512,
            bytes_read: 512 << 20,
            segments_written: 513,
            bytes_written: (512 << 20) + 333_000,
            reading: Duration::from_millis(61),
            working: Duration::from_millis(1801),
            writing: Duration::from_millis(312),
            making_durable: Duration::from_millis(20),
            ..counted
        };
        let figures =
            Figures::new(Duration::from_millis(1003), Parallelism { workers: 2, window: 6 }, &counted);
        insta::assert_snapshot!(figures.text(), @r"
        elapsed            1.003 s  2 workers, at most 6 segments in memory
        reading            0.061 s  512 segments, 536870912 bytes (512 MiB)
        working            1.801 s  all workers together
        writing            0.312 s  513 segments, 537203912 bytes (512.3 MiB)
        making durable     0.020 s
        recording          0.000 s  the journal
        ");
        insta::assert_snapshot!(
            serde_json::to_string(&figures).unwrap(),
            @r#"{"elapsed_us":1003000,"workers":2,"window":6,"segments_read":512,"bytes_read":536870912,"segments_written":513,"bytes_written":537203912,"reading_us":61000,"working_us":1801000,"compressing_us":0,"writing_us":312000,"making_durable_us":20000,"recording_us":0}"#
        );
        let counted = TelemetrySnapshot { compressing: Duration::from_millis(950), ..counted };
        let figures = Figures::new(Duration::from_secs(1), Parallelism { workers: 2, window: 6 }, &counted);
        insta::assert_snapshot!(
            figures.text().lines().nth(3).unwrap(),
            @"compressing        0.950 s  all workers together"
        );
    }
}
