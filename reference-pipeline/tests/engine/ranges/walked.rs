//! Ranges of streams of many runs, by walking over headers: order and links of all passed segments,
//! and the cost.

use stream_v2_format::Detail;
use stream_v2_pipeline::DecryptPipeline;
use stream_v2_testing::streams::{build, key};

use super::{Counting, Form, Sample, error_of, open, read};

fn plain(runs: &[(u8, &[usize])]) -> Sample {
    Sample::new(Form::Plain, 4096, runs, |_, _| {})
}

/// Returns the stream header, and segments of these samples.
fn made_of(segments: &[(&Sample, usize)]) -> Vec<u8> {
    let mut bytes = segments[0].0.bytes[..128].to_vec();
    segments.iter().for_each(|(of, place)| bytes.extend_from_slice(&of.bytes[of.segments[*place].clone()]));
    bytes
}

fn error_of_byte(stream: &[u8], target: usize) -> (Detail, u64, Option<u64>) {
    error_of(open(stream).and_then(|mut ranges| read(&mut ranges, target..target + 1)).map(|_| ()))
}

//= spec/stream-v2.md#sv2-rng-007
//= type=test
//# A range reader that walks MUST apply SV2-ORD-001 to SV2-ORD-003 to every header from segment 0
//# on,
#[test]
fn passed_segment_of_another_run_is_refused() {
    let here = plain(&[(0x41, &[10, 20]), (0x42, &[10, 20]), (0x43, &[10, 20])]);
    for branch in [
        plain(&[(0x41, &[10, 20]), (0x52, &[10, 20, 10, 20])]),
        plain(&[(0x41, &[10]), (0x52, &[20, 10, 20, 10, 20])]),
    ] {
        for place in 1..6 {
            let same =
                here.bytes[here.segments[place].clone()] == branch.bytes[branch.segments[place].clone()];
            // A segment in which a run begins is longer than another.
            if same || branch.segments[place].len() != here.segments[place].len() {
                continue;
            }
            let of = |segment| if segment == place { &branch } else { &here };
            let bytes = made_of(&(0..7).map(|segment| (of(segment), segment)).collect::<Vec<_>>());
            // A run that begins in the place of another one is found at the segment after that.
            let found_at = if place == 2 { 3 } else { place };
            let flags = here.segments[found_at].start as u64 + 12;
            for target in 0..90 {
                let found = open(&bytes[..]).and_then(|mut ranges| read(&mut ranges, target..target + 1));
                // Segments on the way: up to the range, and to the beginning of the last run.
                let wanted = here.segments_before(target);
                if wanted.max(4) < place {
                    assert_eq!(found.unwrap(), here.plaintext[target..=target]);
                } else {
                    let error = error_of(found.map(|_| ()));
                    assert_eq!(error, (Detail::OrderRun, flags, Some(found_at as u64)), "{place} {target}");
                }
            }
        }
    }
}

/// The segments of a branch take as many bytes and hold less plaintext, so the segments behind them
/// appear to be in another place.
#[test]
fn segments_of_a_branch_do_not_shift_places() {
    let here = plain(&[(0x41, &[50, 50, 50]), (0x42, &[60])]);
    let branch = plain(&[(0x41, &[50]), (0x52, &[20, 28])]);
    let bytes = made_of(&[(&here, 0), (&branch, 1), (&branch, 2), (&here, 3), (&here, 4)]);
    assert_eq!(bytes.len(), here.bytes.len());
    let frame = here.segments[3].end as u64 - 76;
    for target in [0, 60, 90, 120, 150, 209] {
        assert_eq!(error_of_byte(&bytes, target), (Detail::OrderTranscript, frame, Some(3)));
    }
}

/// The first segments are those of a branch. The next ones name the run before them.
//= spec/stream-v2.md#sv2-rng-007
//= type=test
//# and SV2-DIG-005 to the link, and not to T, of each segment with RUN_START.
#[test]
fn a_run_that_continues_another_one_is_refused() {
    let here = plain(&[(0x41, &[10, 20]), (0x42, &[10, 20]), (0x43, &[10, 20])]);
    let branch = plain(&[(0x51, &[10, 20]), (0x52, &[10, 20]), (0x43, &[10, 20])]);
    for (before, at) in [(2, 2), (4, 4)] {
        let of = |segment| if segment < before { &branch } else { &here };
        let bytes = made_of(&(0..7).map(|segment| (of(segment), segment)).collect::<Vec<_>>());
        let frame = here.segments[at].end as u64 - 76;
        for target in [0, 15, 35, 70, 89] {
            let error = error_of_byte(&bytes, target);
            assert_eq!(error, (Detail::OrderTranscript, frame, Some(at as u64)), "{before} {target}");
        }
    }
}

/// Two runs share a run_salt, which no writer does.
#[test]
fn run_with_salt_of_previous_run_is_refused() {
    let built = build(&[(0x41, &[5, 6]), (0x41, &[7])]);
    let flags = built.segments[2].start as u64 + 12;
    assert_eq!(error_of_byte(&built.bytes, 0), (Detail::OrderRun, flags, Some(2)));
}

#[test]
fn last_run_must_match_the_final_segment() {
    let here = plain(&[(0x41, &[10, 20]), (0x42, &[10, 20])]);
    for (salt, first, expected) in
        [(0x42, 2, None), (0x42, 3, Some(3)), (0x42, 1, Some(1)), (0x41, 2, Some(2)), (0x41, 0, Some(2))]
    {
        let bytes = here.with_link(salt, first);
        for target in [0, 59] {
            match expected {
                // The last run is not walked through for segments before it.
                Some(2) if (first, target) == (0, 0) => {
                    assert!(open(&bytes[..]).and_then(|mut ranges| read(&mut ranges, 0..1)).is_ok());
                }
                Some(segment) => {
                    let flags = here.segments[segment].start as u64 + 12;
                    let error = error_of_byte(&bytes, target);
                    assert_eq!(error, (Detail::OrderRun, flags, Some(segment as u64)), "{first} {salt}");
                }
                None => {
                    let mut ranges = open(&bytes[..]).unwrap();
                    assert_eq!(
                        read(&mut ranges, target..target + 1).unwrap(),
                        here.plaintext[target..=target]
                    );
                }
            }
        }
    }
}

/// For h headers and s starts that are walked over, h + s reads and 96 × h + 76 × s bytes.
#[test]
fn walk_reads_headers_and_run_terminators() {
    let here = plain(&[(0x41, &[9, 9]), (0x42, &[9]), (0x43, &[9, 9]), (0x44, &[9, 9, 9])]);
    // The wanted byte; headers that are walked over, without that of its segment; starts.
    for (target, headers, starts) in [(0, 6, 3), (20, 6, 3), (46, 5, 3), (55, 6, 3), (71, 7, 3)] {
        let counting = Counting::new(&here.bytes);
        let mut ranges = open(&counting).unwrap();
        counting.take();
        assert_eq!(read(&mut ranges, target..target + 1).unwrap(), here.plaintext[target..=target]);
        let reads = counting.take();
        let segment = &here.segments[target / 9];
        assert_eq!(reads.len(), headers + starts + 2, "{target}");
        let bytes: usize = reads.iter().map(|(_, len)| len).sum();
        assert_eq!(bytes, 96 * headers + 76 * starts + segment.len(), "{target}");
        // All passed segments are known.
        read(&mut ranges, 0..1).unwrap();
        assert!(counting.take().len() <= 2);
    }
}

#[test]
fn walk_links_above_callers_limit_are_refused() {
    let here = plain(&[(0x41, &[9, 9]), (0x42, &[9]), (0x43, &[9, 9])]);
    let key = key();
    for (links_max, refused) in [(2, None), (1, Some(3)), (0, Some(2))] {
        let mut pipeline = DecryptPipeline::new(&key);
        pipeline.links_max = links_max;
        let mut ranges = pipeline.open_ranges(&here.bytes[..]).unwrap();
        let found = read(&mut ranges, 0..1);
        let Some(refused) = refused else {
            assert_eq!(found.unwrap(), here.plaintext[..1]);
            continue;
        };
        let expected = (Detail::LimitPolicy, here.segments[refused].start as u64, Some(refused as u64));
        assert_eq!(error_of(found.map(|_| ())), expected);
    }
}

/// In a stream that has no end, the released plaintext is a prefix of one history.
#[test]
fn a_salvage_walks_by_links_too() {
    let here = plain(&[(0x41, &[10, 20]), (0x42, &[10, 20])]);
    let branch = plain(&[(0x51, &[10, 20]), (0x42, &[10, 20])]);
    let key = key();
    let mut pipeline = DecryptPipeline::new(&key);
    let cut = here.segments[4].start + 5;
    let mixed = made_of(&[(&branch, 0), (&branch, 1), (&here, 2), (&here, 3), (&here, 4)]);
    // Without a salvage no frame is opened.
    let truncated = (Detail::Truncated, cut as u64, Some(4));
    assert_eq!(error_of(open(&mixed[..cut]).map(|_| ())), truncated);
    pipeline.salvage = true;
    let mut ranges = pipeline.open_ranges(&here.bytes[..cut]).unwrap();
    assert_eq!(read(&mut ranges, 5..100).unwrap(), here.plaintext[5..]);
    let error = error_of(pipeline.open_ranges(&mixed[..cut]).map(|_| ()));
    assert_eq!(error, (Detail::OrderTranscript, here.segments[2].end as u64 - 76, Some(2)));
}
