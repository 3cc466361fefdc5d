//! Small streams with fixed salts, written by the pipeline or segment by segment.

use std::ops::Range;
use std::time::Duration;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Progress, Run, RunSalt, SealedSegment, SegmentSealer, StreamSealer};
use stream_v2_format::wire::StreamParams;
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Error, Managers, Parallelism, Salts, Summary, WriterSink,
};

pub fn key() -> ContentKey {
    ContentKey::new(std::array::from_fn(|place| u8::try_from(place).unwrap()))
}

pub fn salts() -> Salts {
    Salts { stream_salt: [0x20; 32], run_salt: RunSalt::new([0x40; 16]) }
}

/// Returns parameters with frames of 4 KiB and segments of 8 KiB.
pub fn small_params() -> StreamParams {
    StreamParams::new([0x20; 32]).with_frame_size_log2(12).with_segment_size(8192)
}

/// Returns a pipeline with fixed salts and small segments. No durability point depends on the time.
pub fn encrypting(key: &ContentKey, jobs: usize) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key).with_salts(salts());
    pipeline.durability.time = Duration::MAX;
    pipeline.params = small_params();
    pipeline.parallelism = Parallelism::with_workers(jobs);
    pipeline
}

/// Returns a pipeline with salts of its own and the smallest segments, each made durable.
pub fn small_segments(key: &ContentKey, jobs: usize) -> EncryptPipeline<'_> {
    with_small_segments(EncryptPipeline::new(key), jobs)
}

/// Gives a pipeline the smallest segments, each made durable.
pub fn with_small_segments(mut pipeline: EncryptPipeline<'_>, jobs: usize) -> EncryptPipeline<'_> {
    pipeline.durability.time = Duration::MAX;
    pipeline.params = small_params().with_segment_size(4096).with_stream_salt([0; 32]);
    pipeline.parallelism = Parallelism::with_workers(jobs);
    pipeline.durability.segments = 1;
    pipeline
}

pub fn encrypt(pipeline: &EncryptPipeline<'_>, plaintext: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    pipeline.run(plaintext, &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
    stream
}

/// Returns the plaintext that a strict reader released, and its result.
pub fn decrypt(pipeline: &DecryptPipeline<'_>, stream: &[u8]) -> (Vec<u8>, Result<Summary, Error>) {
    let mut plaintext = Vec::new();
    let result = pipeline.run(stream, &mut WriterSink::new(&mut plaintext), Managers::none());
    (plaintext, result)
}

/// A stream and the places of its parts.
pub struct Built {
    pub bytes: Vec<u8>,
    /// Byte ranges of the segments, the final one last.
    pub segments: Vec<Range<usize>>,
    /// Plaintext of each data segment.
    pub plaintexts: Vec<Vec<u8>>,
}

impl Built {
    /// Returns the plaintext of the data segments before `segments`.
    pub fn released(&self, segments: usize) -> Vec<u8> {
        self.plaintexts.iter().take(segments).flatten().copied().collect()
    }

    /// Returns the stream header followed by these segments.
    pub fn with_segments<'a>(&self, segments: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut bytes = self.bytes[..128].to_vec();
        segments.into_iter().for_each(|segment| bytes.extend_from_slice(segment));
        bytes
    }

    pub fn segment(&self, place: usize) -> &[u8] {
        &self.bytes[self.segments[place].clone()]
    }
}

/// The stream to build. `runs` gives, for each run, its salt byte and the lengths of its segments.
pub struct Plan<'a> {
    pub params: StreamParams,
    pub runs: &'a [(u8, &'a [usize])],
}

/// Builds a stream without UNIFORM, with segments as short as a test needs, in any number of runs.
pub fn build(runs: &[(u8, &[usize])]) -> Built {
    let params = small_params().with_uniform(false);
    build_with(&Plan { params, runs })
}

pub fn build_with(plan: &Plan<'_>) -> Built {
    let stream = StreamSealer::new(plan.params, &key(), b"").unwrap();
    let mut progress = Progress::of_writer(&stream);
    let mut built =
        Built { bytes: stream.header_bytes().to_vec(), segments: Vec::new(), plaintexts: Vec::new() };
    let mut sealer = None;
    for (salt, lens) in plan.runs {
        let run = Run::resuming(
            RunSalt::new([*salt; 16]),
            next_index(&progress),
            *progress.transcript(),
            *progress.link(),
        );
        let sealer = sealer.insert(SegmentSealer::new(&stream, run));
        for len in *lens {
            let index = next_index(&progress);
            let plaintext = vec![u8::try_from(index.0).unwrap() ^ salt; *len];
            let mut wire = vec![0; sealer.wire_len(index, u32::try_from(*len).unwrap())];
            let sealed = sealer.seal_data(index, &plaintext, &mut wire).unwrap();
            push(&mut built, &mut progress, &sealed, &wire);
            built.plaintexts.push(plaintext);
        }
    }
    let mut wire = vec![0; SegmentSealer::final_wire_len()];
    let trailer = progress.trailer();
    let sealed = sealer.unwrap().seal_final(next_index(&progress), &trailer, &mut wire).unwrap();
    push(&mut built, &mut progress, &sealed, &wire);
    built
}

fn next_index(progress: &Progress) -> SegmentIndex {
    SegmentIndex(u32::try_from(progress.segments()).unwrap())
}

fn push(built: &mut Built, progress: &mut Progress, sealed: &SealedSegment, wire: &[u8]) {
    let start = built.bytes.len();
    built.bytes.extend_from_slice(&sealed.header.to_bytes());
    built.bytes.extend_from_slice(wire);
    built.segments.push(start..built.bytes.len());
    progress.sealed(sealed).unwrap();
}
