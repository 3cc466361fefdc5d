//! Walking without a key sees the structure, and finds every torn write.
//!
//! It agrees with the reader that has the key about both.

use std::io::Cursor;

use stream_v2_format::Detail;
use stream_v2_pipeline::{DecryptPipeline, Error, KeylessWalk, WalkDepth, WalkedSegment};
use stream_v2_testing::streams::{build, decrypt, key};

const RUNS: &[(u8, &[usize])] = &[(0x40, &[5, 9]), (0x41, &[1, 30])];

fn walk(stream: &[u8], depth: WalkDepth) -> (Vec<WalkedSegment>, Result<(), Error>) {
    let mut segments = Vec::new();
    let begun = match depth {
        WalkDepth::Headers => KeylessWalk::seeking(Cursor::new(stream)),
        WalkDepth::Wires => KeylessWalk::reading(Cursor::new(stream), depth),
    };
    let end = begun.and_then(|mut walk| {
        while let Some(segment) = walk.next_segment()? {
            segments.push(segment);
        }
        Ok(())
    });
    (segments, end)
}

#[test]
fn sees_every_segment_of_a_sealed_stream() {
    let built = build(RUNS);
    for depth in [WalkDepth::Headers, WalkDepth::Wires] {
        let (segments, end) = walk(&built.bytes, depth);
        assert!(end.is_ok());
        let offsets: Vec<u64> = segments.iter().map(|segment| segment.offset.0).collect();
        let expected: Vec<u64> = built.segments.iter().map(|range| range.start as u64).collect();
        assert_eq!(offsets, expected);
        let starts = segments.iter().filter(|segment| segment.header.flags.run_start()).count();
        assert_eq!(starts, 2);
    }
}

#[test]
fn keyless_walk_reports_like_the_keyed_reader() {
    let built = build(RUNS);
    let key = key();
    let cuts = (0..built.bytes.len()).map(|cut| built.bytes[..cut].to_vec());
    let flips = (0..8 * built.bytes.len()).step_by(5).map(|bit| {
        let mut damaged = built.bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        damaged
    });
    for stream in cuts.chain(flips) {
        let keyless = walk(&stream, WalkDepth::Wires).1.unwrap_err();
        let keyed = decrypt(&DecryptPipeline::new(&key), &stream).1.unwrap_err();
        assert_eq!(keyless.format_error(), keyed.format_error());
    }
}

#[test]
fn headers_alone_find_truncation_at_every_byte() {
    let built = build(RUNS);
    for cut in 0..built.bytes.len() {
        let (segments, end) = walk(&built.bytes[..cut], WalkDepth::Headers);
        let error = *end.unwrap_err().format_error().unwrap();
        assert_eq!((error.detail(), error.offset().0), (Detail::Truncated, cut as u64));
        assert_eq!(segments.len(), built.segments.iter().filter(|range| range.end <= cut).count());
    }
}

#[test]
fn cannot_tell_a_forgery_and_does_not_claim_to() {
    let built = build(RUNS);
    let other = build(&[(0x40, &[5, 9]), (0x41, &[1, 31])]);
    let spliced = built.with_segments([0, 1, 2].map(|place| built.segment(place)));
    let spliced = [&spliced[..], other.segment(3), built.segment(4)].concat();
    assert!(walk(&spliced, WalkDepth::Wires).1.is_ok());
    assert!(decrypt(&DecryptPipeline::new(&key()), &spliced).1.is_err());
}

//= spec/stream-v2.md#sv2-rel-003
//= type=test
//# A reader that has reported an error MUST report the same error ever after and release nothing
//# more.
#[test]
fn an_error_is_the_last_word() {
    let built = build(RUNS);
    let mut damaged = built.bytes.clone();
    damaged[built.segments[1].start + 100] ^= 1;
    let mut walk = KeylessWalk::reading(&damaged[..], WalkDepth::Wires).unwrap();
    walk.next_segment().unwrap();
    let error = *walk.next_segment().unwrap_err().format_error().unwrap();
    assert_eq!(error.detail(), Detail::MalformedWireCrc);
    for _ in 0..3 {
        assert_eq!(walk.next_segment().unwrap_err().format_error(), Some(&error));
    }
}
