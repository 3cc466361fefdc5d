//! The reader of the pipeline, with its answer in plain values.

use std::io::Read;

use stream_v2_conformance::forge::repair_crcs;
use stream_v2_format::Error;
use stream_v2_pipeline::{ContentKey, DecryptPipeline, Managers, Parallelism, Summary, WriterSink};

/// The key of all streams here, which is that of the vectors: 00 01 02 … 1f.
pub(crate) const KEY: [u8; 32] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
    29, 30, 31,
];

pub(crate) fn key() -> ContentKey {
    ContentKey::new(KEY)
}

/// The released plaintext and the result of the run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) released: Vec<u8>,
    pub(crate) result: Result<Summary, Error>,
}

/// Returns the input, with its checksums repaired if the lowest bit of `how` is set.
pub(crate) fn repaired(how: u8, input: &[u8]) -> Vec<u8> {
    let mut input = input.to_vec();
    if how & 1 != 0 {
        repair_crcs(&mut input);
    }
    input
}

/// Reads a stream to its end, strictly or as salvage. The source has no faults of its own.
pub(crate) fn answer(source: impl Read + Send, jobs: usize, salvage: bool) -> Answer {
    let key = key();
    let mut pipeline = DecryptPipeline::new(&key);
    pipeline.parallelism = Parallelism::with_workers(jobs);
    pipeline.salvage = salvage;
    let mut released = Vec::new();
    let result = pipeline.run(source, &mut WriterSink::new(&mut released), Managers::none());
    let result = result.map_err(|error| match error.format_error() {
        Some(error) => *error,
        None => panic!("not an error of the stream: {error}"),
    });
    Answer { released, result }
}
