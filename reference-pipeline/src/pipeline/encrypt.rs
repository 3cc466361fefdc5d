//! Encryption: the reader cuts plaintext into segments, workers seal them, and the writer ends the
//! stream.
//!
//! The writer also puts the segments in order.
//!
//! An index segment has a place in the order and a permit, like any other segment (§11). The reader
//! chooses its place, and workers pass it on. The writer has seen the segments before it, so the
//! writer fills and seals it.

use std::io::{self, ErrorKind};

use bytes::{Bytes, BytesMut};
use stream_v2_format::SegmentIndex;
use stream_v2_format::codec::Compression;
use stream_v2_format::crypto::{Committed, Progress, Run, SegmentSealer, StreamSealer};
use stream_v2_format::wire::{DigestAlg, HeaderV1, STREAM_MAGIC, entries_max};

use super::Summary;
use super::committer::Committer;
use super::covering::Covering;
use super::encrypt_worker::EncryptWorker;
use super::output::Output;
use super::settings::Settings;
use crate::engine::Shutdown;
use crate::engine::stages::{Engine, Flow, ReaderStage, WriterStage};
use crate::error::{Error, Stage};
use crate::io::source_error;
use crate::observe::step::Step;
use crate::observe::{Commit, Telemetry};
use crate::segment::EncryptedSegment;
use crate::segment::buffers::Buffers;
use crate::source::Source;
use crate::source::file_source::{PendingRead, SegmentInput};

/// Runs the encrypting flow after the segments that `writer` has committed, and ends the stream
/// with its final segment.
pub(crate) async fn run<E: Engine, P: Output>(
    engine: &E,
    settings: Settings<'_>,
    target: &Target<'_>,
    source: impl Source + Send,
    mut writer: EncryptWriter<'_, P>,
) -> Result<Summary, Error> {
    let header = *target.stream.header();
    let committed = writer.progress.committed().clone();
    let mut reader = EncryptReader::new(source, &header, &committed, settings, target.index);
    let keeps_plaintext = writer.committer.wants_plaintext();
    let worker = || EncryptWorker::new(settings, target, keeps_plaintext);
    //= spec/stream-v2.md#sv2-frm-008
    //# A writer MUST NOT seal two different messages under one pair of run_salt and segment_index.
    engine
        .run::<Encrypting, _>(settings.parallelism, committed.segments, &mut reader, worker, &mut writer)
        .await?;
    //= spec/stream-v2.md#sv2-wrt-005
    //# A writer MUST end a complete stream with a final segment, and write none where the source
    //# failed.
    writer.end().await?;
    Ok(Summary::of(&writer.progress, &header))
}

/// The stream that a run writes.
pub(crate) struct Target<'s> {
    pub(crate) stream: &'s StreamSealer,
    /// The envelope of a new stream and its CRC; nothing if there is none.
    pub(crate) envelope: Vec<u8>,
    pub(crate) run: Run,
    /// Whether it has index segments, and the one digest_alg of all of them (SV2-DIG-008).
    pub(crate) index: bool,
    pub(crate) digest_alg: DigestAlg,
    /// How segments are compressed, which may be another way in each run.
    pub(crate) compression: Option<Compression>,
}

/// The flow of segments that are being sealed.
pub(crate) struct Encrypting;

impl Flow for Encrypting {
    type Job = SealJob;
    type Done = SealedJob;
}

/// The job that the reader gives to the workers.
pub(crate) enum SealJob {
    /// The segment_index, the plaintext, and a buffer for the wire.
    Data(u32, SegmentInput, BytesMut),
    /// The place of an index segment, and its permit.
    Index(Buffers),
}

/// The result that workers give to the writer.
pub(crate) enum SealedJob {
    /// A segment, and its plaintext, or memory if no manager needs the plaintext.
    Data(EncryptedSegment, Bytes),
    Index(Buffers),
}

/// Cuts a source into full segments. Only the last may be shorter (SV2-WRT-004).
struct EncryptReader<R> {
    source: R,
    segment_size: usize,
    last_segment: SegmentIndex,
    /// Bytes that the source must still give, if plaintext_len is declared (SV2-HDR-017).
    declared: Option<u64>,
    ended: bool,
    covering: Option<Covering>,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

impl<R: Source> EncryptReader<R> {
    fn new(source: R, header: &HeaderV1, committed: &Committed, settings: Settings<'_>, index: bool) -> Self {
        let declared = header.params().plaintext_len;
        let (uncovered, max) = (committed.pending_index.count(), entries_max(header) as usize);
        Self {
            source,
            segment_size: header.segment_size() as usize,
            // The index segment that covers the last data segment takes a place too.
            last_segment: SegmentIndex(header.last_segment().0 - u32::from(index)),
            covering: index.then_some(Covering { uncovered, max }),
            declared: declared.map(|declared| declared.saturating_sub(committed.plaintext_len)),
            ended: false,
            telemetry: settings.telemetry.clone(),
            shutdown: settings.shutdown.clone(),
        }
    }

    /// Leaves the reading of a full segment to its worker, if that is possible.
    fn defer(&mut self) -> Option<PendingRead> {
        let len = self.segment_size as u64;
        if self.ended || self.declared.is_some_and(|left| left < len) {
            return None;
        }
        let pending = self.source.defer(self.segment_size)?;
        if let Some(left) = &mut self.declared {
            *left -= len;
            self.ended = *left == 0;
        }
        Some(pending)
    }

    /// Fills `plaintext` as far as the source and the declared length allow.
    async fn read(&mut self, plaintext: &mut BytesMut, place: u64) -> Result<(), Error> {
        let left = self.declared.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let wanted = self.segment_size.min(left);
        //= spec/stream-v2.md#sv2-wrt-004
        //# A writer MUST fill each data segment to S plaintext bytes, unless the source has ended
        //# or the caller has asked for a flush.
        let filled =
            self.telemetry.timed(Step::Reading, Some(place), self.source.fill(plaintext, wanted, 0)).await;
        let filled = filled.map_err(source_error(Some(place)))?;
        self.ended = filled < self.segment_size;
        if filled < wanted {
            // The signal that asked this run to stop may also have ended the program that feeds it.
            self.shutdown.look(place)?;
        }
        //= spec/stream-v2.md#sv2-hdr-017
        //# Where plaintext_len is not 2^64 - 1, a writer MUST seal exactly that many plaintext
        //# bytes, and fail with `io.source` if the source ends earlier.
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

impl<R> EncryptReader<R> {
    /// Counts an index segment, if one is next.
    fn begins_index(&mut self, ends: bool) -> bool {
        let due = self.covering.as_mut().filter(|covering| covering.is_due(ends));
        due.is_some_and(|covering| {
            covering.uncovered = 0;
            true
        })
    }

    /// Returns the segment_index of the data segment at `place`, which follows from it.
    fn data_index(&mut self, place: u64) -> Result<u32, Error> {
        //= spec/stream-v2.md#sv2-str-002
        //# Segments MUST be numbered by segment_index 0, 1, 2 and so on in the order in which they
        //# stand, the final segment included.
        let segment_index = u32::try_from(place).unwrap_or(u32::MAX);
        //= spec/stream-v2.md#sv2-epo-002
        //# A writer MUST end a stream, with a final segment or an error, when the next data or
        //# index segment would pass the last segment_index that §14 allows.
        if SegmentIndex(segment_index) > self.last_segment {
            let full = "the stream is full (limit.segment_index); larger segments hold more";
            return Err(Error::io(Stage::Source, Some(place), io::Error::new(ErrorKind::FileTooLarge, full)));
        }
        if let Some(covering) = &mut self.covering {
            covering.uncovered += 1;
        }
        Ok(segment_index)
    }
}

impl<R: Source> ReaderStage<Encrypting> for EncryptReader<R> {
    async fn next_job(&mut self, place: u64, permit: Buffers) -> Result<Option<SealJob>, Error> {
        self.shutdown.look(place)?;
        if self.begins_index(false) {
            return Ok(Some(SealJob::Index(permit)));
        }
        let Buffers { input: mut plaintext, output } = permit;
        if let Some(pending) = self.defer() {
            self.telemetry.read(place, self.segment_size as u64);
            return Ok(Some(SealJob::Data(
                self.data_index(place)?,
                SegmentInput::Pending(pending, plaintext),
                output,
            )));
        }
        if !self.ended {
            self.read(&mut plaintext, place).await?;
        } else {
            plaintext.clear();
        }
        if plaintext.is_empty() {
            let permit = Buffers { input: plaintext, output };
            return Ok(self.begins_index(true).then_some(SealJob::Index(permit)));
        }
        self.telemetry.read(place, plaintext.len() as u64);
        Ok(Some(SealJob::Data(self.data_index(place)?, SegmentInput::Read(plaintext.freeze()), output)))
    }

    fn is_nonblocking(&self) -> bool {
        self.source.is_nonblocking()
    }

    fn is_short(&self) -> bool {
        self.ended
    }
}

/// Passes sealed segments to the sink in order, keeps transcript and totals, and seals index and
/// final segments.
pub(crate) struct EncryptWriter<'o, P> {
    committer: &'o mut Committer<P>,
    telemetry: Telemetry,
    progress: Progress,
    sealer: SegmentSealer,
    /// Plaintext bytes of a full data segment.
    segment_size: u32,
    /// Data segments that a full index segment covers.
    entries_max: usize,
    /// The data segment that is not full, until it is certain that the source has ended there.
    last: Option<(Commit, Bytes)>,
    shutdown: Shutdown,
}

impl<'o, P: Output> EncryptWriter<'o, P> {
    /// Begins a stream with its stream header, or resumes after committed segments.
    pub(crate) async fn begin(
        settings: Settings<'_>,
        target: &Target<'_>,
        committed: Option<&Committed>,
        committer: &'o mut Committer<P>,
    ) -> Result<Self, Error> {
        let stream = target.stream;
        committer.started(stream.header());
        if committed.is_none() {
            let header = stream.header_bytes();
            let (magic, rest) = header.split_at(STREAM_MAGIC.len());
            //= spec/stream-v2.md#sv2-res-040
            //# An owner MUST make the magic of a stream header or of a journal durable before it
            //# hands over what follows it.
            committer.append(None, magic, &[rest, &target.envelope].concat().into()).await?;
        }
        let progress = Progress::of_writer_after(stream, committed.unwrap_or(&Committed::NOTHING));
        committer.begin(progress.segments(), &stream.into()).await?;
        let sealer = SegmentSealer::new(stream, target.run).with_digest_alg(target.digest_alg);
        Ok(Self {
            committer,
            telemetry: settings.telemetry.clone(),
            progress,
            sealer,
            segment_size: stream.header().segment_size(),
            entries_max: entries_max(stream.header()) as usize,
            last: None,
            shutdown: settings.shutdown.clone(),
        })
    }

    /// Ends the run before the stream is ended, if a shutdown was requested: the source may have
    /// been cut off.
    ///
    /// This is called on the caller's thread. If that is the main thread, it handles the signals of
    /// the process before it returns from a system call (Linux). So a signal is seen here even if
    /// the thread that found the end of the source has not seen it.
    fn look(&self) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-wrt-008
        //# A writer that was asked to stop MUST NOT take the end of its source for the end of the
        //# plaintext.
        self.shutdown.look(self.progress.segments())
    }

    /// Seals and writes an index segment over all uncovered data segments.
    async fn index(&mut self) -> Result<(), Error> {
        // An index segment that is not full ends a stream (SV2-IDX-005).
        let ends = self.progress.committed().pending_index.count() < self.entries_max;
        if ends {
            self.begins_to_end().await?;
        }
        let fault = |error| Error::format(Stage::Writer, error);
        let payload = self.progress.index_payload(true);
        let payload = payload.ok_or_else(|| {
            fault(stream_v2_format::Error::misuse(stream_v2_format::Misuse::NothingToIndex))
        })?;
        let (index, transcript, link) = (self.next_index(), self.progress.transcript(), self.progress.link());
        let (sealed, wire) = self.sealer.seal_index(index, &payload, transcript, link).map_err(fault)?;
        let segment = EncryptedSegment { header: sealed.header, wire: wire.into(), digest: sealed.digest };
        let commit = self.segment(&segment).await?;
        self.settle(commit, ends).await
    }

    /// Marks that the source has ended, as far as this run knows. Later chunks are taken back if it
    /// has not.
    async fn begins_to_end(&mut self) -> Result<(), Error> {
        self.look()?;
        self.committer.begins_to_end().await
    }

    /// Makes the sink durable after a segment, if it is time for it.
    ///
    /// A segment that `ends` the stream is excepted: it is not recorded before the last shutdown
    /// check.
    async fn settle(&mut self, commit: Commit, ends: bool) -> Result<(), Error> {
        if ends {
            self.committer.ends_with(Some(commit));
            return Ok(());
        }
        self.committer.settle(commit, commit.segment_len).await
    }

    /// Seals and writes the final segment, then seals the sink.
    async fn end(&mut self) -> Result<(), Error> {
        self.look()?;
        let (index, trailer) = (self.next_index(), self.progress.trailer());
        self.committer.complete(index.0.into()).await?;
        // The last shutdown check. From here on the journal records the end of the source, and a
        // longer one is refused (SV2-RES-008).
        self.look()?;
        if let Some((commit, plaintext)) = self.last.take() {
            self.committer.holds(commit, &plaintext).await?;
        }
        self.committer.ending(Some((index, trailer))).await?;
        let mut wire = BytesMut::zeroed(SegmentSealer::final_wire_len());
        let sealed = self
            .sealer
            .seal_final(index, &trailer, &mut wire)
            .map_err(|error| Error::format(Stage::Writer, error))?;
        self.segment(&EncryptedSegment::new(sealed, wire)).await?;
        self.committer.seal(index.0.into()).await
    }

    fn next_index(&self) -> SegmentIndex {
        SegmentIndex(u32::try_from(self.progress.segments()).unwrap_or(u32::MAX))
    }

    async fn segment(&mut self, segment: &EncryptedSegment) -> Result<Commit, Error> {
        self.progress.sealed(&segment.sealed()).map_err(|error| Error::format(Stage::Writer, error))?;
        let header = &segment.header;
        //= spec/stream-v2.md#sv2-wrt-002
        //# A writer MUST hand a segment to its sink only when header and wire are complete.
        self.committer.append(Some(header.index), &header.to_bytes(), &segment.wire).await?;
        self.telemetry.written(header.index.0.into(), header.segment_len());
        let commit = Commit::of(header, &self.progress);
        self.committer.committed(&commit).await?;
        Ok(commit)
    }
}

impl<P: Output> WriterStage<Encrypting> for EncryptWriter<'_, P> {
    async fn write(&mut self, done: SealedJob) -> Result<Buffers, Error> {
        match done {
            SealedJob::Data(segment, plaintext) => {
                // In a stream with UNIFORM only the final segment can follow it (SV2-HDR-016).
                let ends = segment.header.plaintext_len < self.segment_size;
                if ends {
                    self.begins_to_end().await?;
                }
                let commit = self.segment(&segment).await?;
                if ends {
                    let follows = self.committer.wants_plaintext();
                    self.last = follows.then(|| (commit, plaintext.clone()));
                } else {
                    self.committer.holds(commit, &plaintext).await?;
                }
                self.settle(commit, ends).await?;
                Ok(Buffers::recycled(plaintext, segment.wire))
            }
            SealedJob::Index(permit) => self.index().await.map(|()| permit),
        }
    }
}
