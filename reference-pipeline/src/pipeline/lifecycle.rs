//! The life of a run on any engine: its start, its flow, and the fate of its sink.

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Committed, Run, StreamOpener, StreamSealer};
use stream_v2_format::wire::{DigestAlg, HeaderV1};

use super::committer::{Committer, OnFailure};
use super::decrypt::DecryptWriter;
use super::encrypt::{EncryptWriter, Target};
use super::output::Output;
use super::settings::Settings;
use super::{DecryptPipeline, EncryptPipeline, NewStream, Summary, decrypt, digest_alg, encrypt};
use crate::engine::catch_panic::catch_panic_async;
use crate::engine::stages::Engine;
use crate::error::{Error, Stage};
use crate::io::{own_header, stream_header};
use crate::keys::OpenedBy;
use crate::keys::salts::Salts;
use crate::recover::Recovered;
use crate::source::Source;

impl EncryptPipeline<'_> {
    pub(crate) async fn run_on<P: Output>(
        &self,
        engine: &impl Engine,
        new: Result<NewStream, Error>,
        source: impl Source + Send,
        output: P,
    ) -> Result<Summary, Error> {
        let mut committer = Committer::new(output, self.durability, 0, &self.telemetry);
        let stream = self.stream(engine, new, source, &mut committer);
        let result = catch_panic_async(Stage::Writer, None, stream).await;
        committer.finish(result, OnFailure::Suspend).await
    }

    async fn stream<P: Output>(
        &self,
        engine: &impl Engine,
        new: Result<NewStream, Error>,
        source: impl Source + Send,
        committer: &mut Committer<P>,
    ) -> Result<Summary, Error> {
        let NewStream { stream, envelope, run_salt, index, .. } = new?;
        let digest_alg = self.digest_alg.unwrap_or(DigestAlg::HmacSha3OverTags);
        self.may_compress(stream.header())?;
        let (run, compression) = (Run::first(run_salt), self.compression);
        let target = Target { stream: &stream, envelope, run, index, digest_alg, compression };
        let writer = EncryptWriter::begin(self.settings(), &target, None, committer).await?;
        encrypt::run(engine, self.settings(), &target, source, writer).await
    }

    pub(crate) async fn resume_on<P: Output>(
        &self,
        engine: &impl Engine,
        stream: &StreamOpener,
        recovered: &Recovered,
        source: impl Source + Send,
        output: P,
    ) -> Result<Summary, Error> {
        let recorded = recovered.recorded.unwrap_or(recovered.stream_len);
        let mut committer = Committer::new(output, self.durability, recovered.stream_len, &self.telemetry)
            .recorded_up_to(recorded);
        let resumed = self.resumed(engine, stream, recovered, source, &mut committer);
        let result = catch_panic_async(Stage::Writer, None, resumed).await;
        committer.finish(result, OnFailure::Suspend).await
    }

    async fn resumed<P: Output>(
        &self,
        engine: &impl Engine,
        stream: &StreamOpener,
        recovered: &Recovered,
        source: impl Source + Send,
        committer: &mut Committer<P>,
    ) -> Result<Summary, Error> {
        self.may_compress(stream.header())?;
        let committed = &recovered.committed;
        let first = u32::try_from(committed.segments).ok().filter(|_| !recovered.sealed);
        let (first, index) = first
            .ok_or(stream_v2_format::Error::misuse(stream_v2_format::Misuse::ResumedSealed))
            .and_then(|first| Ok((first, committed.resume_index(stream.header(), self.index, false)?)))
            .map_err(|error| Error::format(Stage::Start, error))?;
        let digest_alg = digest_alg::resumed(self.digest_alg, committed)?;
        //= spec/stream-v2.md#sv2-seg-026
        //# A writer MUST draw run_salt from the operating system's cryptographic random generator
        //# at the beginning of each run, and use it in every segment of that run.
        // A fresh run_salt, at the first index that is not committed (SV2-SEG-026, SV2-RES-009).
        let salts = self.salts.map_or_else(Salts::draw, Ok)?;
        let stream = StreamSealer::resuming(stream);
        //= spec/stream-v2.md#sv2-res-009
        //# A writer MUST NOT seal a segment_index again that is committed in the output.
        let run = Run::resuming(salts.run_salt, SegmentIndex(first), committed.transcript, committed.run);
        committer.ends_with(recovered.last_commit());
        let (envelope, compression) = (Vec::new(), self.compression);
        let target = Target { stream: &stream, envelope, run, index, digest_alg, compression };
        let writer = EncryptWriter::begin(self.settings(), &target, Some(committed), committer).await?;
        encrypt::run(engine, self.settings(), &target, source, writer).await
    }

    fn settings(&self) -> Settings<'_> {
        Settings { parallelism: self.parallelism, telemetry: &self.telemetry, shutdown: &self.shutdown }
    }
}

impl DecryptPipeline<'_> {
    pub(crate) async fn run_on<P: Output>(
        &self,
        engine: &impl Engine,
        mut source: impl Source + Send,
        output: P,
    ) -> Result<Summary, Error> {
        match catch_panic_async(Stage::Source, None, self.opened(engine, &mut source)).await {
            Ok(stream) => self.resume_on(engine, &stream, &Committed::NOTHING, source, output).await,
            Err(error) => {
                Committer::new(output, self.durability, 0, &self.telemetry)
                    .finish(Err(error), OnFailure::Abort)
                    .await
            }
        }
    }

    pub(crate) async fn resume_on<P: Output>(
        &self,
        engine: &impl Engine,
        stream: &StreamOpener,
        committed: &Committed,
        source: impl Source + Send,
        output: P,
    ) -> Result<Summary, Error> {
        let mut committer = Committer::new(output, self.durability, committed.plaintext_len, &self.telemetry);
        let opened = async {
            let settings = self.settings(stream.header());
            let mut writer = DecryptWriter::begin(stream, committed, &mut committer, settings).await?;
            let result = decrypt::run(engine, settings, stream, source, &mut writer).await;
            writer.finish(self.salvage, result).await
        };
        let result = catch_panic_async(Stage::Writer, None, opened).await;
        let result = result.map(|progress| Summary::of(&progress, stream.header()));
        committer.finish(result, OnFailure::Abort).await
    }

    pub(crate) async fn opened(
        &self,
        engine: &impl Engine,
        source: &mut impl Source,
    ) -> Result<StreamOpener, Error> {
        let read = match self.keys.has_detached_envelope() {
            true => own_header(source).await,
            false => stream_header(source).await,
        };
        let (header, envelope) = read.map_err(|error| self.shutdown.unless_cut_off(error))?;
        let (stream, _) = self.keys.open_on(engine, header, envelope, self.context).await?;
        self.check_policy(&header)?;
        Ok(stream)
    }

    /// Opens a stream whose stream header, and envelope with its CRC, were read before.
    ///
    /// # Errors
    ///
    /// - the errors of [`Credentials::open`](crate::Credentials::open).
    /// - `limit.policy` if its segments are too large.
    pub fn open_header(&self, header: &HeaderV1, envelope: &[u8]) -> Result<(StreamOpener, OpenedBy), Error> {
        let opened = self.keys.open(header, envelope, self.context)?;
        self.check_policy(header)?;
        Ok(opened)
    }

    fn check_policy(&self, header: &HeaderV1) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-lim-002
        //# A reader MAY refuse with `limit.policy`, after header_tag was verified, a stream whose
        //# segment_size is above a limit that its caller has set.
        let fitting = u32::try_from(self.memory_max / 2).unwrap_or(u32::MAX);
        let allowed = self.segment_size_max.min(fitting);
        if header.segment_size() > allowed {
            let error = stream_v2_format::Error::over_policy(header.segment_size(), allowed);
            return Err(Error::format(Stage::Start, error));
        }
        Ok(())
    }

    fn settings(&self, header: &HeaderV1) -> Settings<'_> {
        let parallelism = self.parallelism.within(self.memory_max, header.segment_size());
        Settings { parallelism, telemetry: &self.telemetry, shutdown: &self.shutdown }
    }
}
