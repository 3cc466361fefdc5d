//! The meter of a run: how much of its input is done, as a bar, in lines, or on request.

use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::note;
use crate::progress::line::{Pace, Reached};

const WITH_LEN: &str = "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const WITHOUT_LEN: &str = "{spinner} {bytes}  {bytes_per_sec}  {elapsed}";

/// How progress is shown without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressForm {
    /// A bar, if standard error is a terminal
    Auto,
    /// A line every 10 seconds
    Plain,
    /// Nothing
    None,
}

/// Shows how much of a run is done. Clones are the same meter.
#[derive(Clone)]
pub(crate) struct Meter(Arc<Inner>);

struct Inner {
    what: &'static str,
    total: Option<u64>,
    done: AtomicU64,
    begin: Instant,
    /// Position and time, since `begin`, from which on rates count.
    rated_from: Mutex<(u64, Duration)>,
    shown: Shown,
    has_ended: AtomicBool,
}

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines(Mutex<Pace>),
}

/// The meters of this process. The last one that has not ended answers requests.
static METERS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints one line on the work in progress, if there is any.
pub(crate) fn answer() {
    let meters = locked(&METERS).clone();
    let meters = meters.iter().rev().filter_map(Weak::upgrade).map(Meter);
    if let Some(meter) = meters.into_iter().find(|meter| !meter.0.has_ended.load(Ordering::Relaxed)) {
        meter.print();
    }
}

impl Meter {
    /// Creates a meter up to `total` bytes, if the length is known. `what` begins its lines.
    pub(crate) fn new(what: &'static str, total: Option<u64>, form: ProgressForm) -> Self {
        let shown = match form {
            ProgressForm::Auto if io::stderr().is_terminal() => Shown::Bar(bar(total)),
            ProgressForm::Plain => Shown::Lines(Mutex::default()),
            _ => Shown::Nothing,
        };
        Self::shown(what, total, shown)
    }

    fn shown(what: &'static str, total: Option<u64>, shown: Shown) -> Self {
        let (done, rated_from, has_ended) = Default::default();
        let begin = Instant::now();
        let inner = Arc::new(Inner { what, total, done, begin, rated_from, shown, has_ended });
        let mut meters = locked(&METERS);
        meters.retain(|meter| meter.strong_count() > 0);
        meters.push(Arc::downgrade(&inner));
        drop(meters);
        Self(inner)
    }

    /// Reports that everything before `position` is done.
    pub(crate) fn reaches(&self, position: u64) {
        self.0.done.store(position, Ordering::Relaxed);
        match &self.0.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.set_position(position),
            Shown::Lines(pace) => {
                if locked(pace).is_due(self.0.begin.elapsed(), position) {
                    self.print();
                }
            }
        }
    }

    /// Excludes everything before `position` from rate and time left.
    pub(crate) fn begins_at(&self, position: u64) {
        self.0.done.store(position, Ordering::Relaxed);
        *locked(&self.0.rated_from) = (position, self.0.begin.elapsed());
        if let Shown::Bar(bar) = &self.0.shown {
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

    /// Shows the last position, if it was not shown in a line yet, and removes a bar.
    pub(crate) fn ends(&self) {
        if self.0.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        match &self.0.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines(pace) => {
                if locked(pace).is_last_due(self.0.done.load(Ordering::Relaxed)) {
                    self.print();
                }
            }
        }
    }

    fn print(&self) {
        let line = self.line(self.0.begin.elapsed());
        match &self.0.shown {
            Shown::Bar(bar) => bar.suspend(|| note(line)),
            _ => note(line),
        }
    }

    /// Returns the line for a time since the meter began.
    fn line(&self, now: Duration) -> String {
        let (rated_from, since) = *locked(&self.0.rated_from);
        let Inner { what, total, .. } = *self.0;
        let done = self.0.done.load(Ordering::Relaxed);
        Reached { what, done, total, rated: done.saturating_sub(rated_from), time: now.saturating_sub(since) }
            .to_string()
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let template = if total.is_some() { WITH_LEN } else { WITHOUT_LEN };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style)
}

/// A source with a meter of what was read, until it is dropped.
pub(crate) struct Metered<R> {
    source: R,
    meter: Meter,
    position: u64,
}

impl<R> Metered<R> {
    pub(crate) fn new(source: R, meter: Meter) -> Self {
        Self { source, meter, position: 0 }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.position += read as u64;
        self.meter.reaches(self.position);
        Ok(read)
    }
}

/// Nothing is done by seeking. The next read shows its place.
impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.source.seek(to)?;
        Ok(self.position)
    }
}

impl<R> Drop for Metered<R> {
    fn drop(&mut self) {
        self.meter.ends();
    }
}

#[cfg(test)]
impl Meter {
    /// Creates a meter with a hidden bar.
    pub(crate) fn hidden() -> (Self, ProgressBar) {
        let bar = ProgressBar::hidden();
        (Self::shown("testing", None, Shown::Bar(bar.clone())), bar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_begin_where_the_run_begins() {
        let meter = Meter::new("encrypting", Some(400 << 20), ProgressForm::None);
        meter.begins_at(100 << 20);
        *locked(&meter.0.rated_from) = (100 << 20, Duration::from_secs(5));
        meter.reaches(200 << 20);
        assert_eq!(
            meter.line(Duration::from_secs(15)),
            "encrypting: 200 MiB of 400 MiB (50%), 10 MiB/s, 20 s left"
        );
    }

    #[test]
    fn seeking_to_the_end_is_not_progress() {
        let meter = Meter::new("reading", Some(10), ProgressForm::None);
        let mut source = Metered::new(io::Cursor::new([0; 10]), meter.clone());
        source.seek(SeekFrom::End(0)).unwrap();
        assert_eq!(meter.0.done.load(Ordering::Relaxed), 0);
        source.rewind().unwrap();
        source.read_exact(&mut [0; 4]).unwrap();
        assert_eq!(meter.0.done.load(Ordering::Relaxed), 4);
        drop(source);
        assert!(meter.0.has_ended.load(Ordering::Relaxed));
    }
}
