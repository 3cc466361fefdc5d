//! The managers of a run on tasks, and its sink with them.

use std::io;

use super::offload::Offloaded;
use super::sink::{AsyncOutputSink, OwnedUnit};
use crate::observe::{CrashManager, LogEvent, LogManager};
use crate::pipeline::output::{Chunk, JournalEvent, Output, SinkOp};

/// The managers of one run.
#[derive(Default)]
pub struct AsyncManagers<'a> {
    /// Receives the events of the run, in the future of the run. It must not block.
    pub log: Option<&'a mut (dyn LogManager + Send)>,
    /// Keeps the run resumable. It is called on blocking threads, with three exceptions.
    ///
    /// [`committed`](CrashManager::committed) and [`holds`](CrashManager::holds), which are called
    /// for each segment, and [`wants_plaintext`](CrashManager::wants_plaintext) are called in the
    /// future of the run. They must not block.
    pub crash: Option<Offloaded<Box<dyn CrashManager + Send>>>,
}

impl<'a> AsyncManagers<'a> {
    /// Returns neither log nor crash manager.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Sets a crash manager that is called on blocking threads.
    #[must_use]
    pub fn with_crash(self, crash: impl CrashManager + Send + 'static) -> Self {
        Self { crash: Some(Offloaded::new(Box::new(crash))), ..self }
    }

    /// Sets the log.
    #[must_use]
    pub fn with_log(self, log: Option<&'a mut (dyn LogManager + Send)>) -> Self {
        Self { log, ..self }
    }
}

/// Sink and managers that are awaited.
pub(crate) struct AsyncOutput<'a, 'm, S> {
    pub(crate) sink: &'a mut S,
    pub(crate) managers: AsyncManagers<'m>,
}

impl<S: AsyncOutputSink> Output for AsyncOutput<'_, '_, S> {
    async fn append(&mut self, chunk: &Chunk<'_>) -> io::Result<()> {
        self.sink.append(OwnedUnit::of(chunk)).await
    }

    async fn apply(&mut self, op: SinkOp) -> io::Result<()> {
        match op {
            SinkOp::MakeDurable => self.sink.make_durable().await,
            SinkOp::TakeBack(position) => self.sink.take_back(position).await,
            SinkOp::Seal => self.sink.seal().await,
            SinkOp::Suspend => self.sink.suspend().await,
            SinkOp::RollBack(recorded) => self.sink.roll_back(recorded).await,
            SinkOp::Abort => self.sink.abort().await,
        }
    }

    fn has_journal(&self) -> bool {
        self.managers.crash.is_some()
    }

    fn wants_plaintext(&self) -> bool {
        self.managers.crash.as_ref().is_some_and(|crash| crash.call_here(|crash| crash.wants_plaintext()))
    }

    async fn journal(&mut self, event: JournalEvent) -> io::Result<()> {
        let Some(crash) = &mut self.managers.crash else { return Ok(()) };
        match event {
            JournalEvent::Committed(_) | JournalEvent::Holds(..) => {
                crash.call_here(|crash| event.send_to(crash.as_mut()))
            }
            _ => crash.call(move |crash| event.send_to(crash.as_mut())).await,
        }
    }

    fn log(&mut self, event: LogEvent<'_>) {
        if let Some(log) = self.managers.log.as_mut() {
            log.log(event);
        }
    }
}
