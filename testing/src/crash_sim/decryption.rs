//! One decryption in the laboratory, new or resumed, as `sv2 decrypt` runs it.

use std::io::{Cursor, ErrorKind, Seek, SeekFrom};
use std::time::Duration;

use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, Error, FileSink, InterruptedDecryption, OutputFile, Parallelism,
    PartialDecryption, ResumeWarning,
};

use super::encryption::Run;
use super::sim::{Contents, Sim};
use super::{assert_untouched, inode, output};
use crate::engine::Engine;
use crate::streams::key;

/// A stream and its plaintext.
pub struct Decryption {
    pub key: ContentKey,
    pub stream: Vec<u8>,
    pub plaintext: Vec<u8>,
    /// The engine of every run.
    pub engine: Engine,
}

/// The state that a run found when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing(Option<ResumeWarning>),
    /// A partial output without a journal that vouches for it.
    Unknown,
    /// This many committed bytes of plaintext.
    Committed(usize),
    Complete,
    /// A name is taken by a file that the run did not write.
    Taken,
}

impl Decryption {
    /// Uses the key of all streams here.
    pub fn new(stream: Vec<u8>, plaintext: Vec<u8>) -> Self {
        Self { key: key(), stream, plaintext, engine: Engine::Threads }
    }

    /// Returns a pipeline with one worker and two segments between durability points.
    pub fn pipeline(&self) -> DecryptPipeline<'_> {
        let mut pipeline = DecryptPipeline::new(&self.key);
        pipeline.parallelism = Parallelism::with_workers(1);
        pipeline.durability.segments = 2;
        pipeline.durability.time = Duration::MAX;
        pipeline
    }

    /// Runs the command for any output.
    pub fn give(&self, output: &OutputFile) -> Result<(), Error> {
        self.attempt(output).map_err(|error| *error.downcast::<Error>().unwrap())
    }

    /// Runs the command as [`give`](Self::give) does. Creating the output may also fail.
    pub fn attempt(&self, output: &OutputFile) -> Result<(), Box<dyn std::error::Error>> {
        let pipeline = self.pipeline();
        let mut source = Cursor::new(&self.stream);
        let stream = pipeline.open_stream(&mut source)?;
        match InterruptedDecryption::find(&pipeline, output, &stream, &mut source)? {
            PartialDecryption::Complete => {}
            PartialDecryption::Torn(found) => {
                self.engine.resume_decryption(*found, &pipeline, source)?;
            }
            PartialDecryption::Changed(_) => return Err("compared without being asked".into()),
            PartialDecryption::Unknown(_) => return Err("no journal vouches for the output".into()),
            PartialDecryption::Nothing(_) if output.is_taken() && !output.overwrites() => {}
            PartialDecryption::Nothing(_) => {
                source.seek(SeekFrom::Start(stream.header().body_offset().0))?;
                output.discard()?;
                self.engine.decrypt_to_file(&pipeline, &stream, source, FileSink::create(output)?)?;
            }
        }
        Ok(())
    }

    /// Runs the command to its end in this file system. Returns the state that it found, and all of
    /// its operations.
    pub fn run(&self, contents: &Contents) -> (Result<Found, Error>, Sim) {
        let sim = Sim::new(contents.clone());
        (self.run_in(&sim), sim)
    }

    pub fn run_in(&self, sim: &Sim) -> Result<Found, Error> {
        let (pipeline, output) = (self.pipeline(), output(sim));
        let mut source = Cursor::new(&self.stream);
        let stream = pipeline.open_stream(&mut source)?;
        let journal = sim.contents().file("out.journal").is_some();
        let notice = match InterruptedDecryption::find(&pipeline, &output, &stream, &mut source)? {
            PartialDecryption::Complete => return Ok(Found::Complete),
            PartialDecryption::Unknown(_) => {
                assert_eq!(sim.log(), [], "nothing is changed by looking");
                return Ok(Found::Unknown);
            }
            PartialDecryption::Torn(found) => {
                assert_eq!(sim.log(), [], "nothing is changed by looking");
                let committed = usize::try_from(found.committed().plaintext_len).unwrap();
                self.engine.resume_decryption(*found, &pipeline, source)?;
                return Ok(Found::Committed(committed));
            }
            // A complete file of that name is refused before anything is discarded.
            PartialDecryption::Nothing(_) if output.is_taken() && journal => return Ok(Found::Taken),
            PartialDecryption::Nothing(notice) => notice,
            PartialDecryption::Changed(at) => unreachable!("compared without being asked: {at}"),
        };
        source.seek(SeekFrom::Start(stream.header().body_offset().0)).unwrap();
        match output.discard().and_then(|()| FileSink::create(&output)) {
            // The output is complete because the previous run succeeded.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && !journal => Ok(Found::Complete),
            Err(error) if [ErrorKind::AlreadyExists, ErrorKind::InvalidData].contains(&error.kind()) => {
                Ok(Found::Taken)
            }
            created => {
                let done = self.engine.decrypt_to_file(&pipeline, &stream, source, created.unwrap());
                done.map(|_| Found::Nothing(notice))
            }
        }
    }

    /// Begins on an empty disk.
    pub fn first(&self) -> Run {
        let (found, sim) = self.run(&Contents::default());
        assert_eq!(found.unwrap(), Found::Nothing(None));
        self.assert_complete(&sim.contents());
        Run::new(Contents::default(), &sim)
    }

    /// Runs the command again after a crash and checks the result. No loss is reported, the
    /// committed bytes are untouched, and the plaintext is whole.
    pub fn again(&self, contents: &Contents) -> Run {
        let (found, sim) = self.run(contents);
        let run = Run::new(contents.clone(), &sim);
        match found.unwrap() {
            Found::Committed(committed) => {
                assert_untouched(&run.log, contents, inode(contents).unwrap(), committed)
            }
            found => assert!(matches!(found, Found::Complete | Found::Nothing(None)), "{found:?}"),
        }
        self.assert_complete(&sim.contents());
        run
    }

    /// Asserts that the plaintext has its name, and that nothing else is left.
    pub fn assert_complete(&self, contents: &Contents) {
        assert_eq!(contents.names(), ["out"]);
        assert!(contents.file("out") == Some(&self.plaintext));
    }
}
