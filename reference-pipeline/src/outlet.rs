//! The end of a run: its sink and its managers, told of everything in the order that a crash needs (§18, §19).

use bytes::Bytes;
use stream_v2_format::crypto::JournalKey;
use stream_v2_format::wire::{HeaderV1, Trailer};
use stream_v2_format::{Detail, ErrorKind, SegmentIndex};

use crate::durability::Pending;
use crate::error::{Cause, Error, Stage};
use crate::guard::guarded;
use crate::managers::{Commit, LogEvent, Managers};
use crate::{Durability, OutputSink, SinkUnit, Summary};

/// What becomes of the sink where the stream is at fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    Suspended,
    Aborted,
}

/// The sink of a run with its managers.
pub(crate) struct Outlet<'a, 'm> {
    sink: &'a mut dyn OutputSink,
    managers: Managers<'m>,
    pending: Pending,
    position: u64,
    /// The last segment that the sink has taken and the crash manager has not recorded, with a writer's plaintext.
    unrecorded: Option<(Commit, Bytes)>,
}

impl<'a, 'm> Outlet<'a, 'm> {
    /// A sink that holds `position` bytes already.
    pub(crate) fn new(
        sink: &'a mut dyn OutputSink,
        managers: Managers<'m>,
        policy: Durability,
        position: u64,
    ) -> Self {
        Self { sink, managers, pending: Pending::new(policy), position, unrecorded: None }
    }

    /// Whether somebody keeps the run resumable.
    pub(crate) const fn is_kept(&self) -> bool {
        self.managers.crash.is_some()
    }

    pub(crate) fn started(&mut self, header: &HeaderV1) {
        self.managers.log(LogEvent::Started(header));
    }

    /// Makes what there is durable, and then the journal, before anything follows (SV2-RES-001, SV2-JRN-009).
    pub(crate) fn begin(&mut self, segments: u64, key: &JournalKey) -> Result<(), Error> {
        if !self.is_kept() {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-001
        //# A writer MUST reach a durability point after the stream header and envelope, of the output's name
        //# too, before it writes its journal and before it hands over segment 0.
        self.sink.make_durable().map_err(|error| Error::io(Stage::Sink, Some(segments), error))?;
        //= spec/stream-v2.md#sv2-jrn-009
        //# An owner MUST write the journal's header, and make it and the journal's name durable, before it
        //# hands over the first byte of segment 0 or of the plaintext.
        self.managers.crash(segments, |crash| crash.began(key))?;
        self.record()
    }

    /// What the sink holds already ends with this segment: it is recorded before anything follows (§19.2, step 10).
    pub(crate) fn holds(&mut self, last: Option<(Commit, Bytes)>) {
        self.unrecorded = last.filter(|_| self.is_kept());
    }

    /// Hands a piece to the sink.
    pub(crate) fn append(
        &mut self,
        index: Option<SegmentIndex>,
        head: &[u8],
        body: &[u8],
    ) -> Result<(), Error> {
        let unit = SinkUnit { index, position: self.position, head, body };
        let segment = index.map(|index| index.0.into());
        self.sink.append(&unit).map_err(|error| Error::io(Stage::Sink, segment, error))?;
        self.position += unit.len();
        Ok(())
    }

    /// Tells that the sink has taken a segment.
    pub(crate) fn committed(&mut self, commit: &Commit) -> Result<(), Error> {
        self.managers.committed(commit)
    }

    /// Makes the sink durable after that segment, if it is time for it. Returns a plaintext that is not needed any more: one is kept back, so
    /// that its fingerprint can be taken.
    pub(crate) fn settle(&mut self, commit: Commit, bytes: u64, plaintext: Bytes) -> Result<Bytes, Error> {
        let spare = match self.is_kept() {
            false => plaintext,
            true => {
                self.unrecorded.replace((commit, plaintext)).map_or(Bytes::new(), |(_, plaintext)| plaintext)
            }
        };
        if self.pending.add(bytes) {
            self.make_durable(commit.index.0.into())?;
        }
        Ok(spare)
    }

    /// Makes the sink durable, and has the crash manager record it (SV2-JRN-001, SV2-RES-011).
    fn make_durable(&mut self, segment: u64) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-jrn-001
        //# An owner MUST make the output durable up to the end of a segment before it appends a commit record
        //# for that segment.
        self.sink.make_durable().map_err(|error| Error::io(Stage::Sink, Some(segment), error))?;
        self.pending.reset();
        self.record()
    }

    fn record(&mut self) -> Result<(), Error> {
        let Some((commit, plaintext)) = self.unrecorded.take() else { return Ok(()) };
        self.managers.crash(commit.index.0.into(), |crash| crash.durable(&commit, &plaintext))
    }

    /// Everything but the final segment, or but the name, is there: that is made durable and recorded first (SV2-JRN-002).
    pub(crate) fn ending(&mut self, ending: Option<(SegmentIndex, Trailer)>) -> Result<(), Error> {
        if !self.is_kept() {
            return Ok(());
        }
        let segment = ending.map_or(0, |(index, _)| index.0.into());
        //= spec/stream-v2.md#sv2-jrn-002
        //# A writer MUST make a commit record for the last data or index segment durable, where there is one,
        //# and after it an ending record, before it hands over the first byte of the final segment; a reader
        //# MUST do the same before it publishes the plaintext.
        self.make_durable(segment)?;
        ending.map_or(Ok(()), |(index, trailer)| {
            self.managers.crash(segment, |crash| crash.ending(index, &trailer))
        })
    }

    pub(crate) fn seal(&mut self, segment: u64) -> Result<(), Error> {
        self.sink.seal().map_err(|error| Error::io(Stage::Sink, Some(segment), error))
    }

    /// Whether what a reader has released is kept: a stream that ends too early may be whole later (SV2-RES-017).
    const fn is_worth_keeping(&self, kind: ErrorKind) -> bool {
        match kind {
            ErrorKind::Misuse => true,
            //= spec/stream-v2.md#sv2-res-017
            //# A reader that keeps a journal MUST keep it and the output where the stream ends too early
            //# (`truncated`) after something was released, and SHOULD drop both where the stream is rejected
            //# for any other reason.
            ErrorKind::Truncated => self.is_kept() && self.position > 0,
            _ => false,
        }
    }

    /// Ends a run: tells the managers, and suspends or aborts the sink of a failed one.
    pub(crate) fn finish(
        mut self,
        mut result: Result<Summary, Error>,
        leave: Leave,
    ) -> Result<Summary, Error> {
        let ended = match &result {
            Ok(_) => true,
            // The first error is the one to report, whatever becomes of the sink now.
            Err(error) => match error.cause() {
                Cause::Format(format) if format.detail() == Detail::TruncatedUnsealed => true,
                Cause::Format(format) if leave == Leave::Aborted && !self.is_worth_keeping(format.kind()) => {
                    self.leaves(|sink| sink.abort())
                }
                _ => {
                    // What is whole in the sink is recorded, so that going on reads as little as can be.
                    if self.leaves(|sink| sink.suspend()) && error.stage() != Stage::Manager {
                        let _ = guarded(Stage::Manager, None, || self.record());
                    }
                    false
                }
            },
        };
        if ended {
            // The last step of publishing (SV2-RES-003).
            let removed = guarded(Stage::Manager, None, || self.managers.crash(0, |crash| crash.ended()));
            result = result.and_then(|summary| removed.map(|()| summary));
        }
        // The run is over, whatever the log makes of it.
        let _ = guarded(Stage::Manager, None, || {
            self.managers.log(result.as_ref().map_or_else(LogEvent::Failed, |_| LogEvent::Sealed));
            Ok(())
        });
        result
    }

    /// Whether the sink was left as it should be.
    fn leaves(&mut self, leave: impl FnOnce(&mut dyn OutputSink) -> std::io::Result<()>) -> bool {
        let io_error = |error| Error::io(Stage::Sink, None, error);
        guarded(Stage::Sink, None, || leave(self.sink).map_err(io_error)).is_ok()
    }
}
