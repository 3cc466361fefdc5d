//! What the crash laboratory asks of the binary that it is part of.

use stream_v2_format::wire::StreamParams;
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Error, Lanes, Managers, Summary, WriterSink,
};

pub(crate) use crate::reader::key;

/// A pipeline with salts of its own and the smallest segments, each made durable.
pub(crate) fn small_segments(key: &ContentKey, jobs: usize) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params = StreamParams { frame_size_log2: 12, segment_size: 4096, ..pipeline.params };
    pipeline.lanes = Lanes::with_jobs(jobs);
    pipeline.durability.segments = 1;
    pipeline
}

/// What a strict reader released, and how it ended.
pub(crate) fn decrypt(pipeline: &DecryptPipeline<'_>, stream: &[u8]) -> (Vec<u8>, Result<Summary, Error>) {
    let mut plaintext = Vec::new();
    let result = pipeline.run(stream, &mut WriterSink::new(&mut plaintext), Managers::none());
    (plaintext, result)
}
