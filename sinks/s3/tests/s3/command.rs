//! The commands `sv2 encrypt` and `sv2 decrypt` on one input, into S3, by either engine.

use std::error::Error as StdError;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use stream_v2_pipeline::{
    Cause, ContentKey, DecryptPipeline, Error, FileSink, InterruptedDecryption, InterruptedEncryption,
    LogManager, OutputFile, Parallelism, PartialDecryption, Shutdown, SourceStamp,
};
use stream_v2_testing::crash_sim::SEGMENT;
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, encrypt, key, small_segments};
use stream_v2_testing::tasks::{Sips, runtimes};

use crate::machine::{Machine, OBJECT};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Encrypt,
    Decrypt,
}

/// The engine of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Threads,
    Tasks,
}

pub(crate) struct Command {
    way: Way,
    pub(crate) on: On,
    key: ContentKey,
    plaintext: Vec<u8>,
    /// The plaintext, or the stream.
    source: Vec<u8>,
    pub(crate) overwrites: bool,
    /// Parts that are sent at once.
    pub(crate) lanes: usize,
}

/// The failure of a command.
pub(crate) type Failed = Box<dyn StdError>;

/// A source that calls a function at byte `at`, and then continues or fails.
pub(crate) struct Until<F> {
    source: Cursor<Vec<u8>>,
    at: u64,
    does: Option<F>,
}

impl<F: FnOnce() -> io::Result<()>> Read for Until<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.at.saturating_sub(self.source.position());
        if left > 0 {
            return self.source.by_ref().take(left).read(buffer);
        }
        self.does.take().map_or(Ok(()), |does| does())?;
        self.source.read(buffer)
    }
}

impl<F> Seek for Until<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

impl Command {
    /// Returns a command on so many segments, the last one not full.
    pub(crate) fn new(way: Way, on: On, segments: usize) -> Self {
        let (key, plaintext) = (key(), plaintext((segments * SEGMENT).saturating_sub(7)));
        let source = match way {
            Way::Encrypt => plaintext.clone(),
            Way::Decrypt => encrypt(&small_segments(&key, 1), &plaintext),
        };
        Self { way, on, key, plaintext, source, overwrites: false, lanes: 3 }
    }

    /// Returns the bytes of the source.
    pub(crate) fn len(&self) -> u64 {
        self.source.len() as u64
    }

    /// Runs the command.
    pub(crate) fn give(&self, machine: &Machine) -> Result<(), Failed> {
        self.give_with(machine, u64::MAX, || Ok(()))
    }

    /// Runs it with a source that fails in its middle.
    ///
    /// The caller that makes the output durable sends the parts, so that always the same ones are
    /// there.
    pub(crate) fn give_half(&self, machine: &Machine) {
        let half = Self { lanes: 0, key: key(), plaintext: Vec::new(), source: self.source.clone(), ..*self };
        let failed = || Err(io::ErrorKind::ConnectionReset.into());
        half.give_with(machine, self.source.len() as u64 * 3 / 5, failed).unwrap_err();
    }

    /// Runs it with a source that calls a function at byte `at`.
    pub(crate) fn give_with(
        &self,
        machine: &Machine,
        at: u64,
        does: impl FnOnce() -> io::Result<()> + Send + Unpin,
    ) -> Result<(), Failed> {
        let output = machine.upload().with_lanes(self.lanes).output().overwriting(self.overwrites);
        self.give_to(&output, &Shutdown::new(), None, at, does)
    }

    pub(crate) fn give_to(
        &self,
        output: &OutputFile,
        shutdown: &Shutdown,
        log: Option<&mut (dyn LogManager + Send)>,
        at: u64,
        does: impl FnOnce() -> io::Result<()> + Send + Unpin,
    ) -> Result<(), Failed> {
        let source = Until { source: Cursor::new(self.source.clone()), at, does: Some(does) };
        match self.way {
            Way::Encrypt => self.seal(output, shutdown, log, source),
            Way::Decrypt => self.open(output, shutdown, log, source),
        }
    }

    fn seal(
        &self,
        output: &OutputFile,
        shutdown: &Shutdown,
        log: Option<&mut (dyn LogManager + Send)>,
        mut source: impl Read + Seek + Send + Unpin,
    ) -> Result<(), Failed> {
        let stamp = SourceStamp { len: Some(self.source.len() as u64), mtime: Some(7) };
        let mut pipeline = small_segments(&self.key, 2);
        pipeline.shutdown = shutdown.clone();
        let Some(mut found) = InterruptedEncryption::find(&pipeline, output)? else {
            output.discard()?;
            let sink = FileSink::create(output)?;
            match self.on {
                On::Threads => pipeline.run_to_file(source, stamp, sink, log.map(|log| log as _))?,
                On::Tasks => {
                    let source = Sips::new(source, usize::MAX);
                    runtimes()[1].block_on(pipeline.run_to_file_async(source, stamp, sink, log))?
                }
            };
            return Ok(());
        };
        assert_eq!(found.notice(), None);
        found.check_source(&mut source, stamp)?;
        match self.on {
            On::Threads => found.resume(&pipeline, source, log.map(|log| log as _))?,
            On::Tasks => {
                let source = Sips::new(source, usize::MAX);
                runtimes()[1].block_on(found.resume_async(&pipeline, source, log))?
            }
        };
        Ok(())
    }

    fn open(
        &self,
        output: &OutputFile,
        shutdown: &Shutdown,
        log: Option<&mut (dyn LogManager + Send)>,
        mut source: impl Read + Seek + Send + Unpin,
    ) -> Result<(), Failed> {
        let mut pipeline = DecryptPipeline::new(&self.key);
        (pipeline.parallelism, pipeline.shutdown) = (Parallelism::with_workers(2), shutdown.clone());
        pipeline.durability.segments = 1;
        let stream = pipeline.open_stream(&mut source)?;
        match InterruptedDecryption::find(&pipeline, output, &stream, &mut source)? {
            PartialDecryption::Complete => {}
            PartialDecryption::Unknown(notice) => unreachable!("{notice:?}"),
            PartialDecryption::Changed(at) => unreachable!("compared without being asked: {at}"),
            PartialDecryption::Torn(found) => {
                match self.on {
                    On::Threads => found.resume(&pipeline, source, log.map(|log| log as _))?,
                    On::Tasks => {
                        let source = Sips::new(source, usize::MAX);
                        runtimes()[1].block_on(found.resume_async(&pipeline, source, log))?
                    }
                };
            }
            PartialDecryption::Nothing(_) => {
                source.seek(SeekFrom::Start(stream.header().body_offset().0))?;
                output.discard()?;
                let sink = FileSink::create(output)?;
                match self.on {
                    On::Threads => pipeline.run_to_file(&stream, source, sink, log.map(|log| log as _))?,
                    On::Tasks => {
                        let source = Sips::new(source, usize::MAX);
                        runtimes()[1].block_on(pipeline.run_to_file_async(&stream, source, sink, log))?
                    }
                };
            }
        }
        Ok(())
    }

    /// Checks that the object is there, with the right content.
    pub(crate) fn assert_there(&self, machine: &Machine) {
        let object = machine.front.object(OBJECT).unwrap();
        let plaintext = match self.way {
            Way::Decrypt => object,
            Way::Encrypt => {
                let (plaintext, result) = decrypt(&DecryptPipeline::new(&self.key), &object);
                result.unwrap();
                plaintext
            }
        };
        assert!(plaintext == self.plaintext);
    }
}

/// Returns whether a run was interrupted.
pub(crate) fn is_interrupted(failed: &Failed) -> bool {
    failed.downcast_ref::<Error>().is_some_and(|error| matches!(error.cause(), Cause::Interrupted))
}

/// Returns the kind of the I/O error that ended a command.
pub(crate) fn kind(failed: &Failed) -> Option<io::ErrorKind> {
    let of_run = failed.downcast_ref::<Error>().and_then(|error| match error.cause() {
        Cause::Io(error) => Some(error.kind()),
        _ => None,
    });
    of_run.or_else(|| failed.downcast_ref::<io::Error>().map(io::Error::kind))
}
