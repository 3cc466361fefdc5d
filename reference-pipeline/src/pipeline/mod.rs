//! The pipelines: parameters in, one summary or one error out. They own lifecycle, shutdown and error propagation.

pub(crate) mod committer;
mod decrypt;
mod decrypt_worker;
mod digest_alg;
mod durability;
mod encrypt;
mod encrypt_worker;
pub(crate) mod output;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Committed, ContentKey, Progress, Run, StreamOpener, StreamSealer};
use stream_v2_format::wire::{DigestAlg, HeaderV1, StreamFlags, StreamParams};

use self::committer::{Leave, Outlet};
use self::decrypt::OpenWriter;
use self::encrypt::{SealWriter, Target};
use self::output::{Direct, Port};
use crate::engine::catch_panic::guarded_future;
use crate::engine::flow::Engine;
use crate::engine::shutdown::Watched;
use crate::engine::{Lanes, Shutdown};
use crate::error::{Error, Stage};
use crate::io::stream_header;
use crate::keys::salts::Salts;
use crate::observe::{Managers, Telemetry};
use crate::recover::Recovered;
use crate::sink::{OutputSink, WriterSink};
use crate::source::file_source::{InFile, shared};
use crate::source::{Blocking, BlockingEngine, Source, ready, wait};

pub use durability::Durability;

/// What a complete run has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Segments of the stream, the final one included.
    pub segments: u64,
    /// Plaintext bytes.
    pub plaintext_len: u64,
    /// Bytes of the stream, header and envelope included.
    pub stream_len: u64,
}

/// Encrypts a source into a sealed stream.
///
/// The defaults are those of [`StreamParams::new`]; every field may be changed before [`run`](Self::run).
pub struct EncryptPipeline<'a> {
    /// Parameters of the stream; stream_salt is drawn by `run`.
    pub params: StreamParams,
    /// What each segment's digest is computed over.
    ///
    /// `None` is the default for a new stream. A resumed stream keeps that of its last committed
    /// segment, and refuses another one with `misuse` (SV2-RES-005).
    pub digest_alg: Option<DigestAlg>,
    /// Workers and window.
    pub lanes: Lanes,
    /// When the sink is made durable.
    pub durability: Durability,
    /// Counters and events.
    pub telemetry: Telemetry,
    /// Ends the run early when raised.
    pub shutdown: Shutdown,
    pub(crate) key: &'a ContentKey,
    pub(crate) context: &'a [u8],
    pub(crate) file: Option<Arc<File>>,
    pub(crate) index: bool,
    salts: Option<Salts>,
}

impl<'a> EncryptPipeline<'a> {
    /// Encrypts under `key` with the default parameters and an empty context.
    #[must_use]
    pub fn new(key: &'a ContentKey) -> Self {
        Self {
            params: StreamParams::new([0; 32]),
            digest_alg: None,
            lanes: Lanes::default(),
            durability: Durability::default(),
            telemetry: Telemetry::new(),
            shutdown: Shutdown::new(),
            key,
            context: b"",
            file: None,
            index: false,
            salts: None,
        }
    }

    /// Binds the stream to `context`, which readers must bring too.
    #[must_use]
    pub fn with_context(self, context: &'a [u8]) -> Self {
        Self { context, ..self }
    }

    /// Chooses the salts: for test vectors only (SV2-WRT-006).
    #[cfg(feature = "fixed-salts")]
    #[must_use]
    pub fn with_salts(self, salts: Salts) -> Self {
        Self { salts: Some(salts), ..self }
    }

    /// Sets or clears the flag UNIFORM (§4): whether the stream promises full segments; set by default.
    pub fn set_uniform(&mut self, uniform: bool) {
        self.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, uniform);
    }

    /// Chooses whether the stream has index segments (§11); it has none by default. With them it is without UNIFORM.
    ///
    /// A resumed stream that has some goes on with them in any case. One that has none yet goes on with them where they are asked for again:
    /// nothing in a stream header tells of them.
    pub fn set_index(&mut self, index: bool) {
        self.index = index;
        if index {
            self.set_uniform(false);
        }
    }

    /// Says that the source of the next run reads `file`, and reads it as it is, without a buffer of its own: then each worker reads its segments
    /// itself, and the caller's thread is one of the workers. Only a regular file is taken, and nothing else changes.
    ///
    /// `file` shares its position with the source: it is what [`File::try_clone`] gives.
    pub fn set_source_file(&mut self, file: Option<File>) {
        self.file = file.and_then(shared);
    }

    /// Encrypts all of `source` into `sink`, and seals it.
    ///
    /// # Errors
    /// `misuse` for index segments in a stream with UNIFORM. The one error that ended the run, after everything before it was written; the sink is suspended then, so that its committed
    /// prefix can be read.
    pub fn run(
        &self,
        source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        let source = InFile::new(Blocking(Watched::new(source, &self.shutdown)), self.file.as_ref());
        wait(self.run_on(&BlockingEngine, source, Direct { sink, managers }))
    }

    pub(crate) async fn run_on<P: Port>(
        &self,
        engine: &impl Engine,
        source: impl Source + Send,
        port: P,
    ) -> Result<Summary, Error> {
        let mut outlet = Outlet::new(port, self.durability, 0, &self.telemetry);
        let result = guarded_future(Stage::Writer, None, self.stream(engine, source, &mut outlet)).await;
        outlet.finish(result, Leave::Suspended).await
    }

    async fn stream<P: Port>(
        &self,
        engine: &impl Engine,
        source: impl Source + Send,
        outlet: &mut Outlet<P>,
    ) -> Result<Summary, Error> {
        let salts = self.salts.map_or_else(Salts::draw, Ok)?;
        let mut params = StreamParams { stream_salt: salts.stream_salt, ..self.params };
        if params.epoch_segments == 0 {
            // A suite whose keys wear out has another epoch before they do (§21.4).
            params.epoch_segments = params.default_epoch();
        }
        let stream = StreamSealer::new(params, self.key, self.context)
            .map_err(|error| Error::format(Stage::Start, error))?;
        let index = Committed::NOTHING.goes_on_with_index(stream.header(), self.index, false);
        let index = index.map_err(|error| Error::format(Stage::Start, error))?;
        let digest_alg = self.digest_alg.unwrap_or(DigestAlg::HmacSha3OverTags);
        let target = Target { stream: &stream, run: Run::first(salts.run_salt), index, digest_alg };
        let writer = SealWriter::begin(self, &target, None, outlet).await?;
        encrypt::run(engine, self, &target, source, writer).await
    }

    /// Goes on with a stream whose writer was interrupted, and seals it (§19.2, step 11).
    ///
    /// `recovered` is what was found in the output, which must not be sealed; `sink` holds exactly its committed part; `source` stands
    /// after the committed plaintext and was compared with it. Parameters come from the stream header, and the run_salt is fresh.
    ///
    /// # Errors
    /// As [`run`](Self::run); `misuse` for a stream that is sealed, and for index segments that are asked for and cannot be had any more.
    pub fn resume(
        &self,
        stream: &StreamOpener,
        recovered: &Recovered,
        source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        let source = InFile::new(Blocking(Watched::new(source, &self.shutdown)), self.file.as_ref());
        wait(self.resume_on(&BlockingEngine, stream, recovered, source, Direct { sink, managers }))
    }

    pub(crate) async fn resume_on<P: Port>(
        &self,
        engine: &impl Engine,
        stream: &StreamOpener,
        recovered: &Recovered,
        source: impl Source + Send,
        port: P,
    ) -> Result<Summary, Error> {
        let recorded = recovered.recorded.unwrap_or(recovered.stream_len);
        let mut outlet = Outlet::new(port, self.durability, recovered.stream_len, &self.telemetry)
            .recorded_up_to(recorded);
        let resumed = self.resumed(engine, stream, recovered, source, &mut outlet);
        let result = guarded_future(Stage::Writer, None, resumed).await;
        outlet.finish(result, Leave::Suspended).await
    }

    async fn resumed<P: Port>(
        &self,
        engine: &impl Engine,
        stream: &StreamOpener,
        recovered: &Recovered,
        source: impl Source + Send,
        outlet: &mut Outlet<P>,
    ) -> Result<Summary, Error> {
        let committed = &recovered.committed;
        let first = u32::try_from(committed.segments).ok().filter(|_| !recovered.sealed);
        let (first, index) = first
            .ok_or(stream_v2_format::Error::misuse())
            .and_then(|first| Ok((first, committed.goes_on_with_index(stream.header(), self.index, false)?)))
            .map_err(|error| Error::format(Stage::Start, error))?;
        let digest_alg = self.resumed_digest_alg(committed)?;
        //= spec/stream-v2.md#sv2-seg-026
        //# A writer MUST draw run_salt from the operating system's cryptographic random generator at the
        //# beginning of each run, and use it in every segment of that run.
        // A fresh run_salt, at the first index that is not committed (SV2-SEG-026, SV2-RES-009).
        let salts = self.salts.map_or_else(Salts::draw, Ok)?;
        let stream = StreamSealer::resuming(stream);
        //= spec/stream-v2.md#sv2-res-009
        //# A writer MUST NOT seal a segment_index again that is committed in the output.
        let run = Run::resuming(salts.run_salt, SegmentIndex(first), committed.transcript, committed.run);
        outlet.ends_with(recovered.last_commit());
        let target = Target { stream: &stream, run, index, digest_alg };
        let writer = SealWriter::begin(self, &target, Some(committed), outlet).await?;
        encrypt::run(engine, self, &target, source, writer).await
    }
}

/// Decrypts a sealed stream.
pub struct DecryptPipeline<'a> {
    /// Workers and window.
    pub lanes: Lanes,
    /// Salvages the committed prefix of an unsealed stream (§15.4). The run still ends with `truncated.unsealed`.
    pub salvage: bool,
    /// Refuses streams with larger segments, in bytes (SV2-LIM-002).
    pub segment_size_max: u32,
    /// A reader of ranges refuses to follow more links from run to run (SV2-RNG-009).
    pub links_max: u32,
    /// When the sink is made durable.
    pub durability: Durability,
    /// Counters and events.
    pub telemetry: Telemetry,
    /// Ends the run early when raised.
    pub shutdown: Shutdown,
    pub(crate) key: &'a ContentKey,
    pub(crate) context: &'a [u8],
    pub(crate) file: Option<Arc<File>>,
}

impl<'a> DecryptPipeline<'a> {
    /// Decrypts under `key` and an empty context.
    #[must_use]
    pub fn new(key: &'a ContentKey) -> Self {
        Self {
            lanes: Lanes::default(),
            //= spec/stream-v2.md#sv2-sal-001
            //# A reader MUST NOT treat an unsealed stream as readable unless its caller has asked for that
            //# stream to be salvaged.
            salvage: false,
            segment_size_max: stream_v2_format::limits::SEGMENT_SIZE_MAX,
            links_max: u32::MAX,
            durability: Durability::default(),
            telemetry: Telemetry::new(),
            shutdown: Shutdown::new(),
            key,
            context: b"",
            file: None,
        }
    }

    /// Expects the stream to be bound to `context`.
    #[must_use]
    pub fn with_context(self, context: &'a [u8]) -> Self {
        Self { context, ..self }
    }

    /// Says that the source of the next run reads `file`, and reads it as it is, without a buffer of its own: then each worker reads its segments
    /// itself, and the caller's thread is one of the workers. Only a regular file is taken, and nothing else changes.
    ///
    /// `file` shares its position with the source: it is what [`File::try_clone`] gives.
    pub fn set_source_file(&mut self, file: Option<File>) {
        self.file = file.and_then(shared);
    }

    /// Decrypts all of `source` into `sink`, and seals the sink once the final segment is verified.
    ///
    /// # Errors
    /// The one error that ended the run. Where the stream is at fault the sink is aborted; where the source, the sink or the caller
    /// ended the run it is suspended; a salvage seals it.
    pub fn run(
        &self,
        source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        let source = InFile::new(Blocking(Watched::new(source, &self.shutdown)), self.file.as_ref());
        wait(self.run_on(&BlockingEngine, source, Direct { sink, managers }))
    }

    pub(crate) async fn run_on<P: Port>(
        &self,
        engine: &impl Engine,
        mut source: impl Source + Send,
        port: P,
    ) -> Result<Summary, Error> {
        match guarded_future(Stage::Source, None, self.opened(&mut source)).await {
            Ok(stream) => self.resume_on(engine, &stream, &Committed::NOTHING, source, port).await,
            Err(error) => {
                Outlet::new(port, self.durability, 0, &self.telemetry)
                    .finish(Err(error), Leave::Aborted)
                    .await
            }
        }
    }

    /// Goes on after what is committed of a stream, or begins, where that is nothing (§19.4, step 5). What follows is checked as if nothing
    /// had come between (SV2-RES-012).
    ///
    /// `source` stands where the next segment begins; `sink` holds exactly the plaintext of what is committed.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn resume(
        &self,
        stream: &StreamOpener,
        committed: &Committed,
        source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        let source = InFile::new(Blocking(Watched::new(source, &self.shutdown)), self.file.as_ref());
        wait(self.resume_on(&BlockingEngine, stream, committed, source, Direct { sink, managers }))
    }

    pub(crate) async fn resume_on<P: Port>(
        &self,
        engine: &impl Engine,
        stream: &StreamOpener,
        committed: &Committed,
        source: impl Source + Send,
        port: P,
    ) -> Result<Summary, Error> {
        let mut outlet = Outlet::new(port, self.durability, committed.plaintext_len, &self.telemetry);
        let opened = async {
            let mut writer = OpenWriter::begin(stream, committed, &mut outlet, self).await?;
            let result = decrypt::run(engine, self, stream, source, &mut writer).await;
            writer.finish(self.salvage, result).await
        };
        let result = guarded_future(Stage::Writer, None, opened).await;
        let result = result.map(|progress| summary(&progress, stream.header()));
        outlet.finish(result, Leave::Aborted).await
    }

    /// Verifies all of `source` and throws the plaintext away.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn verify(&self, source: impl Read + Send, managers: Managers<'_>) -> Result<Summary, Error> {
        self.run(source, &mut WriterSink::new(std::io::sink()), managers)
    }

    /// Reads a stream header and its envelope, and checks them under the key and the context.
    ///
    /// # Errors
    /// As [`read_stream_header`](crate::io::read_stream_header); `key.header_tag`; `limit.policy`.
    pub fn open_stream(&self, source: &mut impl Read) -> Result<StreamOpener, Error> {
        ready(self.opened(&mut Blocking(Watched::new(source, &self.shutdown))))
    }

    pub(crate) async fn opened(&self, source: &mut impl Source) -> Result<StreamOpener, Error> {
        let (header, _envelope) =
            stream_header(source).await.map_err(|error| self.shutdown.unless_cut_off(error))?;
        let stream = StreamOpener::new(&header, self.key, self.context);
        let stream = stream.map_err(|error| Error::format(Stage::Start, error))?;
        //= spec/stream-v2.md#sv2-lim-002
        //# A reader MAY refuse with `limit.policy`, after header_tag was verified, a stream whose
        //# segment_size is above a limit that its caller has set.
        if header.segment_size() > self.segment_size_max {
            let error = stream_v2_format::Error::over_policy(header.segment_size(), self.segment_size_max);
            return Err(Error::format(Stage::Start, error));
        }
        Ok(stream)
    }
}

pub(crate) fn summary(progress: &Progress, header: &HeaderV1) -> Summary {
    Summary {
        segments: progress.segments(),
        plaintext_len: progress.plaintext_len(),
        stream_len: header.body_offset().0 + progress.position(),
    }
}
