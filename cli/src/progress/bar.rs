//! The progress bar: bytes, rate and time left, drawn by the thread that writes.

use std::collections::VecDeque;
use std::io::{IsTerminal, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use stream_v2::format::wire::HeaderV1;
use stream_v2::pipeline::{Commit, LogEvent, LogManager};

const WITH_LEN: &str = "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const WITHOUT_LEN: &str = "{spinner} {bytes}  {bytes_per_sec}  {elapsed}";

/// The unit of the bar, which is that of the input's length.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Plaintext,
    Stream,
}

/// The progress of a run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Committed {
    /// Segments that the output has accepted.
    pub(crate) segments: u64,
    /// Their plaintext, in bytes.
    pub(crate) plaintext_len: u64,
}

/// A log manager that remembers the progress of a run, and draws a bar if standard error is a
/// terminal.
pub(crate) struct Progress {
    bar: Bar,
    unit: Unit,
    header_len: u64,
    committed: Committed,
    counts: Counts,
}

/// The progress that the bar shows: the work that an interrupted run need not repeat.
enum Counts {
    /// Bytes that a pipe or a device has accepted.
    Taken,
    /// Durable bytes in a file or a database.
    Durable,
    /// Bytes that S3 has.
    Uploaded(Uploaded),
}

/// Shows how much of the committed data S3 has, given bytes of the output.
#[derive(Clone)]
pub(crate) struct Uploaded {
    bar: Bar,
    /// The ends of segments in the output, with the position of the bar for each.
    pending: Arc<Mutex<VecDeque<(u64, u64)>>>,
}

impl Uploaded {
    fn locked(&self) -> MutexGuard<'_, VecDeque<(u64, u64)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports that S3 has `len` bytes of the output.
    pub(crate) fn reaches(&self, len: u64) {
        let mut pending = self.locked();
        while let Some((_, shown)) = pending.pop_front_if(|(end, _)| *end <= len) {
            self.bar.reaches(shown);
        }
    }
}

impl Progress {
    /// Creates a bar up to `len` bytes, if the length is known.
    pub(crate) fn new(len: Option<u64>, unit: Unit, quiet: bool) -> Self {
        Self {
            bar: Bar(visible(len, quiet)),
            unit,
            header_len: 0,
            committed: Committed::default(),
            counts: Counts::Taken,
        }
    }

    /// Counts durable bytes, for an output that is kept.
    pub(crate) fn count_durable(&mut self) {
        self.counts = Counts::Durable;
    }

    /// Counts the bytes that S3 has, for an output that reports them.
    pub(crate) fn count_uploaded(&mut self) -> Uploaded {
        let uploaded = Uploaded { bar: self.bar.clone(), pending: Arc::default() };
        self.counts = Counts::Uploaded(uploaded.clone());
        uploaded
    }

    /// Begins after the segments that the interrupted run has committed.
    pub(crate) fn resume_after(
        &mut self,
        header: &HeaderV1,
        committed: &stream_v2::format::crypto::Committed,
    ) {
        let (segments, plaintext_len) = (committed.segments, committed.plaintext_len);
        self.committed = Committed { segments, plaintext_len };
        self.bar.begins_at(match self.unit {
            Unit::Plaintext => plaintext_len,
            Unit::Stream => header.body_offset().0 + committed.position,
        });
    }

    pub(crate) const fn committed(&self) -> Committed {
        self.committed
    }

    fn ends(&self, commit: &Commit) -> Ends {
        let stream_len = self.header_len + commit.position;
        match self.unit {
            Unit::Plaintext => Ends { shown: commit.plaintext_len, output: stream_len },
            Unit::Stream => Ends { shown: stream_len, output: commit.plaintext_len },
        }
    }
}

/// The end of a segment: for the bar, and in the output.
struct Ends {
    shown: u64,
    output: u64,
}

/// A bar, if it is visible. Even a hidden one estimates rates, which would slow down a small file.
#[derive(Clone)]
struct Bar(Option<ProgressBar>);

impl Bar {
    fn reaches(&self, position: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(position);
        }
    }

    /// Excludes everything before `position` from rate and time left.
    fn begins_at(&self, position: u64) {
        if let Some(bar) = &self.0 {
            // Hidden meanwhile, so that the jump is not drawn as a rate.
            let is_hidden = bar.is_hidden();
            bar.set_draw_target(ProgressDrawTarget::hidden());
            bar.set_position(position);
            bar.reset_eta();
            if !is_hidden {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        }
    }

    fn ends(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Returns a bar up to `len` bytes, if the length is known and standard error is a terminal.
fn visible(len: Option<u64>, quiet: bool) -> Option<ProgressBar> {
    if quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let template = if len.is_some() { WITH_LEN } else { WITHOUT_LEN };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    Some(ProgressBar::with_draw_target(len, ProgressDrawTarget::stderr()).with_style(style))
}

/// Wraps a source and shows how much of it was read, until the wrapper is dropped.
pub(crate) fn shown<R: Read>(source: R, len: Option<u64>, quiet: bool) -> ProgressBarIter<R> {
    let bar = visible(len, quiet).unwrap_or_else(ProgressBar::hidden);
    bar.with_finish(ProgressFinish::AndClear).wrap_read(source)
}

impl LogManager for Progress {
    fn log(&mut self, event: LogEvent<'_>) {
        match event {
            LogEvent::Started(header) => self.header_len = header.body_offset().0,
            LogEvent::Committed(commit) => {
                let segments = u64::from(commit.index.0) + 1;
                self.committed = Committed { segments, plaintext_len: commit.plaintext_len };
                let ends = self.ends(commit);
                match &self.counts {
                    Counts::Taken => self.bar.reaches(ends.shown),
                    Counts::Durable => {}
                    Counts::Uploaded(uploaded) => uploaded.locked().push_back((ends.output, ends.shown)),
                }
            }
            LogEvent::Durable(commit) => {
                if let Counts::Durable = self.counts {
                    self.bar.reaches(self.ends(commit).shown);
                }
            }
            _ => self.bar.ends(),
        }
    }
}

#[cfg(test)]
mod tests {
    use stream_v2::format::SegmentIndex;
    use stream_v2::format::crypto::{self as format, Transcript};
    use stream_v2::format::wire::StreamParams;
    use stream_v2::pipeline::Commit;

    use super::*;

    fn commit(index: u32, plaintext_len: u64) -> Commit {
        let transcript = Transcript::from_bytes([0; 32]);
        let position = plaintext_len + 100;
        Commit {
            run_first: SegmentIndex::FIRST,
            index: SegmentIndex(index),
            segment_tag: [0; 32],
            transcript,
            plaintext_len,
            position,
            segment_len: 1,
        }
    }

    #[test]
    fn what_was_done_before_is_no_rate() {
        let header = HeaderV1::new(StreamParams::new([0; 32]), [0; 32], 0).unwrap();
        let mut done = format::Committed::NOTHING;
        (done.segments, done.plaintext_len, done.position) = (1_000_000, 1 << 40, (1 << 40) + 5);
        for (unit, begin) in
            [(Unit::Plaintext, 1 << 40), (Unit::Stream, header.body_offset().0 + (1 << 40) + 5)]
        {
            let bar = ProgressBar::hidden();
            let mut progress = Progress { bar: Bar(Some(bar.clone())), ..Progress::new(None, unit, true) };
            progress.resume_after(&header, &done);
            assert_eq!((bar.position(), progress.committed().segments), (begin, 1_000_000));
            assert!(bar.per_sec() < 1.0, "{}", bar.per_sec());
        }
    }

    #[test]
    fn what_is_lost_with_a_crash_does_not_count() {
        let bar = ProgressBar::hidden();
        let mut progress =
            Progress { bar: Bar(Some(bar.clone())), ..Progress::new(Some(1000), Unit::Plaintext, true) };
        progress.log(LogEvent::Committed(&commit(0, 10)));
        assert_eq!(bar.position(), 10, "a pipe has what it has taken");

        progress.count_durable();
        progress.log(LogEvent::Committed(&commit(1, 20)));
        progress.log(LogEvent::Committed(&commit(2, 30)));
        assert_eq!(bar.position(), 10);
        progress.log(LogEvent::Durable(&commit(1, 20)));
        assert_eq!((bar.position(), progress.committed().plaintext_len), (20, 30));

        let uploaded = progress.count_uploaded();
        progress.log(LogEvent::Committed(&commit(3, 40)));
        progress.log(LogEvent::Durable(&commit(3, 40)));
        uploaded.reaches(139);
        assert_eq!(bar.position(), 20);
        uploaded.reaches(140);
        assert_eq!(bar.position(), 40);
    }
}
