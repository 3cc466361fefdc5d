//! The pipelines: parameters in, one summary or one error out.
//!
//! [`EncryptPipeline`] writes streams as §16 describes, and [`DecryptPipeline`] reads them in the
//! order of checks of §15. They own lifecycle, shutdown and error propagation: a run ends with a
//! [`Summary`] or with one [`Error`], and every thread has ended by then.
//!
//! The sink and the managers are called in the order that survives a crash (§19). [`Durability`]
//! says how often the sink is made durable.

mod committer;
mod compression;
mod covering;
mod decrypt;
mod decrypt_worker;
pub(crate) mod digest_alg;
mod durability;
mod encrypt;
mod encrypt_worker;
mod keys;
mod lifecycle;
mod new_stream;
pub(crate) mod output;
mod settings;
mod summary;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use stream_v2_format::codec::Compression;
use stream_v2_format::crypto::{Committed, ContentKey, StreamOpener};
use stream_v2_format::wire::{DigestAlg, StreamFlags, StreamParams};

use self::output::BlockingOutput;
use crate::engine::block_on::block_on;
use crate::engine::shutdown::Watched;
use crate::engine::threads::Threads;
use crate::engine::{Parallelism, Shutdown};
use crate::error::Error;
use crate::keys::salts::Salts;
use crate::keys::{Credentials, Recipients};
use crate::observe::{Managers, Telemetry};
use crate::recover::Recovered;
use crate::sink::{OutputSink, WriterSink};
use crate::source::blocking::BlockingSource;
use crate::source::file_source::{FileSource, shared};

pub use durability::Durability;
pub(crate) use keys::{ReaderKeys, WriterKeys};
pub(crate) use new_stream::NewStream;
pub use summary::Summary;

/// Encrypts a source into a sealed stream.
///
/// The defaults are those of [`StreamParams::new`]. Every field may be changed before
/// [`run`](Self::run).
pub struct EncryptPipeline<'a> {
    /// Parameters of the stream. `run` draws stream_salt, and refuses one that is not zero.
    pub params: StreamParams,
    /// The input of each segment's digest.
    ///
    /// `None` is the default for a new stream. A resumed stream keeps the choice of its last
    /// committed segment, and refuses another one with `misuse` (SV2-RES-005).
    pub digest_alg: Option<DigestAlg>,
    /// Workers and window.
    pub parallelism: Parallelism,
    /// Sets when the sink is made durable.
    pub durability: Durability,
    /// Counters and events.
    pub telemetry: Telemetry,
    /// Ends the run early when it is raised.
    pub shutdown: Shutdown,
    pub(crate) keys: WriterKeys<'a>,
    pub(crate) context: &'a [u8],
    pub(crate) file: Option<Arc<File>>,
    pub(crate) index: bool,
    pub(crate) compression: Option<Compression>,
    salts: Option<Salts>,
}

impl<'a> EncryptPipeline<'a> {
    /// Returns a pipeline with `key`, the default parameters and an empty context.
    #[must_use]
    pub fn new(key: &'a ContentKey) -> Self {
        Self::with_keys(WriterKeys::Content(key))
    }

    /// Returns a pipeline that draws a content key for each stream and wraps it for `recipients` in
    /// an envelope (§12), with the default parameters and an empty context.
    ///
    /// Such a stream names no key in its header. It is resumed with what opens its envelope, or
    /// with its resume key and the same recipients (§19.9).
    #[must_use]
    pub fn for_recipients(recipients: &'a Recipients) -> Self {
        Self::with_keys(WriterKeys::Recipients(recipients, None))
    }

    /// Sets what the caller has to open the envelope of a stream that it resumes.
    ///
    /// The default is [`Recipients::credentials`]. A stream without an envelope does not need it.
    #[must_use]
    pub const fn with_credentials(mut self, credentials: &'a Credentials) -> Self {
        if let WriterKeys::Recipients(recipients, _) = self.keys {
            self.keys = WriterKeys::Recipients(recipients, Some(credentials));
        }
        self
    }

    fn with_keys(keys: WriterKeys<'a>) -> Self {
        Self {
            params: StreamParams::new([0; 32]),
            digest_alg: None,
            parallelism: Parallelism::default(),
            durability: Durability::default(),
            telemetry: Telemetry::new(),
            shutdown: Shutdown::new(),
            keys,
            context: b"",
            file: None,
            index: false,
            compression: None,
            salts: None,
        }
    }

    /// Binds the stream to `context`, which readers must provide too.
    #[must_use]
    pub fn with_context(self, context: &'a [u8]) -> Self {
        Self { context, ..self }
    }

    /// Sets the salts, for test vectors only (SV2-WRT-006).
    #[cfg(feature = "fixed-salts")]
    #[must_use]
    pub fn with_salts(self, salts: Salts) -> Self {
        Self { salts: Some(salts), ..self }
    }

    /// Sets or clears the flag UNIFORM, which promises full segments (§4).
    ///
    /// It is set by default.
    pub fn set_uniform(&mut self, uniform: bool) {
        self.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, uniform);
    }

    /// Sets whether the stream has index segments (§11). It has none by default.
    ///
    /// With index segments, the stream is without UNIFORM.
    ///
    /// If a resumed stream has index segments, it keeps having them in any case. If it has none
    /// yet, it gets them only if they are requested again, because a stream header does not record
    /// them.
    pub fn set_index(&mut self, index: bool) {
        self.index = index;
        if index {
            self.set_uniform(false);
        }
    }

    /// Lets workers read `file` in parallel with positioned reads.
    ///
    /// The source of the next run must read `file` as it is, without a buffer of its own. Each
    /// worker then reads its own segments, and the caller's thread is one of the workers. Only a
    /// regular file is accepted, and nothing else changes.
    ///
    /// `file` must share its position with the source, as [`File::try_clone`] does.
    pub fn set_source_file(&mut self, file: Option<File>) {
        self.file = file.and_then(shared);
    }

    /// Encrypts all of `source` into `sink`, and seals it.
    ///
    /// # Errors
    ///
    /// - `misuse` for index segments or compression in a stream with UNIFORM.
    /// - otherwise the one error that ended the run, after everything before it was written. The
    ///   sink is suspended then, so that its committed prefix can be read.
    pub fn run(
        &self,
        mut source: impl Read + Send,
        sink: &mut dyn OutputSink,
        managers: Managers<'_>,
    ) -> Result<Summary, Error> {
        let new = block_on(self.new_stream(&Threads));
        self.run_new(new, &mut source, BlockingOutput { sink, managers })
    }

    pub(crate) fn run_new(
        &self,
        new: Result<NewStream, Error>,
        source: &mut (dyn Read + Send),
        output: BlockingOutput<'_, '_>,
    ) -> Result<Summary, Error> {
        block_on(self.run_on(&Threads, new, blocking(source, &self.shutdown, self.file.as_ref()), output))
    }

    /// Resumes a stream whose writer was interrupted, and seals it (§19.2, step 11).
    ///
    /// `recovered` is the result of recovery from the output, which must not be sealed. `sink` must
    /// hold exactly its committed part. `source` must be positioned after the committed plaintext,
    /// and must have been compared with it. Parameters come from the stream header, and the
    /// run_salt is fresh.
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
    /// - `misuse` if the stream is sealed.
    /// - `misuse` if index segments are requested that are no longer possible.
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
    /// Salvages the committed prefix of an unsealed stream (§15.4).
    ///
    /// The run still ends with `truncated.unsealed`.
    pub salvage: bool,
    /// Refuses streams with larger segments, in bytes (SV2-LIM-002).
    pub segment_size_max: u32,
    /// The largest memory for segments, in bytes. It narrows the width of a run, and refuses
    /// streams of which one segment does not fit, with two buffers (SV2-LIM-002).
    pub memory_max: u64,
    /// Most links from run to run that a range reader follows (SV2-RNG-009).
    pub links_max: u32,
    /// Sets when the sink is made durable.
    pub durability: Durability,
    /// Counters and events.
    pub telemetry: Telemetry,
    /// Ends the run early when it is raised.
    pub shutdown: Shutdown,
    pub(crate) keys: ReaderKeys<'a>,
    pub(crate) context: &'a [u8],
    pub(crate) file: Option<Arc<File>>,
}

impl<'a> DecryptPipeline<'a> {
    /// Returns a pipeline with `key` and an empty context.
    #[must_use]
    pub fn new(key: &'a ContentKey) -> Self {
        Self::with_keys(ReaderKeys::Content(key))
    }

    /// Returns a pipeline that opens streams with `credentials` (§12.6), and an empty context.
    #[must_use]
    pub fn with_credentials(credentials: &'a Credentials) -> Self {
        Self::with_keys(ReaderKeys::Credentials(credentials))
    }

    pub(crate) fn with_keys(keys: ReaderKeys<'a>) -> Self {
        Self {
            parallelism: Parallelism::default(),
            //= spec/stream-v2.md#sv2-sal-001
            //# A reader MUST NOT treat an unsealed stream as readable unless its caller has asked
            //# for that stream to be salvaged.
            salvage: false,
            segment_size_max: stream_v2_format::limits::SEGMENT_SIZE_MAX,
            memory_max: u64::MAX,
            links_max: u32::MAX,
            durability: Durability::default(),
            telemetry: Telemetry::new(),
            shutdown: Shutdown::new(),
            keys,
            context: b"",
            file: None,
        }
    }

    /// Expects the stream to be bound to `context`.
    #[must_use]
    pub fn with_context(self, context: &'a [u8]) -> Self {
        Self { context, ..self }
    }

    /// Lets workers read `file` in parallel with positioned reads.
    ///
    /// The source of the next run must read `file` as it is, without a buffer of its own. Each
    /// worker then reads its own segments, and the caller's thread is one of the workers. Only a
    /// regular file is accepted, and nothing else changes.
    ///
    /// `file` must share its position with the source, as [`File::try_clone`] does.
    pub fn set_source_file(&mut self, file: Option<File>) {
        self.file = file.and_then(shared);
    }

    /// Decrypts all of `source` into `sink`, and seals the sink once the final segment is verified.
    ///
    /// # Errors
    ///
    /// The one error that ended the run. It determines the state of the sink:
    ///
    /// - aborted if the stream is at fault,
    /// - suspended if the source, the sink or the caller ended the run,
    /// - sealed after a salvage.
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

    /// Resumes after the committed part of a stream, or begins if nothing is committed (§19.4, step
    /// 5).
    ///
    /// The rest is checked as if the run had not been interrupted (SV2-RES-012).
    ///
    /// `source` must be positioned at the next segment. `sink` must hold exactly the committed
    /// plaintext.
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
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

    /// Verifies all of `source` and discards the plaintext.
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
    pub fn verify(&self, source: impl Read + Send, managers: Managers<'_>) -> Result<Summary, Error> {
        self.run(source, &mut WriterSink::new(std::io::sink()), managers)
    }

    /// Reads a stream header and its envelope, and checks them with the key and the context.
    ///
    /// # Errors
    ///
    /// - the errors of [`read_stream_header`](crate::io::read_stream_header).
    /// - `key.header_tag` or `limit.policy` if a check fails.
    pub fn open_stream(&self, source: &mut impl Read) -> Result<StreamOpener, Error> {
        block_on(self.opened(&Threads, &mut BlockingSource(Watched::new(source, &self.shutdown))))
    }
}

/// Returns a source on threads.
///
/// It has one type for all sources of callers, so the engine is compiled once.
fn blocking<'s>(
    source: &'s mut (dyn Read + Send),
    shutdown: &Shutdown,
    file: Option<&Arc<File>>,
) -> FileSource<BlockingSource<Watched<&'s mut (dyn Read + Send)>>> {
    FileSource::new(BlockingSource(Watched::new(source, shutdown)), file)
}
