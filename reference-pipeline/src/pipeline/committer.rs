//! The end of a run: it calls the sink and the managers in the order that survives a crash (§18,
//! §19).

use bytes::Bytes;
use stream_v2_format::crypto::JournalKey;
use stream_v2_format::wire::{HeaderV1, Trailer};
use stream_v2_format::{Detail, ErrorKind, SegmentIndex};

use super::Summary;
use super::durability::{Durability, Pending};
use super::output::{Chunk, JournalEvent, Output, SinkOp};
use crate::engine::catch_panic::{catch_panic, catch_panic_async};
use crate::engine::shutdown::Interruption;
use crate::error::{Cause, Error, Stage};
use crate::observe::step::Step;
use crate::observe::{Commit, LogEvent, Telemetry};
use crate::sink::sink_fault;

/// The fate of the sink if the stream is at fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Suspend,
    Abort,
}

/// The sink of a run with its managers.
pub(crate) struct Committer<P> {
    output: P,
    pending: Pending,
    position: u64,
    /// Bytes of the sink up to the end of the last recorded commit.
    recorded: u64,
    /// True once a durability point of the sink has failed. Nothing after `recorded` counts as
    /// durable then.
    sink_failed: bool,
    /// True once the sink has failed to take a chunk.
    ///
    /// On some file systems (NFS) a write reports that an earlier one was lost, and the next sync
    /// succeeds. So nothing more is recorded, and a run that resumes writes it again.
    append_failed: bool,
    /// True once the crash manager has failed. It is not called any more.
    record_failed: bool,
    telemetry: Telemetry,
    /// The last segment that the sink has taken and the crash manager has not recorded.
    unrecorded: Option<Commit>,
    /// The state before the first chunk that marks the end of the source.
    before_end: Option<BeforeEnd>,
    /// The answer of the crash manager's `wants_plaintext`, which is called once.
    wants_plaintext: bool,
}

/// The state that a run returns to if its source has not ended after all.
struct BeforeEnd {
    position: u64,
    unrecorded: Option<Commit>,
}

impl<P: Output> Committer<P> {
    /// Wraps a sink that holds `position` bytes already.
    pub(crate) fn new(output: P, policy: Durability, position: u64, telemetry: &Telemetry) -> Self {
        let (telemetry, pending) = (telemetry.clone(), Pending::new(policy));
        Self {
            output,
            pending,
            position,
            recorded: position,
            sink_failed: false,
            append_failed: false,
            record_failed: false,
            telemetry,
            unrecorded: None,
            before_end: None,
            wants_plaintext: false,
        }
    }

    /// Sets the end of the last recorded commit of the previous run.
    ///
    /// The bytes after it are there, but may not be durable.
    pub(crate) fn recorded_up_to(self, recorded: u64) -> Self {
        Self { recorded, ..self }
    }

    /// Returns whether a crash manager keeps the run resumable.
    pub(crate) fn has_journal(&self) -> bool {
        self.output.has_journal()
    }

    /// Returns whether the crash manager needs the plaintext of each segment.
    pub(crate) const fn wants_plaintext(&self) -> bool {
        self.wants_plaintext
    }

    pub(crate) fn started(&mut self, header: &HeaderV1) {
        self.output.log(LogEvent::Started(header));
    }

    /// Makes the sink's content durable, and then the journal, before anything follows
    /// (SV2-RES-001, SV2-JRN-009).
    pub(crate) async fn begin(&mut self, segments: u64, key: &JournalKey) -> Result<(), Error> {
        if !self.has_journal() {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-001
        //# A writer MUST reach a durability point after the stream header and envelope, of the
        //# output's name too, before it writes its journal and before it hands over segment 0.
        self.apply(SinkOp::MakeDurable, Some(segments)).await?;
        //= spec/stream-v2.md#sv2-jrn-009
        //# An owner MUST write the journal's header, and make it and the journal's name durable,
        //# before it hands over the first byte of segment 0 or of the plaintext.
        self.journal(segments, JournalEvent::Began(key.clone())).await?;
        if self.unrecorded.is_none() {
            self.recorded = self.position;
        }
        self.wants_plaintext = self.output.wants_plaintext();
        self.record().await
    }

    /// Sets the last segment in the sink, which must be recorded.
    ///
    /// In a resumed run that happens before anything follows (§19.2, step 10).
    pub(crate) fn ends_with(&mut self, last: Option<Commit>) {
        self.unrecorded = last.filter(|_| self.has_journal());
    }

    /// Passes a chunk to the sink.
    pub(crate) async fn append(
        &mut self,
        index: Option<SegmentIndex>,
        head: &[u8],
        body: &Bytes,
    ) -> Result<(), Error> {
        let chunk = Chunk { index, position: self.position, head, body };
        let segment = index.map(|index| index.0.into());
        let taken = self.telemetry.timed(Step::Writing, segment, self.output.append(&chunk)).await;
        self.append_failed |= taken.as_ref().is_err_and(|error| !Interruption::is(error));
        taken.map_err(|error| sink_fault(segment, error))?;
        self.position += chunk.unit().len();
        Ok(())
    }

    async fn apply(&mut self, op: SinkOp, segment: Option<u64>) -> Result<(), Error> {
        let done = self.telemetry.timed(Step::MakingDurable, segment, self.output.apply(op)).await;
        if let (SinkOp::MakeDurable | SinkOp::Seal, Err(error)) = (op, &done) {
            self.sink_failed |= !Interruption::is(error);
        }
        done.map_err(|error| sink_fault(segment, error))
    }

    async fn journal(&mut self, segment: u64, event: JournalEvent) -> Result<(), Error> {
        if !self.has_journal() {
            return Ok(());
        }
        let kept = self.telemetry.timed(Step::Recording, Some(segment), self.output.journal(event)).await;
        self.record_failed |= kept.is_err();
        kept.map_err(|error| Error::io(Stage::Manager, Some(segment), error))
    }

    /// Reports that the sink has taken a segment.
    pub(crate) async fn committed(&mut self, commit: &Commit) -> Result<(), Error> {
        self.journal(commit.index.0.into(), JournalEvent::Committed(*commit)).await?;
        self.output.log(LogEvent::Committed(commit));
        Ok(())
    }

    /// Reports the plaintext of that segment, if the crash manager needs it.
    pub(crate) async fn holds(&mut self, commit: Commit, plaintext: &Bytes) -> Result<(), Error> {
        if self.wants_plaintext {
            self.journal(commit.index.0.into(), JournalEvent::Holds(commit, plaintext.clone())).await?;
        }
        Ok(())
    }

    /// Makes the sink durable after that segment, if it is time for it.
    pub(crate) async fn settle(&mut self, commit: Commit, bytes: u64) -> Result<(), Error> {
        self.ends_with(Some(commit));
        if self.pending.add(bytes) {
            self.make_durable(commit.index.0.into()).await?;
        }
        Ok(())
    }

    /// Makes the sink durable, and lets the crash manager record it (SV2-JRN-001, SV2-RES-011).
    async fn make_durable(&mut self, segment: u64) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-jrn-001
        //# An owner MUST make the output durable up to the end of a segment before it appends a
        //# commit record for that segment.
        self.apply(SinkOp::MakeDurable, Some(segment)).await?;
        self.pending.reset();
        if !self.has_journal() {
            self.recorded = self.position;
        }
        self.record().await
    }

    async fn record(&mut self) -> Result<(), Error> {
        let Some(commit) = self.unrecorded.take() else { return Ok(()) };
        self.journal(commit.index.0.into(), JournalEvent::Durable(commit)).await?;
        self.recorded = self.position;
        self.output.log(LogEvent::Durable(&commit));
        Ok(())
    }

    /// Marks that the following chunks end the stream.
    ///
    /// They are not recorded before [`ending`](Self::ending), so that they can be taken back until
    /// then.
    pub(crate) async fn begins_to_end(&mut self) -> Result<(), Error> {
        // Two more pieces fit below the limit of SV2-RES-002.
        if let Some(commit) = self.unrecorded.filter(|_| self.pending.is_large()) {
            self.make_durable(commit.index.0.into()).await?;
        }
        self.before_end.get_or_insert(BeforeEnd { position: self.position, unrecorded: self.unrecorded });
        Ok(())
    }

    /// Takes back the end of the stream.
    ///
    /// The source may have been cut off, and the next run may get a longer one.
    async fn take_back(&mut self) -> Result<(), Error> {
        let Some(before) = self.before_end.take().filter(|_| self.has_journal()) else { return Ok(()) };
        self.apply(SinkOp::TakeBack(before.position), None).await?;
        (self.position, self.unrecorded) = (before.position, before.unrecorded);
        Ok(())
    }

    /// Makes everything durable before the last step: the final segment, or the rename.
    pub(crate) async fn complete(&mut self, segment: u64) -> Result<(), Error> {
        if self.has_journal() { self.apply(SinkOp::MakeDurable, Some(segment)).await } else { Ok(()) }
    }

    /// Records that everything is durable, and that the final segment comes next, or was verified
    /// (SV2-JRN-002).
    pub(crate) async fn ending(&mut self, ending: Option<(SegmentIndex, Trailer)>) -> Result<(), Error> {
        self.before_end = None;
        //= spec/stream-v2.md#sv2-jrn-002
        //# A writer MUST make a commit record for the last data or index segment durable, where
        //# there is one, and after it an ending record, before it hands over the first byte of the
        //# final segment; a reader MUST do the same before it publishes the plaintext.
        self.record().await?;
        match ending {
            Some((index, trailer)) => {
                self.journal(index.0.into(), JournalEvent::Ending(index, trailer)).await
            }
            None => Ok(()),
        }
    }

    pub(crate) async fn seal(&mut self, segment: u64) -> Result<(), Error> {
        self.apply(SinkOp::Seal, Some(segment)).await
    }

    /// Returns whether the released plaintext is kept.
    ///
    /// A stream that ends too early may be whole later (SV2-RES-017).
    fn is_worth_keeping(&self, kind: ErrorKind) -> bool {
        match kind {
            ErrorKind::Misuse => true,
            //= spec/stream-v2.md#sv2-res-017
            //# A reader that keeps a journal MUST keep it and the output where the stream ends too
            //# early (`truncated`) after something was released, and SHOULD drop both where the
            //# stream is rejected for any other reason.
            ErrorKind::Truncated => self.has_journal() && self.position > 0,
            _ => false,
        }
    }

    /// Ends a run: reports to the managers, and suspends or aborts the sink of a failed one.
    pub(crate) async fn finish(
        mut self,
        mut result: Result<Summary, Error>,
        on_failure: OnFailure,
    ) -> Result<Summary, Error> {
        let ended = match &result {
            Ok(_) => true,
            // The first error is reported, whatever happens to the sink now.
            Err(error) => match error.cause() {
                Cause::Format(format) if format.detail() == Detail::TruncatedUnsealed => true,
                Cause::Format(format)
                    if on_failure == OnFailure::Abort && !self.is_worth_keeping(format.kind()) =>
                {
                    self.leaves(SinkOp::Abort).await
                }
                cause => {
                    if let Cause::Interrupted = cause {
                        let _ = catch_panic_async(Stage::Sink, None, self.take_back()).await;
                    }
                    self.suspend().await;
                    false
                }
            },
        };
        if ended {
            // The last step of publishing (SV2-RES-003).
            let removed = catch_panic_async(Stage::Manager, None, self.journal(0, JournalEvent::Ended)).await;
            result = result.and_then(|summary| removed.map(|()| summary));
        }
        // The run is over, so a panic of the log changes nothing.
        let _ = catch_panic(Stage::Manager, None, || {
            self.output.log(result.as_ref().map_or_else(LogEvent::Failed, |_| LogEvent::Sealed));
            Ok(())
        });
        result
    }

    /// Leaves the sink's content to a run that resumes.
    ///
    /// Whole segments are made durable and recorded, so that the next run reads as little as
    /// possible.
    async fn suspend(&mut self) {
        //= spec/stream-v2.md#sv2-res-023
        //# An owner MUST NOT record, after a durability point of its output has failed, anything
        //# that was handed over since the last recorded commit, nor reach another durability point
        //# for it.
        if self.sink_failed || !self.leaves(SinkOp::Suspend).await {
            self.leaves(SinkOp::RollBack(self.recorded)).await;
        } else if !self.record_failed && !self.append_failed {
            let _ = catch_panic_async(Stage::Manager, None, self.record()).await;
        }
    }

    /// Returns whether the operation on the sink succeeded.
    async fn leaves(&mut self, op: SinkOp) -> bool {
        catch_panic_async(Stage::Sink, None, self.apply(op, None)).await.is_ok()
    }
}
