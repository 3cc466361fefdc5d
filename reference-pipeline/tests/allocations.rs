//! Once a run has its buffers, a segment allocates nothing: a stream of four times as many segments takes no more allocations. A binary of its own: it
//! counts those of all threads of the process.
#![cfg(not(feature = "tokio-engine"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::alloc::System;
use std::fs::File;
use std::io::{Seek, Write, sink};
use std::sync::Mutex;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stream_v2_format::wire::Suite;
use stream_v2_pipeline::{DecryptPipeline, EncryptPipeline, Lanes, Managers, WriterSink};
use support::{key, plaintext, small_params};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static ALONE: Mutex<()> = Mutex::new(());

const SEGMENT: usize = 8192;
const FEW: usize = 100;
const MANY: usize = 400;
/// What does not depend on the length, and on which thread was faster: a thread that waits for the first time, the window's last buffers.
const SLACK: usize = 20;

/// Allocations while `work` runs, those that made a block larger among them.
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

fn assert_constant(what: &str, run: impl Fn(usize) -> usize) {
    let (few, many) = (run(FEW), run(MANY));
    assert!(many <= few + SLACK, "{what}: {few} allocations for {FEW} segments, {many} for {MANY}");
}

fn encrypting(key: &stream_v2_pipeline::ContentKey, suite: Suite, jobs: usize) -> EncryptPipeline<'_> {
    let mut pipeline = EncryptPipeline::new(key);
    pipeline.params = small_params();
    pipeline.params.suite = suite;
    pipeline.lanes = Lanes::with_jobs(jobs);
    pipeline
}

#[test]
fn a_segment_allocates_nothing_in_either_direction_from_memory_or_from_a_file() {
    let _alone = ALONE.lock().unwrap();
    let key = key();
    for suite in [Suite::XChaCha20Poly1305, Suite::Aes256Gcm] {
        for jobs in [1, 3] {
            let name = format!("{}, {jobs} workers", suite.name());
            assert_constant(&format!("encrypting from memory, {name}"), |segments| {
                let (pipeline, text) = (encrypting(&key, suite, jobs), plaintext(segments * SEGMENT));
                allocations(|| {
                    pipeline.run(&text[..], &mut WriterSink::new(sink()), Managers::none()).unwrap();
                })
            });
            assert_constant(&format!("encrypting a file, {name}"), |segments| {
                let file = file_of(&plaintext(segments * SEGMENT));
                let mut pipeline = encrypting(&key, suite, jobs);
                pipeline.set_source_file(Some(file.try_clone().unwrap()));
                allocations(|| {
                    pipeline.run(file, &mut WriterSink::new(sink()), Managers::none()).unwrap();
                })
            });
            for in_file in [false, true] {
                assert_constant(&format!("decrypting, from a file: {in_file}, {name}"), |segments| {
                    let stream =
                        support::encrypt(&encrypting(&key, suite, jobs), &plaintext(segments * SEGMENT));
                    let file = file_of(&stream);
                    let mut pipeline = DecryptPipeline::new(&key);
                    pipeline.lanes = Lanes::with_jobs(jobs);
                    pipeline.set_source_file(in_file.then(|| file.try_clone().unwrap()));
                    allocations(|| {
                        pipeline.run(file, &mut WriterSink::new(sink()), Managers::none()).unwrap();
                    })
                });
            }
        }
    }
}
