//! The part of a run that counts as done: its meter follows the thread that writes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stream_v2::format::wire::HeaderV1;
use stream_v2::pipeline::{Commit, LogEvent, LogManager};

use crate::progress::meter::{Meter, ProgressForm};

/// The unit of the meter, which is that of the input's length.
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

/// A log manager that remembers the progress of a run, and moves its meter.
pub(crate) struct Progress {
    meter: Meter,
    form: ProgressForm,
    unit: Unit,
    header_len: u64,
    /// The position of the meter after the last segment that the output has accepted.
    accepted: u64,
    committed: Committed,
    counts: Counts,
}

/// The progress that the meter shows: the work that an interrupted run need not repeat.
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
    meter: Meter,
    /// The ends of segments in the output, with the position of the meter for each.
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
            self.meter.reaches(shown);
        }
    }
}

impl Progress {
    /// Creates a meter up to `len` bytes, if the length is known. `what` begins its lines.
    pub(crate) fn new(what: &'static str, len: Option<u64>, unit: Unit, form: ProgressForm) -> Self {
        Self::moving(Meter::new(what, len, form), unit, form)
    }

    fn moving(meter: Meter, unit: Unit, form: ProgressForm) -> Self {
        let (committed, counts) = (Committed::default(), Counts::Taken);
        Self { meter, form, unit, header_len: 0, accepted: 0, committed, counts }
    }

    /// Creates the progress of a comparison of `len` bytes, which precedes the run.
    pub(crate) fn comparing(&self, len: u64) -> Self {
        Self::new("comparing", Some(len), Unit::Plaintext, self.form)
    }

    /// Counts durable bytes, for an output that is kept.
    pub(crate) fn count_durable(&mut self) {
        self.counts = Counts::Durable;
    }

    /// Counts the bytes that S3 has, for an output that reports them.
    pub(crate) fn count_uploaded(&mut self) -> Uploaded {
        let uploaded = Uploaded { meter: self.meter.clone(), pending: Arc::default() };
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
        self.meter.begins_at(match self.unit {
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

/// The end of a segment: for the meter, and in the output.
struct Ends {
    shown: u64,
    output: u64,
}

impl LogManager for Progress {
    fn log(&mut self, event: LogEvent<'_>) {
        match event {
            LogEvent::Started(header) => self.header_len = header.body_offset().0,
            LogEvent::Committed(commit) => {
                let segments = u64::from(commit.index.0) + 1;
                self.committed = Committed { segments, plaintext_len: commit.plaintext_len };
                let ends = self.ends(commit);
                self.accepted = ends.shown;
                match &self.counts {
                    Counts::Taken => self.meter.reaches(ends.shown),
                    Counts::Durable => {}
                    Counts::Uploaded(uploaded) => uploaded.locked().push_back((ends.output, ends.shown)),
                }
            }
            LogEvent::Durable(commit) => {
                if let Counts::Durable = self.counts {
                    self.meter.reaches(self.ends(commit).shown);
                }
            }
            // Now all of the output is where it is to be.
            LogEvent::Sealed if self.accepted > 0 => {
                self.meter.reaches(self.accepted);
                self.meter.ends();
            }
            _ => self.meter.ends(),
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
            let (meter, bar) = Meter::hidden();
            let mut progress = Progress::moving(meter, unit, ProgressForm::None);
            progress.resume_after(&header, &done);
            assert_eq!((bar.position(), progress.committed().segments), (begin, 1_000_000));
            assert!(bar.per_sec() < 1.0, "{}", bar.per_sec());
        }
    }

    #[test]
    fn what_is_lost_with_a_crash_does_not_count() {
        let (meter, bar) = Meter::hidden();
        let mut progress = Progress::moving(meter, Unit::Plaintext, ProgressForm::None);
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

        progress.log(LogEvent::Committed(&commit(4, 50)));
        assert_eq!(bar.position(), 40);
        progress.log(LogEvent::Sealed);
        assert_eq!(bar.position(), 50, "a sealed output has everything");
    }
}
