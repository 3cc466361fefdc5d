//! Storage that keeps the segments and journals of forked runs of one stream, rolls back, and mixes
//! them before a resume.

use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read};

use stream_v2_format::wire::StreamFlags;
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedDecryption,
    InterruptedEncryption, Parallelism, PartialDecryption, RangeBy, SourceStamp,
};

use super::encryption::ends;
use super::output;
use super::sim::{Contents, Sim};
use super::{BODY, SEGMENT};
use crate::streams::{decrypt, key, small_segments};

/// A segment that some run has sealed, and all the plaintext of its history up to its end.
#[derive(Clone)]
pub struct Sealed {
    pub bytes: Vec<u8>,
    pub history: Vec<u8>,
}

/// Everything that the runs of one stream have written.
pub struct Forks {
    key: ContentKey,
    index: bool,
    header: Vec<u8>,
    /// By segment_index.
    pub segments: BTreeMap<usize, Vec<Sealed>>,
    pub journals: Vec<Vec<u8>>,
}

/// A source that fails after this many segments.
struct Stops<'a> {
    source: &'a [u8],
    left: usize,
}

impl Read for Stops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(1).ok_or(ErrorKind::ConnectionReset)?;
        self.source.read(buffer)
    }
}

/// The disk after a successful resume, and the plaintext of its history.
pub struct Resumed {
    pub contents: Contents,
    pub expected: Vec<u8>,
}

impl Forks {
    /// Prepares a stream with index segments, or one with UNIFORM.
    pub fn new(index: bool) -> Self {
        let (segments, journals) = Default::default();
        Self { key: key(), index, header: Vec::new(), segments, journals }
    }

    fn pipeline(&self) -> EncryptPipeline<'_> {
        let mut pipeline = small_segments(&self.key, 1);
        pipeline.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, !self.index);
        pipeline.set_index(self.index);
        pipeline
    }

    /// Runs the command on an empty disk and stops it after this many segments.
    pub fn begin(&mut self, source: &[u8], segments: usize) -> Contents {
        let sim = Sim::new(Contents::default());
        let failing = Stops { source, left: segments };
        let sink = FileSink::create(&output(&sim)).unwrap();
        self.pipeline().run_to_file(failing, SourceStamp::default(), sink, None).unwrap_err();
        let contents = sim.contents();
        self.header = contents.file("out.partial").unwrap()[..BODY].to_vec();
        self.remember(&contents, source);
        contents
    }

    /// Runs the command again and stops it after this many more segments. A run left the disk.
    pub fn go_on(&mut self, contents: &Contents, source: &[u8], segments: usize) -> Contents {
        let resumed = self.resume(contents, source, Some(segments)).unwrap().unwrap();
        self.remember(&resumed.contents, &resumed.expected);
        resumed.contents
    }

    /// Keeps the content of a disk whose output has a history with this `plaintext`.
    pub fn remember(&mut self, contents: &Contents, plaintext: &[u8]) {
        self.journals.extend(contents.file("out.journal").cloned());
        let output = contents.file("out.partial").unwrap();
        let ends = ends(output);
        for (place, bounds) in ends.windows(2).enumerate() {
            let bytes = output[bounds[0]..bounds[1]].to_vec();
            let history = plaintext[..plaintext.len().min((place + 1) * SEGMENT)].to_vec();
            let kept = self.segments.entry(place).or_default();
            if kept.iter().all(|sealed| sealed.bytes != bytes) {
                kept.push(Sealed { bytes, history });
            }
        }
    }

    /// Returns every output of `len` segments that storage can put together.
    pub fn mixes(&self, len: usize) -> Vec<Vec<&Sealed>> {
        let mut mixes = vec![Vec::new()];
        for place in 0..len {
            let kept = &self.segments[&place];
            let pairs = mixes.iter().flat_map(|mix| kept.iter().map(move |sealed| (mix, sealed)));
            let longer =
                pairs.map(|(mix, sealed): (&Vec<_>, _)| mix.iter().copied().chain([sealed]).collect());
            mixes = longer.collect();
        }
        mixes
    }

    /// Returns the disk with these segments and this journal.
    pub fn disk(&self, mix: &[&Sealed], journal: Option<&Vec<u8>>) -> Contents {
        let mut contents = Contents::default();
        let segments = mix.iter().flat_map(|sealed| &sealed.bytes);
        contents.put("out.partial", self.header.iter().chain(segments).copied().collect());
        if let Some(journal) = journal {
            contents.put("out.journal", journal.clone());
        }
        contents
    }

    /// Runs the command again, to its end or for this many segments. A refused resume changes
    /// nothing.
    pub fn resume(
        &self,
        contents: &Contents,
        source: &[u8],
        segments: Option<usize>,
    ) -> Result<Option<Resumed>, Error> {
        let (sim, pipeline) = (Sim::new(contents.clone()), self.pipeline());
        let found = self.take_up(&sim, &pipeline, source);
        let Some((found, mut expected)) = found.inspect_err(|_| assert_eq!(sim.log(), []))? else {
            return Ok(None);
        };
        let rest = &source[usize::try_from(found.recovered().committed.plaintext_len).unwrap()..];
        expected.extend_from_slice(rest);
        match segments {
            Some(segments) => {
                let failing = Stops { source: rest, left: segments };
                drop(found.resume(&pipeline, failing, None));
            }
            None => drop(found.resume(&pipeline, rest, None)?),
        }
        Ok(Some(Resumed { contents: sim.contents(), expected }))
    }

    /// Finds the interrupted run, and the plaintext of the history that the run resumes. This is
    /// the history of the last kept segment.
    fn take_up(
        &self,
        sim: &Sim,
        pipeline: &EncryptPipeline<'_>,
        source: &[u8],
    ) -> Result<Option<(InterruptedEncryption, Vec<u8>)>, Error> {
        let Some(mut found) = InterruptedEncryption::find(pipeline, &output(sim))? else { return Ok(None) };
        found.check_source(&mut Cursor::new(source), SourceStamp::default())?;
        let end = usize::try_from(found.recovered().stream_len).unwrap();
        let contents = sim.contents();
        let kept = &contents.file("out.partial").unwrap()[..end];
        let last = self.segments.values().flatten().find(|sealed| kept.ends_with(&sealed.bytes));
        Ok(Some((found, last.map_or_else(Vec::new, |sealed| sealed.history.clone()))))
    }

    /// Reads a sealed stream in every way and returns the ways that gave all of it. No way may give
    /// anything else.
    pub fn read(&self, stream: &[u8], expected: &[u8]) -> Vec<&'static str> {
        let mut whole = Vec::new();
        let reader = DecryptPipeline::new(&self.key);
        let (released, result) = decrypt(&reader, stream);
        let is_prefix = |history: &[u8]| history.starts_with(&released);
        let known = self.segments.values().flatten().any(|sealed| is_prefix(&sealed.history));
        assert!(known || is_prefix(expected), "a sequential reader has left all histories");
        if result.is_ok() {
            assert!(released == expected, "a sequential reader has read another history");
            whole.push("sequential");
        }
        let places = (0..expected.len()).step_by(SEGMENT);
        let read = places.filter(|&begin| self.range_is_read(stream, begin, expected)).count();
        if read == expected.len().div_ceil(SEGMENT) {
            whole.push("range");
        }
        whole
    }

    /// Returns whether a separate range reader reads the segment at `begin`.
    fn range_is_read(&self, stream: &[u8], begin: usize, expected: &[u8]) -> bool {
        let reader = DecryptPipeline::new(&self.key);
        let Ok(mut ranges) = reader.open_ranges(stream) else { return false };
        let by = if self.index { RangeBy::Index } else { RangeBy::Arithmetic };
        assert!(ranges.by() == by);
        let end = expected.len().min(begin + SEGMENT);
        let mut released = Vec::new();
        let done = ranges.copy_range(begin as u64..end as u64, &mut released).is_ok();
        assert!(
            released.is_empty() || released == expected[begin..end],
            "a range of another history at {begin}"
        );
        done && !released.is_empty()
    }

    fn reader(&self) -> DecryptPipeline<'_> {
        let mut reader = DecryptPipeline::new(&self.key);
        reader.parallelism = Parallelism::with_workers(1);
        reader.durability.segments = 1;
        reader
    }

    /// Returns the disk of a decryption whose stream ends after this many segments for now. Each of
    /// them is recorded.
    pub fn decrypted(&self, stream: &[u8], segments: usize) -> Contents {
        let (sim, reader) = (Sim::new(Contents::default()), self.reader());
        let mut source = &stream[..ends(stream)[segments]];
        let opener = reader.open_stream(&mut source).unwrap();
        let sink = FileSink::create(&output(&sim)).unwrap();
        reader.run_to_file(&opener, source, sink, None).unwrap_err();
        sim.contents()
    }

    /// Resumes a decryption on that disk with this stream. Returns the plaintext if it is complete.
    pub fn decrypt_on(&self, contents: &Contents, stream: &[u8]) -> Result<Vec<u8>, Error> {
        let (sim, reader) = (Sim::new(contents.clone()), self.reader());
        let mut source = stream;
        let opener = reader.open_stream(&mut source)?;
        let left = InterruptedDecryption::find(&reader, &output(&sim), &opener, &mut source)?;
        let PartialDecryption::Torn(found) = left else { unreachable!("a commit is there") };
        found.resume(&reader, source, None)?;
        Ok(sim.contents().file("out").unwrap().clone())
    }
}
