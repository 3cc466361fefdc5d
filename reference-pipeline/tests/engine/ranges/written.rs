//! Ranges of streams that the pipeline writes, and every read for them.

use std::ops::Range;

use stream_v2_pipeline::ContentKey;
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypt, encrypting, key};

use super::{Counting, Form, N, Sample, open, read};

const S: usize = 4096;
const SEGMENTS: usize = 2 * N + 40;

/// Returns a stream of full segments by the pipeline. It is the one that the format crate writes,
/// segment by segment.
fn written(form: Form) -> Sample {
    let key: ContentKey = key();
    let mut pipeline = encrypting(&key, 2);
    pipeline.params.segment_size = 4096;
    pipeline.set_uniform(form == Form::Uniform);
    pipeline.set_index(form == Form::Indexed);
    let sample = Sample::of_len(form, SEGMENTS * S);
    assert!(encrypt(&pipeline, &plaintext(SEGMENTS * S)) == sample.bytes);
    sample
}

/// Returns the reads of these segments, each in two: its header, and its wire.
fn whole(sample: &Sample, segments: &[usize]) -> Vec<(u64, usize)> {
    let parts =
        |place: &Range<usize>| [(place.start as u64, 96), (place.start as u64 + 96, place.len() - 96)];
    segments.iter().flat_map(|&segment| parts(&sample.segments[segment])).collect()
}

/// Reads are limited to the stream header, the final segment, the index segments on the way from
/// the end, and the segments that cover the range.
#[test]
fn indexed_range_reads_only_index_and_range() {
    let sample = written(Form::Indexed);
    let indices = [N, 2 * N + 1, SEGMENTS + 2];
    assert_eq!(sample.segments.len(), SEGMENTS + 4);
    // The first and last byte of the range, the segments that cover it, and the index segments on
    // the way from the end.
    let cases: [(Range<usize>, &[usize], usize); 5] = [
        (5 * S..5 * S + 1, &[5], 0),
        (5 * S - 1..6 * S + 1, &[4, 5, 6], 0),
        ((N + 3) * S..(N + 4) * S, &[N + 4], 1),
        ((2 * N + 3) * S + 7..(2 * N + 4) * S, &[2 * N + 5], 2),
        (SEGMENTS * S - 1..SEGMENTS * S, &[SEGMENTS + 1], 2),
    ];
    for (range, covering, first_index) in cases {
        let counting = Counting::new(&sample.bytes);
        let mut ranges = open(&counting).unwrap();
        assert_eq!(counting.take(), [(0, 128), (sample.bytes.len() as u64 - 256, 256)]);
        assert!(read(&mut ranges, range.clone()).unwrap() == sample.plaintext[range.clone()]);
        let back: Vec<usize> = indices[first_index..].iter().rev().copied().collect();
        let expected = [whole(&sample, &back), whole(&sample, covering)].concat();
        assert_eq!(counting.take(), expected, "{range:?}");
    }
    // From the data of one index segment into that of the next: both are read, and the one between
    // two data segments is passed.
    let counting = Counting::new(&sample.bytes);
    let mut ranges = open(&counting).unwrap();
    let range = N * S - 1..N * S + 1;
    assert!(read(&mut ranges, range.clone()).unwrap() == sample.plaintext[range]);
    let mut found: Vec<(u64, usize)> = counting.take().split_off(2);
    let mut expected = whole(&sample, &[N - 1, N, N + 1, 2 * N + 1, SEGMENTS + 2]);
    found.sort_unstable();
    expected.sort_unstable();
    found.dedup();
    assert_eq!(found, expected);
}

/// Each header on the way is read once, and no wire outside the range.
#[test]
fn unindexed_range_passes_headers_once() {
    let sample = written(Form::Plain);
    let counting = Counting::new(&sample.bytes);
    let mut ranges = open(&counting).unwrap();
    assert_eq!(counting.take(), [(0, 128), (sample.bytes.len() as u64 - 256, 256)]);
    let headers = |segments: Range<usize>| -> Vec<(u64, usize)> {
        sample.segments[segments].iter().map(|place| (place.start as u64, 96)).collect()
    };
    let mut one_byte_of = |segment: usize| {
        let range = segment * S + 9..segment * S + 10;
        assert!(read(&mut ranges, range.clone()).unwrap() == sample.plaintext[range]);
        counting.take()
    };
    assert_eq!(one_byte_of(100), [headers(0..100), whole(&sample, &[100])].concat());
    // Further, and back again: the way is known.
    assert_eq!(one_byte_of(200), [headers(101..200), whole(&sample, &[200])].concat());
    for segment in [50, 100, 199] {
        let fetched = one_byte_of(segment);
        assert_eq!(fetched, whole(&sample, &[segment]));
    }
}
