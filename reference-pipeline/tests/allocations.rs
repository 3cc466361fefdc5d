//! A segment allocates nothing once the run has its buffers.
//!
//! A run makes no more allocations than its permits and workers account for, however long the
//! stream is. This is a binary of its own with one test, because it counts the allocations of all
//! threads of the process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::alloc::System;
use std::fs::File;
use std::io::{Seek, Write, sink};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stream_v2_format::wire::Suite;
use stream_v2_pipeline::{DecryptPipeline, EncryptPipeline, Managers, Parallelism, WriterSink};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{key, small_params};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SEGMENT: usize = 8192;
const SEGMENTS: usize = 2000;
/// Most allocations of one permit: its two buffers, whenever the run first needs them.
const BY_PERMIT: usize = 8;
/// Most allocations of one worker: its thread, and the state that a thread keeps when it first
/// waits.
const BY_WORKER: usize = 16;
/// Most allocations of a run: keys, channel, places in order.
const BY_RUN: usize = 24;

/// Returns the most allocations of a run in any schedule.
///
/// The actual number depends on which threads wait, and on how many permits they need. So two runs
/// are not compared.
fn most(workers: usize) -> usize {
    let Parallelism { workers, window } = Parallelism::with_workers(workers).resolved();
    BY_RUN + window * BY_PERMIT + workers * BY_WORKER
}

/// Returns the allocations while `work` runs, including those that enlarged a block.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Checks the bound. Even an allocation in one segment of ten would exceed it.
fn assert_bounded(what: &str, jobs: usize, made: usize) {
    let most = most(jobs);
    assert!(most < SEGMENTS / 10);
    assert!(made <= most, "{what}: {made} allocations for {SEGMENTS} segments, at most {most} expected");
}

fn encrypting(key: &stream_v2_pipeline::ContentKey, suite: Suite, jobs: usize) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params = small_params().with_stream_salt([0; 32]);
    pipeline.params.suite = suite;
    pipeline.parallelism = Parallelism::with_workers(jobs);
    pipeline
}

#[test]
fn segments_allocate_nothing() {
    let key = key();
    let text = plaintext(SEGMENTS * SEGMENT);
    for suite in [Suite::XChaCha20Poly1305, Suite::Aes256Gcm] {
        for jobs in [1, 3] {
            let mut pipeline = encrypting(&key, suite, jobs);
            let name = format!("{}, {jobs} workers", suite.name());
            let stream = stream_v2_testing::streams::encrypt(&pipeline, &text);

            let made = allocations(|| {
                pipeline.run(&text[..], &mut WriterSink::new(sink()), Managers::none()).unwrap();
            });
            assert_bounded(&format!("encrypting from memory, {name}"), jobs, made);

            let file = file_of(&text);
            pipeline.set_source_file(Some(file.try_clone().unwrap()));
            let made = allocations(|| {
                pipeline.run(file, &mut WriterSink::new(sink()), Managers::none()).unwrap();
            });
            assert_bounded(&format!("encrypting a file, {name}"), jobs, made);

            for in_file in [false, true] {
                let file = file_of(&stream);
                let mut pipeline = DecryptPipeline::new(&key);
                pipeline.parallelism = Parallelism::with_workers(jobs);
                pipeline.set_source_file(in_file.then(|| file.try_clone().unwrap()));
                let made = allocations(|| {
                    pipeline.run(file, &mut WriterSink::new(sink()), Managers::none()).unwrap();
                });
                assert_bounded(&format!("decrypting, from a file: {in_file}, {name}"), jobs, made);
            }
        }
    }
}
