//! Encrypting: the reader cuts plaintext into segments, workers seal them, the writer puts them in order and ends the stream.

use std::io::{self, ErrorKind};

use bytes::{Bytes, BytesMut};
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Committed, Progress, Run, SegmentSealer, StreamSealer};
use stream_v2_format::wire::HeaderV1;

use crate::buffers::{Buffers, resize};
use crate::flow::{Engine, Flow, ReadSide, WorkSide, WriteSide};
use crate::io::source_error;
use crate::managers::Commit;
use crate::outlet::Outlet;
use crate::pipeline::{EncryptPipeline, Summary, summary};
use crate::port::Port;
use crate::ready::Source;
use crate::telemetry::Step;
use crate::{EncryptSegmentInput, EncryptSegmentWorker, EncryptedSegment, Error, Shutdown, Stage, Telemetry};

/// Runs the encrypting flow after what `writer` has committed, and ends the stream with its final segment.
pub(crate) async fn run<E: Engine, P: Port>(
    engine: &E,
    pipeline: &EncryptPipeline<'_>,
    stream: &StreamSealer,
    run: Run,
    source: impl Source + Send,
    mut writer: SealWriter<'_, P>,
) -> Result<Summary, Error> {
    let committed = writer.progress.committed().clone();
    let mut reader = PlaintextReader::new(source, stream.header(), &committed, pipeline);
    let workers = (0..pipeline.lanes.jobs.max(1))
        .map(|_| Sealing {
            worker: EncryptSegmentWorker::new(stream, run, pipeline.digest_alg),
            telemetry: pipeline.telemetry.clone(),
            shutdown: pipeline.shutdown.clone(),
        })
        .collect();
    let window = pipeline.lanes.window;
    //= spec/stream-v2.md#sv2-frm-008
    //# A writer MUST NOT seal two different messages under one pair of run_salt and segment_index.
    engine.run::<Encrypting, _>(window, committed.segments, &mut reader, workers, &mut writer).await?;
    let mut sealer = SegmentSealer::new(stream, run).with_digest_alg(pipeline.digest_alg);
    //= spec/stream-v2.md#sv2-wrt-005
    //# A writer MUST end a complete stream with a final segment, and write none where the source failed.
    writer.end(&mut sealer).await?;
    Ok(summary(&writer.progress, stream.header()))
}

/// The flow of segments that are being sealed.
pub(crate) struct Encrypting;

impl Flow for Encrypting {
    type Job = (EncryptSegmentInput, BytesMut);
    type Done = (EncryptedSegment, EncryptSegmentInput);
}

/// Cuts a source into full segments; only the last may be shorter (SV2-WRT-004).
struct PlaintextReader<R> {
    source: R,
    segment_size: usize,
    last_segment: SegmentIndex,
    /// Bytes that the source must still give, where plaintext_len is declared (SV2-HDR-017).
    declared: Option<u64>,
    ended: bool,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

impl<R: Source> PlaintextReader<R> {
    fn new(source: R, header: &HeaderV1, committed: &Committed, pipeline: &EncryptPipeline<'_>) -> Self {
        let declared = header.params().plaintext_len;
        Self {
            source,
            segment_size: header.segment_size() as usize,
            last_segment: header.last_segment(),
            declared: declared.map(|declared| declared.saturating_sub(committed.plaintext_len)),
            ended: false,
            telemetry: pipeline.telemetry.clone(),
            shutdown: pipeline.shutdown.clone(),
        }
    }

    /// Fills `plaintext` as far as the source and the declared length allow.
    async fn read(&mut self, plaintext: &mut BytesMut, place: u64) -> Result<(), Error> {
        let left = self.declared.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let wanted = self.segment_size.min(left);
        resize(plaintext, wanted);
        //= spec/stream-v2.md#sv2-wrt-004
        //# A writer MUST fill each data segment to S plaintext bytes, unless the source has ended or the
        //# caller has asked for a flush.
        let filled = self.telemetry.timed(Step::Reading, Some(place), self.source.fill(plaintext, 0)).await;
        let filled = filled.map_err(source_error(Some(place)))?;
        self.ended = filled < self.segment_size;
        //= spec/stream-v2.md#sv2-hdr-017
        //# Where plaintext_len is not 2^64 - 1, a writer MUST seal exactly that many plaintext bytes, and
        //# fail with `io.source` if the source ends earlier.
        if let Some(left) = &mut self.declared {
            *left -= filled as u64;
            self.ended = *left == 0;
            if filled < wanted {
                let missing = format!("the source ended {left} bytes before the declared length");
                return Err(source_error(Some(place))(io::Error::new(ErrorKind::UnexpectedEof, missing)));
            }
        }
        plaintext.truncate(filled);
        Ok(())
    }
}

impl<R: Source> ReadSide<Encrypting> for PlaintextReader<R> {
    async fn next_job(
        &mut self,
        place: u64,
        permit: Buffers,
    ) -> Result<Option<(EncryptSegmentInput, BytesMut)>, Error> {
        if self.shutdown.requested() {
            return Err(Error::interrupted(Some(place)));
        }
        let Buffers { input: mut plaintext, output: wire } = permit;
        if !self.ended {
            self.read(&mut plaintext, place).await?;
        } else {
            plaintext.clear();
        }
        if plaintext.is_empty() {
            return Ok(None);
        }
        self.telemetry.read(place, plaintext.len() as u64);
        //= spec/stream-v2.md#sv2-str-002
        //# Segments MUST be numbered by segment_index 0, 1, 2 and so on in the order in which they stand, the
        //# final segment included.
        let segment_index = u32::try_from(place).unwrap_or(u32::MAX);
        //= spec/stream-v2.md#sv2-epo-002
        //# A writer MUST end a stream, with a final segment or an error, when the next data or index segment
        //# would pass the last segment_index that §14 allows.
        if SegmentIndex(segment_index) > self.last_segment {
            let last = self.last_segment.0;
            let full = format!("the stream is full: its last segment is {last}; larger segments hold more");
            return Err(Error::io(Stage::Source, Some(place), io::Error::new(ErrorKind::FileTooLarge, full)));
        }
        //= spec/stream-v2.md#sv2-wrt-003
        //= type=implication
        //= reason=The worker owns these bytes; what a caller does to its source meanwhile does not reach
        //= reason=them.
        //# A writer MUST read each plaintext byte exactly once before sealing, into memory that nothing else
        //# can change while the segment is sealed.
        Ok(Some((EncryptSegmentInput { segment_index, plaintext: plaintext.freeze() }, wire)))
    }
}

/// A worker that seals, until a shutdown is requested: what was not begun then is not sealed any more.
struct Sealing {
    worker: EncryptSegmentWorker,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

impl WorkSide<Encrypting> for Sealing {
    fn work(
        &mut self,
        (input, wire): (EncryptSegmentInput, BytesMut),
    ) -> Result<(EncryptedSegment, EncryptSegmentInput), Error> {
        let segment = Some(input.segment_index.into());
        if self.shutdown.requested() {
            return Err(Error::interrupted(segment));
        }
        let sealed = self.telemetry.time(Step::Working, segment, || self.worker.seal(&input, wire));
        let segment = sealed.map_err(|error| Error::format(Stage::Worker, error))?;
        Ok((segment, input))
    }
}

/// Hands sealed segments to the sink in order and keeps transcript and totals.
pub(crate) struct SealWriter<'o, P> {
    outlet: &'o mut Outlet<P>,
    telemetry: Telemetry,
    progress: Progress,
}

impl<'o, P: Port> SealWriter<'o, P> {
    /// Begins a stream with its stream header, or goes on after committed segments.
    pub(crate) async fn begin(
        stream: &StreamSealer,
        committed: Option<&Committed>,
        outlet: &'o mut Outlet<P>,
        telemetry: Telemetry,
    ) -> Result<Self, Error> {
        outlet.started(stream.header());
        if committed.is_none() {
            outlet.append(None, &[], &Bytes::copy_from_slice(&stream.header_bytes())).await?;
        }
        let progress = Progress::of_writer_after(stream, committed.unwrap_or(&Committed::NOTHING));
        outlet.begin(progress.segments(), &stream.into()).await?;
        Ok(Self { outlet, telemetry, progress })
    }

    /// Seals and writes the final segment, then seals the sink.
    async fn end(&mut self, sealer: &mut SegmentSealer) -> Result<(), Error> {
        let place = self.progress.segments();
        let trailer = self.progress.trailer();
        let index = SegmentIndex(u32::try_from(place).unwrap_or(u32::MAX));
        self.outlet.ending(Some((index, trailer))).await?;
        let mut wire = BytesMut::zeroed(SegmentSealer::final_wire_len());
        let sealed = sealer
            .seal_final(index, &trailer, &mut wire)
            .map_err(|error| Error::format(Stage::Writer, error))?;
        self.segment(&EncryptedSegment::new(sealed, wire)).await?;
        self.outlet.seal(place).await
    }

    async fn segment(&mut self, segment: &EncryptedSegment) -> Result<Commit, Error> {
        self.progress.sealed(&segment.sealed()).map_err(|error| Error::format(Stage::Writer, error))?;
        let header = &segment.header;
        //= spec/stream-v2.md#sv2-wrt-002
        //# A writer MUST hand a segment to its sink only when header and wire are complete.
        self.outlet.append(Some(header.index), &header.to_bytes(), &segment.wire).await?;
        self.telemetry.written(header.index.0.into(), header.segment_len());
        let commit = Commit::of(header, &self.progress);
        self.outlet.committed(&commit).await?;
        Ok(commit)
    }
}

impl<P: Port> WriteSide<Encrypting> for SealWriter<'_, P> {
    async fn write(
        &mut self,
        (segment, input): (EncryptedSegment, EncryptSegmentInput),
    ) -> Result<Buffers, Error> {
        let commit = self.segment(&segment).await?;
        let spare = self.outlet.settle(commit, commit.segment_len, input.plaintext).await?;
        Ok(Buffers::recycled(spare, segment.wire))
    }
}
