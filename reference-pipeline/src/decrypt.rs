//! Decrypting: the reader frames segments, workers open them, the writer checks the transcript and releases plaintext in order.

use std::io::Read;

use bytes::BytesMut;
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Committed, Progress, SegmentOrder, StreamOpener};
use stream_v2_format::wire::Trailer;

use crate::buffers::Buffers;
use crate::durability::Pending;
use crate::engine::{self, Flow, ReadSide, WorkSide, WriteSide};
use crate::io::read_segment;
use crate::managers::{Commit, LogEvent, Managers};
use crate::pipeline::DecryptPipeline;
use crate::shutdown::Watched;
use crate::{
    DecryptSegmentInput, DecryptSegmentWorker, DecryptedSegment, Error, OutputSink, Shutdown, SinkUnit,
    Stage, Telemetry,
};

/// Runs the decrypting flow after what `writer` has committed, up to and with the final segment and the end of the input.
pub(crate) fn run(
    pipeline: &DecryptPipeline<'_>,
    stream: &StreamOpener,
    source: impl Read + Send,
    writer: &mut OpenWriter<'_, '_>,
) -> Result<(), Error> {
    let committed = *writer.progress.committed();
    let mut reader = SegmentReader {
        source: Watched::new(source, &pipeline.shutdown),
        order: SegmentOrder::after(stream.header(), &committed),
        stream: stream.clone(),
        telemetry: pipeline.telemetry.clone(),
        shutdown: pipeline.shutdown.clone(),
    };
    let workers = (0..pipeline.lanes.jobs.max(1)).map(|_| DecryptSegmentWorker::new(stream)).collect();
    engine::run::<Decrypting, _>(pipeline.lanes.window, committed.segments, &mut reader, workers, writer)
}

/// The flow of segments that are being opened.
pub(crate) struct Decrypting;

impl Flow for Decrypting {
    type Job = (DecryptSegmentInput, BytesMut);
    type Done = (DecryptedSegment, DecryptSegmentInput);
}

struct SegmentReader<R> {
    source: Watched<R>,
    order: SegmentOrder,
    stream: StreamOpener,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

impl<R: Read + Send> ReadSide<Decrypting> for SegmentReader<R> {
    fn next_job(
        &mut self,
        _: u64,
        permit: Buffers,
    ) -> Result<Option<(DecryptSegmentInput, BytesMut)>, Error> {
        if self.shutdown.requested() {
            return Err(Error::interrupted(Some(self.order.segments())));
        }
        let next = read_segment(&mut self.source, &self.stream, &mut self.order, permit.input)?;
        Ok(next.map(|segment| {
            let header = segment.header.header();
            self.telemetry.read(header.index.0.into(), header.segment_len());
            (segment, permit.output)
        }))
    }
}

impl WorkSide<Decrypting> for DecryptSegmentWorker {
    fn work(
        &mut self,
        (input, plaintext): (DecryptSegmentInput, BytesMut),
    ) -> Result<(DecryptedSegment, DecryptSegmentInput), Error> {
        let segment = self.open(&input, plaintext).map_err(|error| Error::format(Stage::Worker, error))?;
        Ok((segment, input))
    }
}

/// Checks the transcript and the trailer, and releases plaintext in order.
pub(crate) struct OpenWriter<'a, 'm> {
    sink: &'a mut dyn OutputSink,
    managers: &'a mut Managers<'m>,
    telemetry: Telemetry,
    progress: Progress,
    pending: Pending,
    /// The last data segment, until it is recorded as durable.
    last: Option<Commit>,
    /// The final segment, once it was verified.
    ending: Option<(SegmentIndex, Trailer)>,
}

impl<'a, 'm> OpenWriter<'a, 'm> {
    pub(crate) fn begin(
        stream: &StreamOpener,
        committed: &Committed,
        sink: &'a mut dyn OutputSink,
        managers: &'a mut Managers<'m>,
        pipeline: &DecryptPipeline<'_>,
    ) -> Result<Self, Error> {
        managers.log(LogEvent::Started(stream.header()));
        let progress = Progress::of_reader_after(stream, committed);
        let (telemetry, pending) = (pipeline.telemetry.clone(), Pending::new(pipeline.durability));
        if managers.crash.is_some() {
            let place = committed.segments;
            sink.make_durable().map_err(|error| Error::io(Stage::Sink, Some(place), error))?;
            managers.crash(place, |crash| crash.began(&stream.into()))?;
        }
        Ok(Self { sink, managers, telemetry, progress, pending, last: None, ending: None })
    }

    /// Seals the sink where the run was complete, or where an unsealed stream was to be salvaged (§15.4).
    pub(crate) fn finish(mut self, salvage: bool, result: Result<(), Error>) -> Result<Progress, Error> {
        let place = self.progress.segments();
        let unsealed = match result {
            Ok(()) => None,
            Err(error) => match error.format_error() {
                Some(cause) if salvage && cause.detail() == stream_v2_format::Detail::Truncated => {
                    Some(Error::format(error.stage(), cause.salvaged()))
                }
                _ => {
                    self.settle(&error);
                    return Err(error);
                }
            },
        };
        if self.managers.crash.is_some() {
            self.make_durable(place)?;
            if let Some((index, trailer)) = self.ending {
                self.managers.crash(place, |crash| crash.ending(index, &trailer))?;
            }
        }
        self.sink.seal().map_err(|error| Error::io(Stage::Sink, Some(place), error))?;
        unsealed.map_or(Ok(self.progress), Err)
    }

    /// As for a writer: what was released is recorded, where the sink still takes it and the stream is not at fault.
    fn settle(&mut self, error: &Error) {
        let usable = !matches!(error.stage(), Stage::Sink | Stage::Manager) && error.format_error().is_none();
        if usable && self.managers.crash.is_some() {
            // The error that ended the run is the one to report.
            let _ = self.make_durable(self.progress.segments());
        }
    }

    fn segment(&mut self, place: u64, segment: &DecryptedSegment) -> Result<(), Error> {
        let (position, trailer) = (self.progress.plaintext_len(), self.progress.trailer());
        self.progress
            .opened(&segment.header, &segment.opened)
            .map_err(|error| Error::format(Stage::Writer, error))?;
        let header = segment.header.header();
        if !segment.plaintext.is_empty() {
            let unit = SinkUnit { index: Some(header.index), position, head: &[], body: &segment.plaintext };
            self.sink.append(&unit).map_err(|error| Error::io(Stage::Sink, Some(place), error))?;
        }
        self.telemetry.written(place, segment.plaintext.len() as u64);
        let commit = Commit::of(header, &self.progress);
        self.managers.committed(&commit)?;
        if self.progress.ended() {
            self.ending = Some((header.index, trailer));
            return Ok(());
        }
        self.last = Some(commit);
        if self.pending.add(segment.plaintext.len() as u64) {
            self.make_durable(place)?;
        }
        Ok(())
    }

    /// Makes the sink durable, and has the crash manager record it (SV2-RES-011).
    fn make_durable(&mut self, place: u64) -> Result<(), Error> {
        self.sink.make_durable().map_err(|error| Error::io(Stage::Sink, Some(place), error))?;
        self.pending.reset();
        let last = self.last.take();
        last.map_or(Ok(()), |commit| self.managers.crash(place, |crash| crash.durable(&commit, &[])))
    }
}

impl WriteSide<Decrypting> for OpenWriter<'_, '_> {
    fn write(
        &mut self,
        _: u64,
        (segment, input): (DecryptedSegment, DecryptSegmentInput),
    ) -> Result<Buffers, Error> {
        self.segment(segment.header.header().index.0.into(), &segment)?;
        Ok(Buffers::recycled(input.wire, segment.plaintext))
    }
}
