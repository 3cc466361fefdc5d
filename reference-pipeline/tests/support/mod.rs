//! Small streams with fixed salts, and sources and sinks that misbehave on purpose.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from binary to binary, so nothing can be expected"
)]

pub(crate) mod indexed;
pub(crate) mod sinks;
pub(crate) mod sources;
// The package of interleavings has no use for these, nor what they depend on.
#[cfg(not(feature = "shuttle"))]
pub(crate) mod tasks;
#[cfg(target_os = "linux")]
pub(crate) mod threads;
#[cfg(not(feature = "shuttle"))]
pub(crate) mod vectors;

use std::ops::Range;
use std::time::Duration;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Progress, Run, RunSalt, SealedSegment, SegmentSealer, StreamSealer};
use stream_v2_format::wire::{StreamFlags, StreamParams};
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Error, Lanes, Managers, Salts, Summary, WriterSink,
};

pub(crate) fn key() -> ContentKey {
    ContentKey::new(std::array::from_fn(|place| u8::try_from(place).unwrap()))
}

pub(crate) fn salts() -> Salts {
    Salts { stream_salt: [0x20; 32], run_salt: RunSalt::new([0x40; 16]) }
}

/// Bytes that tell where they came from.
pub(crate) fn plaintext(len: usize) -> Vec<u8> {
    (0..len).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

/// Frames of 4 KiB, segments of 8 KiB.
pub(crate) fn small_params() -> StreamParams {
    StreamParams { frame_size_log2: 12, segment_size: 8192, ..StreamParams::new([0x20; 32]) }
}

/// A pipeline with fixed salts and small segments. No durability point depends on the time.
pub(crate) fn encrypting(key: &ContentKey, jobs: usize) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key).with_salts(salts());
    pipeline.durability.time = Duration::MAX;
    pipeline.params = small_params();
    pipeline.lanes = Lanes::with_jobs(jobs);
    pipeline
}

/// A pipeline with salts of its own and the smallest segments, each made durable.
pub(crate) fn small_segments(key: &ContentKey, jobs: usize) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.durability.time = Duration::MAX;
    pipeline.params = StreamParams { segment_size: 4096, ..small_params() };
    pipeline.lanes = Lanes::with_jobs(jobs);
    pipeline.durability.segments = 1;
    pipeline
}

pub(crate) fn encrypt(pipeline: &EncryptPipeline<'_>, plaintext: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    pipeline.run(plaintext, &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
    stream
}

/// What a strict reader released, and how it ended.
pub(crate) fn decrypt(pipeline: &DecryptPipeline<'_>, stream: &[u8]) -> (Vec<u8>, Result<Summary, Error>) {
    let mut plaintext = Vec::new();
    let result = pipeline.run(stream, &mut WriterSink::new(&mut plaintext), Managers::none());
    (plaintext, result)
}

/// A stream with where its parts are.
pub(crate) struct Built {
    pub(crate) bytes: Vec<u8>,
    /// Byte ranges of the segments, the final one last.
    pub(crate) segments: Vec<Range<usize>>,
    /// Plaintext of each data segment.
    pub(crate) plaintexts: Vec<Vec<u8>>,
}

impl Built {
    /// Everything that the data segments before `segments` hold.
    pub(crate) fn released(&self, segments: usize) -> Vec<u8> {
        self.plaintexts.iter().take(segments).flatten().copied().collect()
    }

    /// The stream header followed by these segments.
    pub(crate) fn with_segments<'a>(&self, segments: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut bytes = self.bytes[..128].to_vec();
        segments.into_iter().for_each(|segment| bytes.extend_from_slice(segment));
        bytes
    }

    pub(crate) fn segment(&self, place: usize) -> &[u8] {
        &self.bytes[self.segments[place].clone()]
    }
}

/// What to build: `runs` gives, for each run, its salt byte and the lengths of its segments.
pub(crate) struct Plan<'a> {
    pub(crate) params: StreamParams,
    pub(crate) runs: &'a [(u8, &'a [usize])],
}

/// A stream without UNIFORM whose segments are as short as a test wants them, in any number of runs.
pub(crate) fn build(runs: &[(u8, &[usize])]) -> Built {
    let params = StreamParams { flags: StreamFlags::NONE, ..small_params() };
    build_with(&Plan { params, runs })
}

pub(crate) fn build_with(plan: &Plan<'_>) -> Built {
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
