//! The pipelines: parameters in, one summary or one error out. They own lifecycle, shutdown and error propagation.

mod committer;
mod decrypt;
mod decrypt_worker;
pub(crate) mod digest_alg;
mod durability;
mod encrypt;
mod encrypt_worker;
mod lifecycle;
pub(crate) mod output;
mod settings;
mod summary;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use stream_v2_format::crypto::{Committed, ContentKey, StreamOpener};
use stream_v2_format::wire::{DigestAlg, StreamFlags, StreamParams};

use self::output::BlockingOutput;
use crate::engine::block_on::block_on;
use crate::engine::shutdown::Watched;
use crate::engine::threads::Threads;
use crate::engine::{Parallelism, Shutdown};
use crate::error::Error;
use crate::keys::salts::Salts;
use crate::observe::{Managers, Telemetry};
use crate::recover::Recovered;
use crate::sink::{OutputSink, WriterSink};
use crate::source::blocking::BlockingSource;
use crate::source::file_source::{FileSource, shared};

pub use durability::Durability;
pub use summary::Summary;

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
    pub parallelism: Parallelism,
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
            parallelism: Parallelism::default(),
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
        mut source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        self.run_blocking(&mut source, BlockingOutput { sink, managers })
    }

    fn run_blocking(
        &self,
        source: &mut (dyn Read + Send),
        output: BlockingOutput<'_, '_>,
    ) -> Result<Summary, Error> {
        block_on(self.run_on(&Threads, blocking(source, &self.shutdown, self.file.as_ref()), output))
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
        mut source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        self.resume_blocking(stream, recovered, &mut source, BlockingOutput { sink, managers })
    }

    fn resume_blocking(
        &self,
        stream: &StreamOpener,
        recovered: &Recovered,
        source: &mut (dyn Read + Send),
        output: BlockingOutput<'_, '_>,
    ) -> Result<Summary, Error> {
        let source = blocking(source, &self.shutdown, self.file.as_ref());
        block_on(self.resume_on(&Threads, stream, recovered, source, output))
    }
}

/// Decrypts a sealed stream.
pub struct DecryptPipeline<'a> {
    /// Workers and window.
    pub parallelism: Parallelism,
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
            parallelism: Parallelism::default(),
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
        mut source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        self.run_blocking(&mut source, BlockingOutput { sink, managers })
    }

    fn run_blocking(
        &self,
        source: &mut (dyn Read + Send),
        output: BlockingOutput<'_, '_>,
    ) -> Result<Summary, Error> {
        block_on(self.run_on(&Threads, blocking(source, &self.shutdown, self.file.as_ref()), output))
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
        mut source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        self.resume_blocking(stream, committed, &mut source, BlockingOutput { sink, managers })
    }

    fn resume_blocking(
        &self,
        stream: &StreamOpener,
        committed: &Committed,
        source: &mut (dyn Read + Send),
        output: BlockingOutput<'_, '_>,
    ) -> Result<Summary, Error> {
        let source = blocking(source, &self.shutdown, self.file.as_ref());
        block_on(self.resume_on(&Threads, stream, committed, source, output))
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
        block_on(self.opened(&mut BlockingSource(Watched::new(source, &self.shutdown))))
    }
}

/// A source on threads. It has one type, whatever callers read from: so the engine is compiled once.
fn blocking<'s>(
    source: &'s mut (dyn Read + Send),
    shutdown: &Shutdown,
    file: Option<&Arc<File>>,
) -> FileSource<BlockingSource<Watched<&'s mut (dyn Read + Send)>>> {
    FileSource::new(BlockingSource(Watched::new(source, shutdown)), file)
}
