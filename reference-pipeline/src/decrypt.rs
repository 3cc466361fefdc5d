//! Decrypting: the reader frames segments, workers open them, the writer checks the transcript and releases plaintext in order.

use std::io::Read;

use bytes::BytesMut;
use stream_v2_format::crypto::{Progress, SegmentOrder, StreamOpener};

use crate::buffers::Buffers;
use crate::engine::{self, Flow, ReadSide, WorkSide, WriteSide};
use crate::io::read_segment;
use crate::managers::{Commit, Managers};
use crate::pipeline::DecryptPipeline;
use crate::shutdown::Watched;
use crate::{
    DecryptSegmentInput, DecryptSegmentWorker, DecryptedSegment, Error, OutputSink, Shutdown, SinkUnit,
    Stage, Telemetry,
};

/// Runs the decrypting flow up to and with the final segment and the end of the input.
pub(crate) fn run(
    pipeline: &DecryptPipeline<'_>,
    stream: &StreamOpener,
    source: Watched<impl Read + Send>,
    writer: &mut OpenWriter<'_, '_>,
) -> Result<(), Error> {
    let mut reader = SegmentReader {
        source,
        order: SegmentOrder::new(stream.header()),
        stream: stream.clone(),
        telemetry: pipeline.telemetry.clone(),
        shutdown: pipeline.shutdown.clone(),
    };
    let workers = (0..pipeline.lanes.jobs.max(1)).map(|_| DecryptSegmentWorker::new(stream)).collect();
    engine::run::<Decrypting, _>(pipeline.lanes.window, 0, &mut reader, workers, writer)
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
        place: u64,
        permit: Buffers,
    ) -> Result<Option<(DecryptSegmentInput, BytesMut)>, Error> {
        if self.shutdown.requested() {
            return Err(Error::interrupted(Some(place)));
        }
        let next = read_segment(&mut self.source, &self.stream, &mut self.order, permit.input)?;
        Ok(next.map(|segment| {
            self.telemetry.read(place, segment.header.header().segment_len());
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
}

impl<'a, 'm> OpenWriter<'a, 'm> {
    pub(crate) fn new(
        stream: &StreamOpener,
        sink: &'a mut dyn OutputSink,
        managers: &'a mut Managers<'m>,
        telemetry: Telemetry,
    ) -> Self {
        Self { sink, managers, telemetry, progress: Progress::of_reader(stream) }
    }

    /// Seals the sink where the run was complete, or where an unsealed stream was to be salvaged (§15.4).
    pub(crate) fn finish(self, salvage: bool, result: Result<(), Error>) -> Result<Progress, Error> {
        let place = self.progress.segments();
        let unsealed = match result {
            Ok(()) => None,
            Err(error) => match error.format_error() {
                Some(cause) if salvage && cause.detail() == stream_v2_format::Detail::Truncated => {
                    Some(Error::format(error.stage(), cause.salvaged()))
                }
                _ => return Err(error),
            },
        };
        self.sink.seal().map_err(|error| Error::io(Stage::Sink, Some(place), error))?;
        unsealed.map_or(Ok(self.progress), Err)
    }

    fn segment(&mut self, place: u64, segment: &DecryptedSegment) -> Result<(), Error> {
        let position = self.progress.plaintext_len();
        self.progress
            .opened(&segment.header, &segment.opened)
            .map_err(|error| Error::format(Stage::Writer, error))?;
        let header = segment.header.header();
        if !segment.plaintext.is_empty() {
            let unit = SinkUnit { index: Some(header.index), position, head: &[], body: &segment.plaintext };
            self.sink.append(&unit).map_err(|error| Error::io(Stage::Sink, Some(place), error))?;
        }
        self.telemetry.written(place, segment.plaintext.len() as u64);
        self.managers.committed(&Commit::of(header, &self.progress))
    }
}

impl WriteSide<Decrypting> for OpenWriter<'_, '_> {
    fn write(
        &mut self,
        place: u64,
        (segment, input): (DecryptedSegment, DecryptSegmentInput),
    ) -> Result<Buffers, Error> {
        self.segment(place, &segment)?;
        Ok(Buffers::recycled(input.wire, segment.plaintext))
    }
}
