//! Both engines. A test runs through each of them and sees the same.

use std::io::Read;

use stream_v2_format::crypto::StreamOpener;
use stream_v2_pipeline::{
    CrashManager, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedDecryption,
    InterruptedEncryption, LogManager, Managers, OutputSink, SourceStamp, Summary, WriterSink,
};

#[cfg(feature = "tokio")]
use stream_v2_pipeline::tokio::{AsyncManagers, Offloaded};

#[cfg(feature = "tokio")]
use crate::tasks::{AwaitedSink, Sips, on_tasks};

/// The engine of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    #[default]
    Threads,
    /// Each call of the source and of the sink must be awaited. Files are written on blocking
    /// threads.
    #[cfg(feature = "tokio")]
    Tasks,
}

impl Engine {
    pub const ALL: &[Self] = &[
        Self::Threads,
        #[cfg(feature = "tokio")]
        Self::Tasks,
    ];

    pub fn run(
        self,
        pipeline: &impl Pipeline,
        source: impl Read + Send + Unpin,
        sink: &mut (impl OutputSink + Send),
    ) -> Result<Summary, Error> {
        self.run_with(pipeline, source, sink, RunManagers::default())
    }

    pub fn run_with(
        self,
        pipeline: &impl Pipeline,
        mut source: impl Read + Send + Unpin,
        sink: &mut (impl OutputSink + Send),
        managers: RunManagers<'_>,
    ) -> Result<Summary, Error> {
        pipeline.run_on(self, &mut source, sink, managers)
    }

    /// Returns the stream.
    pub fn encrypt(self, pipeline: &EncryptPipeline<'_>, plaintext: &[u8]) -> Vec<u8> {
        let mut stream = Vec::new();
        self.run(pipeline, plaintext, &mut WriterSink::new(&mut stream)).unwrap();
        stream
    }

    /// Returns the plaintext that a strict reader released, and its result.
    pub fn decrypt(self, pipeline: &DecryptPipeline<'_>, stream: &[u8]) -> (Vec<u8>, Result<Summary, Error>) {
        let mut plaintext = Vec::new();
        let result = self.run(pipeline, stream, &mut WriterSink::new(&mut plaintext));
        (plaintext, result)
    }

    pub fn encrypt_to_file(
        self,
        pipeline: &EncryptPipeline<'_>,
        mut source: impl Read + Send + Unpin,
        stamp: SourceStamp,
        sink: FileSink,
    ) -> Result<Summary, Error> {
        let source: &mut (dyn Read + Send) = &mut source;
        match self {
            Self::Threads => pipeline.run_to_file(source, stamp, sink, None),
            #[cfg(feature = "tokio")]
            Self::Tasks => on_tasks(pipeline.run_to_file_async(Sips::all(source), stamp, sink, None)),
        }
    }

    pub fn resume_encryption(
        self,
        found: InterruptedEncryption,
        pipeline: &EncryptPipeline<'_>,
        mut source: impl Read + Send + Unpin,
    ) -> Result<Summary, Error> {
        let source: &mut (dyn Read + Send) = &mut source;
        match self {
            Self::Threads => found.resume(pipeline, source, None),
            #[cfg(feature = "tokio")]
            Self::Tasks => on_tasks(found.resume_async(pipeline, Sips::all(source), None)),
        }
    }

    pub fn decrypt_to_file(
        self,
        pipeline: &DecryptPipeline<'_>,
        stream: &StreamOpener,
        mut source: impl Read + Send + Unpin,
        sink: FileSink,
    ) -> Result<Summary, Error> {
        let source: &mut (dyn Read + Send) = &mut source;
        match self {
            Self::Threads => pipeline.run_to_file(stream, source, sink, None),
            #[cfg(feature = "tokio")]
            Self::Tasks => on_tasks(pipeline.run_to_file_async(stream, Sips::all(source), sink, None)),
        }
    }

    pub fn resume_decryption(
        self,
        found: InterruptedDecryption,
        pipeline: &DecryptPipeline<'_>,
        mut source: impl Read + Send + Unpin,
    ) -> Result<Summary, Error> {
        let source: &mut (dyn Read + Send) = &mut source;
        match self {
            Self::Threads => found.resume(pipeline, source, None),
            #[cfg(feature = "tokio")]
            Self::Tasks => on_tasks(found.resume_async(pipeline, Sips::all(source), None)),
        }
    }
}

/// Managers that both engines accept.
#[derive(Default)]
pub struct RunManagers<'a> {
    log: Option<&'a mut (dyn LogManager + Send)>,
    crash: Option<Box<dyn CrashManager + Send>>,
}

impl<'a> RunManagers<'a> {
    pub fn log(log: &'a mut (dyn LogManager + Send)) -> Self {
        Self { log: Some(log), crash: None }
    }

    pub fn crash(crash: impl CrashManager + Send + 'static) -> Self {
        Self { log: None, crash: Some(Box::new(crash)) }
    }
}

/// A pipeline of either direction.
pub trait Pipeline {
    fn run_on(
        &self,
        engine: Engine,
        source: &mut (dyn Read + Send),
        sink: &mut (dyn OutputSink + Send),
        managers: RunManagers<'_>,
    ) -> Result<Summary, Error>;
}

macro_rules! pipeline {
    ($name:ident) => {
        impl Pipeline for $name<'_> {
            fn run_on(
                &self,
                engine: Engine,
                source: &mut (dyn Read + Send),
                sink: &mut (dyn OutputSink + Send),
                managers: RunManagers<'_>,
            ) -> Result<Summary, Error> {
                let RunManagers { log, mut crash } = managers;
                match engine {
                    Engine::Threads => {
                        let log = log.map(|log| log as _);
                        let crash = crash.as_mut().map(|crash| crash.as_mut() as _);
                        self.run(source, sink, Managers { log, crash })
                    }
                    #[cfg(feature = "tokio")]
                    Engine::Tasks => {
                        let managers = AsyncManagers { log, crash: crash.map(Offloaded::new) };
                        on_tasks(self.run_async(Sips::all(source), &mut AwaitedSink(sink), managers))
                    }
                }
            }
        }
    };
}

pipeline!(EncryptPipeline);
pipeline!(DecryptPipeline);
