//! Decryption: the reader frames segments, workers open them, and the writer releases plaintext in
//! order.
//!
//! The writer also checks the transcript.

use bytes::{Bytes, BytesMut};
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{AuthenticHeader, Committed, Progress, SegmentOrder, StreamOpener};
use stream_v2_format::wire::Trailer;

use super::committer::Committer;
use super::decrypt_worker::DecryptWorker;
use super::output::Output;
use super::settings::Settings;
use crate::engine::Shutdown;
use crate::engine::stages::{Engine, Flow, ReaderStage, WriterStage};
use crate::error::{Error, Stage};
use crate::io::{next_header, wire_of};
use crate::observe::step::Step;
use crate::observe::{Commit, Telemetry};
use crate::segment::DecryptedSegment;
use crate::segment::buffers::Buffers;
use crate::source::Source;
use crate::source::file_source::SegmentInput;

/// Runs the decrypting flow, up to and including the final segment and the end of the input.
///
/// It begins after the segments that `writer` has committed.
pub(crate) async fn run<E: Engine, P: Output>(
    engine: &E,
    settings: Settings<'_>,
    stream: &StreamOpener,
    source: impl Source + Send,
    writer: &mut DecryptWriter<'_, P>,
) -> Result<(), Error> {
    let committed = writer.progress.committed().clone();
    let mut reader = DecryptReader {
        source,
        is_short: false,
        order: SegmentOrder::after(stream.header(), &committed),
        stream: stream.clone(),
        telemetry: settings.telemetry.clone(),
        shutdown: settings.shutdown.clone(),
    };
    let worker = || DecryptWorker::new(settings, stream);
    engine.run::<Decrypting, _>(settings.parallelism, committed.segments, &mut reader, worker, writer).await
}

/// The flow of segments that are being opened.
pub(crate) struct Decrypting;

impl Flow for Decrypting {
    type Job = OpenJob;
    type Done = OpenedJob;
}

/// The job that the reader gives to the workers: a segment, and a buffer for its plaintext.
pub(crate) struct OpenJob {
    pub(crate) header: AuthenticHeader,
    pub(crate) wire: SegmentInput,
    pub(crate) contents: BytesMut,
}

/// The result that workers give to the writer: a segment, and the memory that held its wire.
pub(crate) struct OpenedJob(pub(crate) DecryptedSegment, pub(crate) Bytes);

struct DecryptReader<R> {
    source: R,
    /// True if the last segment was less than a full one.
    is_short: bool,
    order: SegmentOrder,
    stream: StreamOpener,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

/// Reads the next header, and the wire after it, or leaves the wire to the worker.
async fn next_open_job(
    source: &mut impl Source,
    stream: &StreamOpener,
    order: &mut SegmentOrder,
    permit: Buffers,
) -> Result<Option<OpenJob>, Error> {
    let Some((header, before)) = next_header(source, stream, order).await? else { return Ok(None) };
    let wire = match source.defer(header.header().wire_len as usize) {
        Some(pending) => SegmentInput::Pending(pending, permit.input),
        None => SegmentInput::Read(wire_of(source, &header, before, permit.input).await?),
    };
    Ok(Some(OpenJob { header, wire, contents: permit.output }))
}

impl<R: Source> ReaderStage<Decrypting> for DecryptReader<R> {
    async fn next_job(&mut self, _: u64, permit: Buffers) -> Result<Option<OpenJob>, Error> {
        self.shutdown.look(self.order.segments())?;
        let segment = Some(self.order.segments());
        let next = next_open_job(&mut self.source, &self.stream, &mut self.order, permit);
        let next = self.telemetry.timed(Step::Reading, segment, next).await?;
        Ok(next.inspect(|segment| {
            let header = segment.header.header();
            self.is_short = header.plaintext_len < self.stream.header().segment_size();
            self.telemetry.read(header.index.0.into(), header.segment_len());
        }))
    }

    fn is_nonblocking(&self) -> bool {
        self.source.is_nonblocking()
    }

    fn is_short(&self) -> bool {
        self.is_short
    }
}

/// Checks the transcript and the trailer, and releases plaintext in order.
pub(crate) struct DecryptWriter<'o, P> {
    committer: &'o mut Committer<P>,
    telemetry: Telemetry,
    progress: Progress,
    /// The final segment, once it was verified.
    ending: Option<(SegmentIndex, Trailer)>,
    shutdown: Shutdown,
}

impl<'o, P: Output> DecryptWriter<'o, P> {
    /// Begins after committed segments.
    pub(crate) async fn begin(
        stream: &StreamOpener,
        committed: &Committed,
        committer: &'o mut Committer<P>,
        settings: Settings<'_>,
    ) -> Result<Self, Error> {
        committer.started(stream.header());
        committer.begin(committed.segments, &stream.into()).await?;
        //= spec/stream-v2.md#sv2-res-012
        //= type=implication
        //= reason=A resumed run has the same reader and the same checks, which the vectors test.
        //# A reader that resumes MUST reject the stream as §15 says from the next segment on, the
        //# trailer included.
        let progress = Progress::of_reader_after(stream, committed);
        let (telemetry, shutdown) = (settings.telemetry.clone(), settings.shutdown.clone());
        Ok(Self { committer, telemetry, progress, ending: None, shutdown })
    }

    /// Ends the run.
    ///
    /// Seals the sink if the run was complete, or if it salvaged an unsealed stream (§15.4).
    pub(crate) async fn finish(self, salvage: bool, result: Result<(), Error>) -> Result<Progress, Error> {
        // On the caller's thread, like the shutdown checks of a writer.
        let result = match result {
            Ok(()) => self.shutdown.look(self.progress.segments()),
            Err(error) => Err(self.shutdown.unless_cut_off(error)),
        };
        let unsealed = match result {
            Ok(()) => None,
            Err(error) => match error.format_error() {
                //= spec/stream-v2.md#sv2-sal-002
                //# A reader that salvages MUST release the plaintext of the committed prefix and
                //# report `truncated.unsealed`, never success, where SV2-SEG-001, SV2-SEG-024 or
                //# SV2-FIN-004 call for `truncated`.
                Some(cause) if salvage && cause.detail() == stream_v2_format::Detail::Truncated => {
                    Some(Error::format(error.stage(), cause.salvaged()))
                }
                _ => return Err(error),
            },
        };
        self.committer.complete(self.ending.map_or(0, |(index, _)| index.0.into())).await?;
        self.committer.ending(self.ending).await?;
        self.committer.seal(self.progress.segments()).await?;
        unsealed.map_or(Ok(self.progress), Err)
    }

    async fn segment(&mut self, segment: &DecryptedSegment) -> Result<(), Error> {
        let trailer = self.progress.trailer();
        segment.follow(&mut self.progress).map_err(|error| Error::format(Stage::Writer, error))?;
        let header = segment.header.header();
        //= spec/stream-v2.md#sv2-rel-001
        //# A reader MUST NOT release any plaintext of a segment before every check of §15.1 up to
        //# step 17 has passed for that segment.
        let released = segment.plaintext().len() as u64;
        if released > 0 {
            self.committer.append(Some(header.index), &[], &segment.contents).await?;
        }
        self.telemetry.written(header.index.0.into(), released);
        let commit = Commit::of(header, &self.progress);
        self.committer.committed(&commit).await?;
        if self.progress.ended() {
            self.ending = Some((header.index, trailer));
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-011
        //# A reader MUST reach a durability point of its output before it appends a commit record,
        //# and release nothing from a segment before it is verified, resumed or not.
        self.committer.settle(commit, released).await
    }
}

impl<P: Output> WriterStage<Decrypting> for DecryptWriter<'_, P> {
    async fn write(&mut self, OpenedJob(segment, spare): OpenedJob) -> Result<Buffers, Error> {
        self.segment(&segment).await?;
        Ok(Buffers::recycled(spare, segment.contents))
    }
}
