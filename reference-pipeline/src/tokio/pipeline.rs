//! The pipelines on tasks: the same parameters, the same result.

use stream_v2_format::crypto::{Committed, StreamOpener};
use stream_v2_format::wire::JournalRole;

use super::managers::AsyncOutput;
use super::source::{AsyncSource, Awaited};
use super::{AsyncManagers, AsyncOutputSink, Offloaded};
use crate::engine::catch_panic::catch_panic_async;
use crate::engine::tasks::Tasks;
use crate::error::{Error, Stage};
use crate::observe::LogManager;
use crate::pipeline::{DecryptPipeline, EncryptPipeline, Summary};
use crate::recover::{FileJournal, Recovered, SourceStamp};
use crate::resume::encrypt::Torn;
use crate::resume::{InterruptedDecryption, InterruptedEncryption};
use crate::sink::FileSink;

impl EncryptPipeline<'_> {
    /// Does the same as [`run`](Self::run), on tasks.
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
    /// - `start` if no Tokio runtime polls this.
    pub async fn run_async<S: AsyncOutputSink>(
        &self,
        mut source: impl AsyncSource,
        sink: &mut S,
        managers: AsyncManagers<'_>,
    ) -> Result<Summary, Error> {
        let source = Awaited::new(&mut source, &self.shutdown);
        let new = self.new_stream(&Tasks).await;
        self.run_on(&Tasks, new, source, AsyncOutput { sink, managers }).await
    }

    /// Does the same as [`resume`](Self::resume), on tasks.
    ///
    /// # Errors
    ///
    /// - the errors of [`resume`](Self::resume).
    /// - `start` if no Tokio runtime polls this.
    pub async fn resume_async<S: AsyncOutputSink>(
        &self,
        stream: &StreamOpener,
        recovered: &Recovered,
        mut source: impl AsyncSource,
        sink: &mut S,
        managers: AsyncManagers<'_>,
    ) -> Result<Summary, Error> {
        let source = Awaited::new(&mut source, &self.shutdown);
        let output = AsyncOutput { sink, managers };
        self.resume_on(&Tasks, stream, recovered, source, output).await
    }

    /// Does the same as [`run_to_file`](Self::run_to_file), on tasks.
    ///
    /// The file and its journal are written on blocking threads.
    ///
    /// # Errors
    ///
    /// - the errors of [`run_async`](Self::run_async).
    pub async fn run_to_file_async(
        &self,
        mut source: impl AsyncSource,
        stamp: SourceStamp,
        mut sink: FileSink,
        log: Option<&mut (dyn LogManager + Send)>,
    ) -> Result<Summary, Error> {
        let (new, journal) = self.begin_file(self.new_stream(&Tasks).await, &mut sink, stamp);
        let managers = AsyncManagers::none().with_log(log).with_crash(journal);
        let source = Awaited::new(&mut source, &self.shutdown);
        let output = AsyncOutput { sink: &mut Offloaded::new(sink), managers };
        self.run_on(&Tasks, new, source, output).await
    }
}

impl DecryptPipeline<'_> {
    /// Does the same as [`run`](Self::run), on tasks.
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
    /// - `start` if no Tokio runtime polls this.
    pub async fn run_async<S: AsyncOutputSink>(
        &self,
        mut source: impl AsyncSource,
        sink: &mut S,
        managers: AsyncManagers<'_>,
    ) -> Result<Summary, Error> {
        let source = Awaited::new(&mut source, &self.shutdown);
        self.run_on(&Tasks, source, AsyncOutput { sink, managers }).await
    }

    /// Does the same as [`resume`](Self::resume), on tasks.
    ///
    /// # Errors
    ///
    /// - the errors of [`resume`](Self::resume).
    /// - `start` if no Tokio runtime polls this.
    pub async fn resume_async<S: AsyncOutputSink>(
        &self,
        stream: &StreamOpener,
        committed: &Committed,
        mut source: impl AsyncSource,
        sink: &mut S,
        managers: AsyncManagers<'_>,
    ) -> Result<Summary, Error> {
        let source = Awaited::new(&mut source, &self.shutdown);
        let output = AsyncOutput { sink, managers };
        self.resume_on(&Tasks, stream, committed, source, output).await
    }

    /// Does the same as [`open_stream`](Self::open_stream), on tasks.
    ///
    /// # Errors
    ///
    /// - the errors of [`open_stream`](Self::open_stream).
    pub async fn open_stream_async(&self, source: &mut impl AsyncSource) -> Result<StreamOpener, Error> {
        let mut source = Awaited::new(source, &self.shutdown);
        catch_panic_async(Stage::Source, None, self.opened(&Tasks, &mut source)).await
    }

    /// Does the same as [`run_to_file`](Self::run_to_file), on tasks.
    ///
    /// The file and its journal are written on blocking threads.
    ///
    /// # Errors
    ///
    /// - the errors of [`run_async`](Self::run_async).
    pub async fn run_to_file_async(
        &self,
        stream: &StreamOpener,
        source: impl AsyncSource,
        sink: FileSink,
        log: Option<&mut (dyn LogManager + Send)>,
    ) -> Result<Summary, Error> {
        let journal = FileJournal::new(sink.output(), JournalRole::Decrypt, SourceStamp::default());
        let managers = AsyncManagers::none().with_log(log).with_crash(journal);
        self.resume_async(stream, &Committed::NOTHING, source, &mut Offloaded::new(sink), managers).await
    }
}

impl InterruptedEncryption {
    /// Does the same as [`resume`](Self::resume), on tasks.
    ///
    /// Both engines share the search for a partial output and the comparison of the source. Those
    /// calls block.
    ///
    /// # Errors
    ///
    /// - the errors of [`EncryptPipeline::run_async`].
    pub async fn resume_async(
        self,
        pipeline: &EncryptPipeline<'_>,
        source: impl AsyncSource,
        log: Option<&mut (dyn LogManager + Send)>,
    ) -> Result<Summary, Error> {
        let Torn { stream, recovered, sink, journal } = match self.take_up()? {
            Ok(torn) => torn,
            Err(complete) => return Ok(complete),
        };
        let managers = AsyncManagers::none().with_log(log).with_crash(journal);
        pipeline.resume_async(&stream, &recovered, source, &mut Offloaded::new(sink), managers).await
    }
}

impl InterruptedDecryption {
    /// Does the same as [`resume`](Self::resume), on tasks.
    ///
    /// Both engines share the search for a partial output, which blocks.
    ///
    /// # Errors
    ///
    /// - the errors of [`DecryptPipeline::run_async`].
    pub async fn resume_async(
        self,
        pipeline: &DecryptPipeline<'_>,
        source: impl AsyncSource,
        log: Option<&mut (dyn LogManager + Send)>,
    ) -> Result<Summary, Error> {
        let (stream, committed, sink, journal) = self.take_up()?;
        let managers = AsyncManagers::none().with_log(log).with_crash(journal);
        pipeline.resume_async(&stream, &committed, source, &mut Offloaded::new(sink), managers).await
    }
}
