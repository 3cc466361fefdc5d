//! The progress bar: bytes, rate and time left, drawn by the thread that writes.

use std::collections::VecDeque;
use std::io::{IsTerminal, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use stream_v2_pipeline::{LogEvent, LogManager};

const WITH_LEN: &str = "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const WITHOUT_LEN: &str = "{spinner} {bytes}  {bytes_per_sec}  {elapsed}";

/// What of a commit the bar shows: what the length of the input counts.
#[derive(Clone, Copy)]
pub(crate) enum Shows {
    Plaintext,
    Stream,
}

/// How far a run came.
#[derive(Clone, Copy, Default)]
pub(crate) struct Committed {
    /// Segments that the output has taken.
    pub(crate) segments: u64,
    /// Their plaintext, in bytes.
    pub(crate) plaintext_len: u64,
}

/// A log manager that remembers how far the run came, and draws a bar where standard error is a terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    shows: Shows,
    header_len: u64,
    committed: Committed,
    /// What S3 does not have yet, where that is what counts.
    pending: Option<Uploaded>,
}

/// Shows how much of what was committed S3 has: it is told in bytes of the output.
#[derive(Clone)]
pub(crate) struct Uploaded {
    bar: ProgressBar,
    /// Ends of segments in the output, and what the bar shows then.
    pending: Arc<Mutex<VecDeque<(u64, u64)>>>,
}

impl Uploaded {
    fn locked(&self) -> MutexGuard<'_, VecDeque<(u64, u64)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// S3 has so many bytes of the output.
    pub(crate) fn reaches(&self, len: u64) {
        let mut pending = self.locked();
        while let Some((_, shown)) = pending.pop_front_if(|(end, _)| *end <= len) {
            self.bar.set_position(shown);
        }
    }
}

impl Progress {
    /// A bar up to `len` bytes, where the length is known.
    pub(crate) fn new(len: Option<u64>, shows: Shows, quiet: bool) -> Self {
        Self { bar: bar(len, quiet), shows, header_len: 0, committed: Committed::default(), pending: None }
    }

    /// What S3 has counts from now on, and not what an output has taken; for an output that tells it.
    pub(crate) fn uploaded(&mut self) -> Uploaded {
        let uploaded = Uploaded { bar: self.bar.clone(), pending: Arc::default() };
        self.pending.insert(uploaded).clone()
    }

    /// Begins after what an interrupted run has committed.
    pub(crate) const fn go_on_after(&mut self, committed: &stream_v2_format::crypto::Committed) {
        let (segments, plaintext_len) = (committed.segments, committed.plaintext_len);
        self.committed = Committed { segments, plaintext_len };
    }

    pub(crate) const fn committed(&self) -> Committed {
        self.committed
    }
}

/// A bar up to `len` bytes, where the length is known and standard error is a terminal.
fn bar(len: Option<u64>, quiet: bool) -> ProgressBar {
    let visible = !quiet && std::io::stderr().is_terminal();
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let template = if len.is_some() { WITH_LEN } else { WITHOUT_LEN };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(len, target).with_style(style)
}

/// A source whose reading is shown, until it is dropped.
pub(crate) fn shown<R: Read>(source: R, len: Option<u64>, quiet: bool) -> ProgressBarIter<R> {
    bar(len, quiet).with_finish(ProgressFinish::AndClear).wrap_read(source)
}

impl LogManager for Progress {
    fn log(&mut self, event: LogEvent<'_>) {
        match event {
            LogEvent::Started(header) => self.header_len = header.body_offset().0,
            LogEvent::Committed(commit) => {
                let segments = u64::from(commit.index.0) + 1;
                self.committed = Committed { segments, plaintext_len: commit.plaintext_len };
                let stream_len = self.header_len + commit.position;
                let (shown, output_len) = match self.shows {
                    Shows::Plaintext => (commit.plaintext_len, stream_len),
                    Shows::Stream => (stream_len, commit.plaintext_len),
                };
                match &self.pending {
                    None => self.bar.set_position(shown),
                    Some(uploaded) => uploaded.locked().push_back((output_len, shown)),
                }
            }
            _ => self.bar.finish_and_clear(),
        }
    }
}
