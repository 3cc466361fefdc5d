//! The time of the parts of the format: parsing, sealing, opening, checksums, the transcript.
//!
//! Run it with `cargo bench -p stream-v2-bench --bench format`.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use stream_v2_format::crypto::{
    ContentKey, Progress, Run, RunSalt, SegmentOpener, SegmentSealer, StreamOpener, StreamSealer,
};
use stream_v2_format::wire::{HeaderV1View, SegmentHeaderView, StreamParams, Suite, crc32c};
use stream_v2_format::{Error, Offset, SegmentIndex};

const SEGMENT: usize = 1 << 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parsing(&mut criterion);
    for suite in [Suite::XChaCha20Poly1305, Suite::Aes256Gcm] {
        if let Err(error) = segments(&mut criterion, suite) {
            eprintln!("{}: {error}", suite.name());
        }
    }
    checksums(&mut criterion);
    criterion.final_summary();
}

fn key() -> ContentKey {
    ContentKey::new([7; 32])
}

fn params(suite: Suite) -> StreamParams {
    let mut params = StreamParams::new([1; 32]).with_suite(suite);
    params.epoch_segments = params.default_epoch();
    params
}

fn parsing(criterion: &mut Criterion) {
    let Ok(stream) = StreamSealer::new(params(Suite::XChaCha20Poly1305), &key(), b"") else { return };
    let bytes = stream.header_bytes();
    criterion.bench_function("parse a stream header", |bencher| {
        bencher.iter(|| HeaderV1View::parse(black_box(&bytes)).is_ok());
    });
    criterion.bench_function("derive the keys of a stream", |bencher| {
        bencher.iter(|| StreamOpener::new(black_box(stream.header()), &key(), b"").is_ok());
    });
}

/// Seals and opens segments of 1 MiB and of 1 KiB, and parses and authenticates their headers.
fn segments(criterion: &mut Criterion, suite: Suite) -> Result<(), Error> {
    let stream = StreamSealer::new(params(suite), &key(), b"")?;
    let reader = StreamOpener::new(stream.header(), &key(), b"")?;
    let mut group = criterion.benchmark_group(suite.name());
    for len in [1024, SEGMENT] {
        let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
        let plaintext = vec![5; len];
        let mut wire = vec![0; sealer.wire_len(SegmentIndex(1), u32::try_from(len).unwrap_or(0))];
        let mut opened = vec![0; len];
        group.throughput(Throughput::Bytes(len as u64));
        // No index is sealed twice.
        let mut index = 1;
        group.bench_function(format!("seal {len}"), |bencher| {
            bencher.iter(|| {
                index += 1;
                sealer.seal_data(SegmentIndex(index), black_box(&plaintext), &mut wire).is_ok()
            });
        });
        let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
        let sealed = sealer.seal_data(SegmentIndex(1), &plaintext, &mut wire)?;
        let header = sealed.header.to_bytes();
        let parsed = reader.authenticate(&header, Offset(128), 1)?;
        let Some((authentic, _)) = parsed.complete() else { continue };
        let mut opener = SegmentOpener::new(&reader);
        group.bench_function(format!("open {len}"), |bencher| {
            bencher.iter(|| opener.open(&authentic, black_box(&wire), &mut opened).is_ok());
        });
        if len == SEGMENT {
            group.throughput(Throughput::Elements(1));
            group.bench_function("parse a segment header", |bencher| {
                bencher.iter(|| SegmentHeaderView::parse(black_box(&header), Offset(128), 1).is_ok());
            });
            group.bench_function("authenticate a segment header", |bencher| {
                bencher.iter(|| reader.authenticate(black_box(&header), Offset(128), 1).is_ok());
            });
            group.bench_function("take a segment into the transcript", |bencher| {
                let progress = Progress::of_writer(&stream);
                bencher.iter_batched(
                    || progress.clone(),
                    |mut progress| progress.sealed(black_box(&sealed)).is_ok(),
                    criterion::BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
    Ok(())
}

fn checksums(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("CRC-32C");
    for len in [96, 4096, SEGMENT] {
        let bytes = vec![5; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(len.to_string(), |bencher| bencher.iter(|| crc32c(black_box(&bytes))));
    }
    group.finish();
}
