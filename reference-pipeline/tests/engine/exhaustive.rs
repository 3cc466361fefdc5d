//! Every truncation, flipped bit, swap, duplicate, omission and foreign segment of a small stream.
//!
//! Each is rejected with the specified error, and no plaintext of an unverified segment is
//! released.

use stream_v2_format::Detail;
use stream_v2_format::wire::crc32c;
use stream_v2_pipeline::{DecryptPipeline, Parallelism};
use stream_v2_testing::streams::{Built, Plan, build, build_with, key, small_params};

/// Three runs, six data segments of a few bytes, 2 KiB in all.
const RUNS: &[(u8, &[usize])] = &[(0x40, &[5, 9]), (0x41, &[1, 30, 2]), (0x42, &[7])];

/// Detail, offset, number of segments before, and plaintext released.
type Outcome = (Detail, u64, Option<u64>, Vec<u8>);

fn read(stream: &[u8], salvage: bool) -> Outcome {
    let key = key();
    let mut pipeline = DecryptPipeline::new(&key);
    pipeline.parallelism = Parallelism::with_workers(1);
    pipeline.salvage = salvage;
    let (released, result) = stream_v2_testing::streams::decrypt(&pipeline, stream);
    let error = result.unwrap_err();
    let error = *error.format_error().unwrap();
    (error.detail(), error.offset().0, error.segment(), released)
}

/// Returns the segment that holds the byte, if it is not in the stream header.
fn segment_at(built: &Built, place: usize) -> Option<usize> {
    built.segments.iter().position(|range| range.contains(&place))
}

#[test]
fn every_truncation_reports_committed_segments() {
    let built = build(RUNS);
    for cut in 0..built.bytes.len() {
        let committed = built.segments.iter().filter(|range| range.end <= cut).count();
        let segment = (cut >= 128).then_some(committed as u64);
        let strict = read(&built.bytes[..cut], false);
        assert_eq!(
            strict,
            (Detail::Truncated, cut as u64, segment, built.released(committed)),
            "cut at {cut}"
        );

        let detail = if cut < 128 { Detail::Truncated } else { Detail::TruncatedUnsealed };
        let salvaged = read(&built.bytes[..cut], true);
        assert_eq!(salvaged, (detail, cut as u64, segment, built.released(committed)), "salvage at {cut}");
    }
}

#[test]
fn flipped_bit_is_found_by_magic_or_checksum() {
    let built = build(RUNS);
    for bit in 0..8 * built.bytes.len() {
        let place = bit / 8;
        let mut damaged = built.bytes.clone();
        damaged[place] ^= 1 << (bit % 8);
        let segment = segment_at(&built, place);
        let start = segment.map_or(0, |segment| built.segments[segment].start);
        let (magic_len, header_len, crc_at) = if segment.is_some() { (4, 96, 92) } else { (8, 128, 124) };
        let expected = match place - start {
            at if at < magic_len => (Detail::MalformedMagic, start),
            at if at < header_len => (Detail::MalformedHeaderCrc, start + crc_at),
            _ => (Detail::MalformedWireCrc, start + 56),
        };
        let released = built.released(segment.unwrap_or(0));
        let outcome = read(&damaged, false);
        let expected = (expected.0, expected.1 as u64, segment.map(|segment| segment as u64), released);
        assert_eq!(outcome, expected, "bit {bit}");
    }
}

#[test]
fn flipped_bit_with_fixed_header_crc_is_rejected() {
    let built = build(RUNS);
    for (segment, range) in built.segments.iter().enumerate() {
        for bit in 8 * 4..8 * 92 {
            let mut forged = built.bytes.clone();
            forged[range.start + bit / 8] ^= 1 << (bit % 8);
            let crc = crc32c(&forged[range.start..range.start + 92]);
            forged[range.start + 92..range.start + 96].copy_from_slice(&crc.to_le_bytes());
            let (detail, _, before, released) = read(&forged, false);
            assert_eq!(
                (before, released),
                (Some(segment as u64), built.released(segment)),
                "{segment}, bit {bit}"
            );
            if (8 * 40..).contains(&bit) {
                assert_eq!(detail, Detail::AuthSegmentTag, "{segment}, bit {bit}");
            }
        }
    }
    for bit in 8 * 8..8 * 124 {
        let mut forged = built.bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let crc = crc32c(&forged[..124]);
        forged[124..128].copy_from_slice(&crc.to_le_bytes());
        let (detail, _, before, released) = read(&forged, false);
        assert_eq!((before, released.len()), (None, 0), "bit {bit}");
        if (8 * 32..8 * 112).contains(&bit) {
            assert_eq!(detail, Detail::KeyHeaderTag, "bit {bit}");
        }
    }
}

#[test]
fn flipped_bit_with_fixed_wire_crc_is_rejected() {
    let built = build(RUNS);
    for (segment, range) in built.segments.iter().enumerate() {
        for bit in 8 * 96..8 * range.len() {
            let mut forged = built.bytes.clone();
            forged[range.start + bit / 8] ^= 1 << (bit % 8);
            let crc = crc32c(&forged[range.start + 96..range.end]);
            forged[range.start + 56..range.start + 60].copy_from_slice(&crc.to_le_bytes());
            let crc = crc32c(&forged[range.start..range.start + 92]);
            forged[range.start + 92..range.start + 96].copy_from_slice(&crc.to_le_bytes());
            let (detail, _, before, released) = read(&forged, false);
            let expected = (Detail::AuthSegmentTag, Some(segment as u64), built.released(segment));
            assert_eq!((detail, before, released), expected, "{segment}, bit {bit}");
        }
    }
}

#[test]
fn swap_duplicate_or_omission_is_out_of_order() {
    let built = build(RUNS);
    let count = built.segments.len();
    let check = |places: Vec<usize>, first_wrong: usize| {
        let stream = built.with_segments(places.iter().map(|&place| built.segment(place)));
        let (detail, _, before, released) = read(&stream, false);
        let expected = match places.get(first_wrong) {
            None => Detail::Truncated,
            Some(_) if first_wrong == count => Detail::Trailing,
            Some(_) => Detail::OrderSegmentIndex,
        };
        let data = first_wrong.min(count - 1);
        assert_eq!(
            (detail, before, released),
            (expected, Some(first_wrong as u64), built.released(data)),
            "{places:?}"
        );
    };
    for one in 0..count {
        for two in one + 1..count {
            let mut swapped: Vec<usize> = (0..count).collect();
            swapped.swap(one, two);
            check(swapped, one);
        }
        for at in 0..=count {
            let mut duplicated: Vec<usize> = (0..count).collect();
            duplicated.insert(at, one);
            let first_wrong = (0..=count).find(|&place| duplicated[place] != place).unwrap();
            check(duplicated, first_wrong);
        }
        let omitted: Vec<usize> = (0..count).filter(|&place| place != one).collect();
        check(omitted, one);
    }
}

#[test]
fn segment_of_another_stream_is_not_authentic() {
    let built = build(RUNS);
    let mut params = small_params();
    params.flags = stream_v2_format::wire::StreamFlags::NONE;
    params.stream_salt = [0x77; 32];
    let other = build_with(&Plan { params, runs: RUNS });
    for place in 0..built.segments.len() {
        let segments = (0..built.segments.len())
            .map(|at| if at == place { other.segment(at) } else { built.segment(at) });
        let (detail, _, before, released) = read(&built.with_segments(segments), false);
        let expected = (Detail::AuthSegmentTag, Some(place as u64), built.released(place));
        assert_eq!((detail, before, released), expected);
    }
}

/// The same stream, written twice from the same start. The second time the last run was another
/// one.
#[test]
fn every_segment_of_another_run_is_out_of_order() {
    let built = build(RUNS);
    let other = build(&[(0x50, &[5, 9]), (0x51, &[1, 30, 2]), (0x52, &[7])]);
    let run_starts = [0, 2, 5];
    for place in 0..built.segments.len() {
        let segments = (0..built.segments.len())
            .map(|at| if at == place { other.segment(at) } else { built.segment(at) });
        let (detail, _, before, released) = read(&built.with_segments(segments), false);
        // A run's first segment may begin here by its salt, so the transcript finds the fault.
        // Segment 0 has none before it, so the next one finds it. All others have the wrong salt.
        let (detail_expected, at) = match place {
            0 => (Detail::OrderRun, 1),
            place if run_starts.contains(&place) => (Detail::OrderTranscript, place),
            place => (Detail::OrderRun, place),
        };
        let mut expected = built.released(at);
        if place == 0 {
            expected = other.released(1);
        }
        assert_eq!(
            (detail, before, released),
            (detail_expected, Some(at as u64), expected),
            "segment {place}"
        );
    }
}

/// From every point on, the rest of another history of the same stream.
#[test]
fn splice_of_two_histories_is_found_at_its_place() {
    let built = build(RUNS);
    let other = build(&[(0x40, &[5, 9]), (0x51, &[1, 30, 2]), (0x52, &[7])]);
    for place in 3..built.segments.len() {
        let segments = (0..built.segments.len())
            .map(|at| if at >= place { other.segment(at) } else { built.segment(at) });
        let (detail, _, before, released) = read(&built.with_segments(segments), false);
        let expected = if place == 5 { Detail::OrderTranscript } else { Detail::OrderRun };
        assert_eq!(
            (detail, before, released),
            (expected, Some(place as u64), built.released(place)),
            "from {place}"
        );
    }
    // At segment 2 both histories are the same so far. The rest is the other stream, whole and
    // valid.
    let segments =
        (0..built.segments.len()).map(|at| if at >= 2 { other.segment(at) } else { built.segment(at) });
    let key = key();
    let (released, result) =
        stream_v2_testing::streams::decrypt(&DecryptPipeline::new(&key), &built.with_segments(segments));
    assert!(result.is_ok());
    assert_eq!(released, other.released(6));
}

#[test]
fn every_byte_after_the_end_is_trailing() {
    let built = build(RUNS);
    for extra in [&[0][..], b"SV2S", built.segment(0), &built.bytes] {
        let stream = [&built.bytes[..], extra].concat();
        let segments = built.segments.len() as u64;
        let expected = (Detail::Trailing, built.bytes.len() as u64, Some(segments), built.released(6));
        assert_eq!(read(&stream, false), expected);
        assert_eq!(read(&stream, true), expected);
    }
}
