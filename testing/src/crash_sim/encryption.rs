//! One encryption in the laboratory, new or resumed, as `sv2 encrypt` runs it.

use std::io::{Cursor, ErrorKind};
use std::sync::Arc;

use stream_v2_format::wire::StreamFlags;
use stream_v2_pipeline::{
    Cause, ContentKey, Credentials, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedEncryption,
    KeyFile, OutputFile, Recipients, ResumeKeys, ResumeWarning, SourceStamp,
};

use super::sim::{Contents, Op, Sim};
use super::states::killed;
use super::{BODY, assert_untouched, inode, output};
use crate::engine::Engine;
use crate::streams::{decrypt, small_segments, with_small_segments};

/// A source, and the key that it is encrypted under.
pub struct Encryption {
    pub key: ContentKey,
    pub source: Vec<u8>,
    pub stamp: SourceStamp,
    /// Whether everything committed is compared, whatever is known of the source from outside.
    pub compares: bool,
    /// Whether the stream has the flag UNIFORM.
    pub uniform: bool,
    /// Segments between durability points.
    pub durable_every: u64,
    /// The engine of every run.
    pub engine: Engine,
    /// The number of segments if the stream has index segments. Some are then shorter than full
    /// ones.
    pub index: Option<u64>,
    /// Recipients, if the content key is drawn and wrapped.
    pub wrapped: Option<Wrapped>,
}

/// Recipients of a stream, and what its writer has to open the envelope: nothing, unless a test
/// says otherwise.
pub struct Wrapped {
    pub recipients: Recipients,
    pub brought: Credentials,
    /// Whether a resume key is kept.
    pub keeps: bool,
}

impl Wrapped {
    /// Returns the key file of a recipient.
    pub fn key_file(number: u8) -> KeyFile {
        KeyFile::parse(KeyFile::text(&[number; 32]).as_bytes()).unwrap()
    }

    /// Returns two recipients, and a writer that has the key of neither.
    pub fn for_others() -> Self {
        let recipients =
            [1, 2].map(Self::key_file).into_iter().fold(Recipients::new(), Recipients::with_key_file);
        Self { recipients, brought: Credentials::new(), keeps: true }
    }

    /// Returns what opens each stream.
    pub fn opens() -> Credentials {
        Credentials::new().with_key_file(Self::key_file(2))
    }
}

/// A complete run: its initial disk, all of its operations, and its output.
pub struct Run {
    pub start: Contents,
    pub log: Vec<Op>,
    pub result: Vec<u8>,
}

impl Run {
    pub fn new(start: Contents, sim: &Sim) -> Self {
        Self { start, log: sim.log(), result: sim.contents().file("out").cloned().unwrap_or_default() }
    }

    /// Returns the disk after a kill that follows this many operations and this many bytes of the
    /// next one.
    pub fn killed(&self, (calls, cut): (usize, usize)) -> Contents {
        killed(&self.start, &self.log, calls, cut)
    }

    /// Returns the operations of the killed run and of the next process on the same machine.
    pub fn killed_and(&self, (calls, cut): (usize, usize), next: &Self) -> Vec<Op> {
        let torn = match self.log.get(calls) {
            Some(Op::Write(file, at, bytes)) if cut > 0 => Some(Op::Write(*file, *at, bytes[..cut].to_vec())),
            _ => None,
        };
        self.log[..calls].iter().cloned().chain(torn).chain(next.log.iter().cloned()).collect()
    }
}

/// The state that a run found when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Committed segments.
    pub segments: u64,
    /// The offset of their end.
    pub stream_len: usize,
    pub notice: Option<ResumeWarning>,
}

impl Encryption {
    pub fn new(source: Vec<u8>) -> Self {
        let stamp = SourceStamp { len: Some(source.len() as u64), mtime: Some(7) };
        let (compares, uniform, durable_every, index) = (false, true, 2, None);
        let (key, engine, wrapped) = (crate::streams::key(), Engine::Threads, None);
        Self { key, source, stamp, compares, uniform, durable_every, engine, index, wrapped }
    }

    /// Encrypts the source for recipients whose keys the writer does not have.
    pub fn for_others(source: Vec<u8>) -> Self {
        Self { wrapped: Some(Wrapped::for_others()), ..Self::new(source) }
    }

    /// Returns an output with the folder of resume keys beside it, if there are recipients.
    pub fn keeping(&self, sim: &Sim, output: OutputFile) -> OutputFile {
        let Some(wrapped) = &self.wrapped else { return output };
        let keys = ResumeKeys::stored(Arc::new(sim.clone()), "state").keeping(wrapped.keeps);
        output.with_resume_keys(keys)
    }

    /// Returns a pipeline with one worker.
    pub fn pipeline(&self) -> EncryptPipeline<'_> {
        let mut pipeline = match &self.wrapped {
            None => small_segments(&self.key, 1),
            Some(Wrapped { recipients, brought, .. }) => {
                let pipeline = EncryptPipeline::for_recipients(recipients).with_credentials(brought);
                with_small_segments(pipeline, 1)
            }
        };
        pipeline.durability.segments = self.durable_every;
        pipeline.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, self.uniform);
        pipeline.set_index(self.index.is_some());
        pipeline
    }

    /// Runs the command for any output, and asserts that the run begins without a warning.
    pub fn give(&self, output: &OutputFile) -> Result<(), Error> {
        let notice = self.attempt(output).map_err(|error| *error.downcast::<Error>().unwrap())?;
        assert_eq!(notice, None);
        Ok(())
    }

    /// Runs the command for any output, and returns the warning with which the run began.
    pub fn attempt(&self, output: &OutputFile) -> Result<Option<ResumeWarning>, Box<dyn std::error::Error>> {
        let pipeline = self.pipeline();
        let Some(mut found) = InterruptedEncryption::find(&pipeline, output)? else {
            if !output.is_taken() {
                output.discard()?;
                let sink = FileSink::create(output)?;
                self.engine.encrypt_to_file(&pipeline, &self.source[..], self.stamp, sink)?;
            } else if self.wrapped.is_some()
                && output.has_journal()
                && !pipeline.complete_without_key(output, self.stamp)?
            {
                return Err("the name is taken".into());
            }
            return Ok(None);
        };
        let notice = found.notice();
        let mut source = Cursor::new(&self.source);
        self.check(&mut found, &mut source)?;
        self.engine.resume_encryption(found, &pipeline, source)?;
        Ok(notice)
    }

    fn check(&self, found: &mut InterruptedEncryption, source: &mut Cursor<&Vec<u8>>) -> Result<(), Error> {
        match self.compares {
            true => found.compare_source(&self.pipeline(), source, self.stamp, None),
            false => found.check_source(source, self.stamp),
        }
    }

    /// Runs the command to its end in this file system. Returns the state that it found, and all of
    /// its operations.
    pub fn run(&self, contents: &Contents) -> (Result<Option<Found>, Error>, Sim) {
        let sim = Sim::new(contents.clone());
        (self.run_in(&sim), sim)
    }

    pub fn run_in(&self, sim: &Sim) -> Result<Option<Found>, Error> {
        let (pipeline, output) = (self.pipeline(), self.keeping(sim, output(sim)));
        let Some(mut interrupted) = InterruptedEncryption::find(&pipeline, &output)? else {
            if pipeline.complete_without_key(&output, self.stamp)? {
                return Ok(None);
            }
            let created = output.discard().and_then(|()| FileSink::create(&output));
            return match created {
                // The output is complete because the previous run succeeded.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
                // A foreign file has the name of the journal.
                Err(error) if error.kind() == ErrorKind::InvalidData => Ok(None),
                created => {
                    let (source, sink) = (&self.source[..], created.unwrap());
                    self.engine.encrypt_to_file(&pipeline, source, self.stamp, sink).map(|_| None)
                }
            };
        };
        let recovered = interrupted.recovered();
        let found = Found {
            segments: recovered.committed.segments,
            stream_len: usize::try_from(recovered.stream_len).unwrap(),
            notice: interrupted.notice(),
        };
        let mut source = Cursor::new(&self.source);
        self.check(&mut interrupted, &mut source)?;
        assert_eq!(sim.log(), [], "nothing is changed by looking");
        self.engine.resume_encryption(interrupted, &pipeline, source)?;
        Ok(Some(found))
    }

    /// Begins on an empty disk.
    pub fn first(&self) -> Run {
        let (found, sim) = self.run(&Contents::default());
        assert_eq!(found.unwrap(), None);
        self.assert_complete(&sim.contents());
        Run::new(Contents::default(), &sim)
    }

    /// Runs the command again after a crash of `before` and checks the result. The run finds the
    /// committed segments, leaves them untouched, and its result opens to the source.
    pub fn again(&self, before: &Run, contents: &Contents) -> Run {
        let (found, sim) = self.run(contents);
        let found = found.unwrap();
        let file = inode(contents);
        let committed = file.map_or(0, |file| committed_len(&contents.files[file], &before.result));
        let mut committed = committed;
        match found {
            Some(found) => assert_eq!((found.stream_len, found.notice), (committed, None)),
            None if contents.file("out").is_some() => {}
            // A stream header and an envelope that nothing opens.
            None if self.wrapped.is_some() && contents.file("out.journal").is_none() => {
                assert!(committed <= ends(&before.result)[0], "{committed} bytes were not found");
                committed = 0;
            }
            None => assert_eq!(committed, 0),
        }
        let run = Run::new(contents.clone(), &sim);
        if let Some(file) = file.filter(|_| committed > 0) {
            assert_untouched(&run.log, contents, file, committed);
        }
        self.assert_complete(&sim.contents());
        assert!(run.result[..committed] == before.result[..committed]);
        run
    }

    /// Does the same as [`again`](Self::again) after a loss of power, when at least `durable` bytes
    /// of the output were durable.
    pub fn again_with(&self, before: &Run, contents: &Contents, durable: usize) -> Run {
        let found = inode(contents).map_or(0, |file| committed_len(&contents.files[file], &before.result));
        // A header and an envelope that nothing opens are given up.
        let nothing = if self.wrapped.is_some() { ends(&before.result)[0] } else { 0 };
        let durable = Some(committed_len(&before.result[..durable], &before.result));
        let durable = durable.filter(|durable| *durable > nothing).unwrap_or(0);
        assert!(found >= durable, "{found} of {durable} bytes");
        self.again(before, contents)
    }

    /// Asserts that a sealed stream of exactly the source has its name, and that nothing else is
    /// left.
    pub fn assert_complete(&self, contents: &Contents) {
        assert_eq!(contents.names(), ["out"]);
        self.assert_opens(contents.file("out").unwrap());
    }

    pub fn assert_opens(&self, stream: &[u8]) {
        let opens = Wrapped::opens();
        let mut pipeline = match self.wrapped {
            None => DecryptPipeline::new(&self.key),
            Some(_) => DecryptPipeline::with_credentials(&opens),
        };
        pipeline.parallelism = stream_v2_pipeline::Parallelism::with_workers(1);
        let (plaintext, result) = decrypt(&pipeline, stream);
        let without_index = self.source.len().div_ceil(super::SEGMENT) as u64 + 1;
        let expected = self.index.unwrap_or(without_index);
        assert_eq!(result.map(|summary| summary.segments).unwrap(), expected);
        assert!(plaintext == self.source);
    }
}

/// Returns the length of the leading whole segments of `ideal` in `found`.
pub fn committed_len(found: &[u8], ideal: &[u8]) -> usize {
    let same = |end: &usize| found.get(..*end) == Some(&ideal[..*end]);
    ends(ideal).into_iter().take_while(same).last().unwrap_or(0)
}

/// Returns the ends of the stream header, with its envelope, and of each segment of a stream.
pub fn ends(stream: &[u8]) -> Vec<usize> {
    let envelope_len = stream.get(112..116).map_or(0, |len| u32::from_le_bytes(len.try_into().unwrap()));
    let envelope = if envelope_len == 0 { 0 } else { envelope_len as usize + 4 };
    ends_from(stream, BODY + envelope)
}

/// Returns the same ends, beginning at a segment.
pub fn ends_from(stream: &[u8], begin: usize) -> Vec<usize> {
    let mut ends = vec![begin];
    loop {
        let begin = *ends.last().unwrap();
        let Some(len) = stream.get(begin + 36..begin + 40) else { return ends };
        let end = begin + 96 + u32::from_le_bytes(len.try_into().unwrap()) as usize;
        if end > stream.len() {
            return ends;
        }
        ends.push(end);
    }
}

/// Returns whether an error reports another source.
pub fn is_other_source(error: &Error) -> bool {
    matches!(error.cause(), Cause::Format(format) if format.detail() == stream_v2_format::Detail::JournalSource)
}
