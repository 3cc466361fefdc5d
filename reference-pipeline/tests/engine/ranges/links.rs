//! Ranges of streams of many runs, by arithmetic: faults that links find, and their cost.

use stream_v2_format::Detail;
use stream_v2_pipeline::{DecryptPipeline, RangeReader, ReadAt};
use stream_v2_testing::streams::{key, small_params};

use super::{Changing, Counting, Form, Sample, error_of, open, read};

/// Returns a stream of these runs, each with so many full segments of 4096 bytes.
fn uniform(runs: &[(u8, usize)]) -> Sample {
    in_epochs(0, runs)
}

fn in_epochs(epoch_segments: u32, runs: &[(u8, usize)]) -> Sample {
    let params = small_params().with_segment_size(4096).with_epoch_segments(epoch_segments);
    let lens: Vec<(u8, Vec<usize>)> =
        runs.iter().map(|&(salt, segments)| (salt, vec![4096; segments])).collect();
    let runs: Vec<(u8, &[usize])> = lens.iter().map(|(salt, lens)| (*salt, &lens[..])).collect();
    Sample::of(&params, Form::Uniform, &runs, |_, _| {})
}

/// Returns `bytes` with a segment of another stream of the same form in its place.
fn with_segment(bytes: &[u8], other: &Sample, segment: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = other.segments[segment].clone();
    bytes[place.clone()].copy_from_slice(&other.bytes[place]);
    bytes
}

fn error_at<S: ReadAt>(ranges: &mut RangeReader<S>, segment: usize) -> (Detail, u64, Option<u64>) {
    error_of(read(ranges, segment * 4096..segment * 4096 + 1).map(|_| ()))
}

//= spec/stream-v2.md#sv2-rng-004
//= type=test
//# A range reader MUST NOT release a byte of a sealed stream before the final segment and, except
//# by index, the run that holds the segment are verified.
//= spec/stream-v2.md#sv2-rng-005
//= type=test
//# A range reader MUST reject with `order.run` a segment without the run_salt of the run that holds
//# its segment_index, and the first one of a run without RUN_START.
#[test]
fn no_segment_of_a_branch_is_released() {
    // The branches diverge after segment 2, and again.
    let here = uniform(&[(0x41, 3), (0x42, 3), (0x43, 3)]);
    let branches = [
        (uniform(&[(0x41, 3), (0x52, 6)]), 3..9),
        (uniform(&[(0x41, 9)]), 3..9),
        (uniform(&[(0x51, 9)]), 0..9),
        (uniform(&[(0x41, 3), (0x42, 2), (0x53, 4)]), 5..9),
        (uniform(&[(0x41, 3), (0x42, 6)]), 6..9),
    ];
    for (branch, apart) in branches {
        for place in 0..9 {
            let bytes = with_segment(&here.bytes, &branch, place);
            for wanted in 0..9 {
                let found = read(&mut open(&bytes[..]).unwrap(), wanted * 4096..(wanted + 1) * 4096);
                match found {
                    Ok(found) => {
                        assert!(found == here.plaintext[wanted * 4096..(wanted + 1) * 4096]);
                        assert!(wanted != place || !apart.contains(&place));
                    }
                    Err(error) => {
                        assert!(apart.contains(&place) && wanted <= place);
                        let error = error_of(Err(error));
                        let flags = here.segments[place].start as u64 + 12;
                        assert_eq!(error, (Detail::OrderRun, flags, Some(place as u64)));
                        // Either the wanted segment, or the first segment of a run after it.
                        assert!(wanted == place || [3, 6].contains(&place));
                    }
                }
            }
        }
    }
}

/// Two runs of one stream whose first segments have one number. Neither belongs to the run that the
/// link before names.
#[test]
fn first_segment_of_run_must_match_the_link() {
    // Segment 2 begins a run here, and in a branch that begins after another segment 1.
    let here = uniform(&[(0x41, 2), (0x42, 2), (0x43, 2)]);
    let branch = uniform(&[(0x41, 1), (0x51, 1), (0x52, 2)]);
    let bytes = with_segment(&with_segment(&here.bytes, &branch, 2), &branch, 1);
    for wanted in 0..3 {
        let flags = here.segments[2].start as u64 + 12;
        assert_eq!(error_at(&mut open(&bytes[..]).unwrap(), wanted), (Detail::OrderRun, flags, Some(2)));
    }
    // Also if the trailer names it.
    let (here, branch) = (uniform(&[(0x41, 1), (0x42, 2)]), uniform(&[(0x51, 1), (0x52, 2)]));
    let bytes = with_segment(&with_segment(&here.bytes, &branch, 1), &branch, 0);
    let flags = here.segments[1].start as u64 + 12;
    assert_eq!(error_at(&mut open(&bytes[..]).unwrap(), 0), (Detail::OrderRun, flags, Some(1)));
}

/// The terminator frame of a segment that is not full ends where the final segment begins.
#[test]
fn a_run_may_begin_with_the_last_segment() {
    let sample = Sample::new(Form::Uniform, 4096, &[(0x41, &[4096, 4096]), (0x42, &[9])], |_, _| {});
    let counting = Counting::new(&sample.bytes);
    let mut ranges = open(&counting).unwrap();
    counting.take();
    assert_eq!(read(&mut ranges, 0..1).unwrap(), sample.plaintext[..1]);
    let last = sample.segments[2].clone();
    let expected = [(last.start as u64, 96), (last.end as u64 - 76, 76)];
    assert_eq!(counting.take()[..2], expected);
    assert_eq!(last.end, sample.segments[3].start);
}

#[test]
fn a_run_that_is_named_begins_with_run_start() {
    // Run 0x42 continues in segment 4, which the final segment is made to name as the first one.
    let here = uniform(&[(0x41, 2), (0x42, 4)]);
    for (first, salt, expected) in
        [(2, 0x42, None), (4, 0x42, Some(4)), (1, 0x42, Some(1)), (2, 0x41, Some(2))]
    {
        let bytes = here.with_link(salt, first);
        let found = open(&bytes[..]).and_then(|mut ranges| read(&mut ranges, 0..1));
        match expected {
            None => assert_eq!(found.unwrap(), here.plaintext[..1]),
            Some(segment) => {
                let flags = here.segments[segment].start as u64 + 12;
                let error = error_of(found.map(|_| ()));
                assert_eq!(error, (Detail::OrderRun, flags, Some(segment as u64)), "{first} {salt}");
            }
        }
    }
}

//= spec/stream-v2.md#sv2-fin-005
//= type=test
//# A reader MUST reject with `auth.trailer` a final segment whose link is not zero in segment 0, or
//# says elsewhere a first that is not below segment_index.
#[test]
fn final_segment_names_an_earlier_run() {
    let [here, empty] = [uniform(&[(0x41, 3)]), uniform(&[])];
    for (sample, salt, first) in
        [(&here, 0x41, 3), (&here, 0x41, u32::MAX), (&empty, 0x41, 0), (&empty, 0, 1)]
    {
        let bytes = sample.with_link(salt, first);
        let last = sample.segments.len() as u64 - 1;
        let at = sample.segments.last().unwrap().start as u64 + 156;
        assert_eq!(error_of(open(&bytes[..]).map(|_| ())), (Detail::AuthTrailer, at, Some(last)));
    }
    assert_eq!(open(&empty.with_link(0, 0)[..]).unwrap().plaintext_len(), 0);
}

//= spec/stream-v2.md#sv2-rng-006
//= type=test
//# On a segment that is read for its link a reader MUST make steps 1 to 10, and, on its terminator
//# frame alone, 11, 13, 14 and 16, and no others.
#[test]
fn segment_read_for_its_link_is_checked_no_more() {
    let here = uniform(&[(0x41, 2), (0x42, 2), (0x43, 2)]);
    let segment = here.segments[4].clone();
    let frame = segment.end - 76;
    for (at, error) in [
        (segment.start + 1, Some((Detail::MalformedMagic, segment.start))),
        (segment.start + 14, Some((Detail::MalformedHeaderCrc, segment.start + 92))),
        (segment.start + 96, None),
        (segment.start + 200, None),
        (frame - 1, None),
        (frame, Some((Detail::MalformedFrameType, frame))),
        (frame + 4, Some((Detail::MalformedFrameLen, frame))),
        (frame + 8, Some((Detail::AuthFrame, frame))),
        (segment.end - 1, Some((Detail::AuthFrame, frame))),
    ] {
        let mut bytes = here.bytes.clone();
        bytes[at] ^= 1;
        let mut ranges = open(&bytes[..]).unwrap();
        let found = read(&mut ranges, 4096..8192);
        match error {
            None => assert_eq!(found.unwrap(), here.plaintext[4096..8192]),
            Some((detail, offset)) => {
                assert_eq!(error_of(found.map(|_| ())), (detail, offset as u64, Some(4)), "{at}");
            }
        }
        // No link leads there.
        let mut ranges = open(&bytes[..]).unwrap();
        assert_eq!(read(&mut ranges, 5 * 4096..6 * 4096).unwrap(), here.plaintext[5 * 4096..]);
    }
}

//= spec/stream-v2.md#sv2-rng-009
//= type=test
//# A reader MAY refuse with `limit.policy` a chain of links that is longer than a limit that its
//# caller has set.
#[test]
fn links_above_the_callers_limit_are_refused() {
    let here = uniform(&[(0x41, 2), (0x42, 2), (0x43, 2)]);
    let key = key();
    for (links_max, wanted, refused) in
        [(0, 4, None), (0, 3, Some(4)), (1, 2, None), (1, 1, Some(2)), (2, 0, None), (0, 0, Some(4))]
    {
        let mut pipeline = DecryptPipeline::new(&key);
        pipeline.links_max = links_max;
        let counting = Counting::new(&here.bytes);
        let mut ranges = pipeline.open_ranges(&counting).unwrap();
        counting.take();
        let Some(refused) = refused else {
            let range = wanted * 4096..(wanted + 1) * 4096;
            assert_eq!(read(&mut ranges, range.clone()).unwrap(), here.plaintext[range]);
            continue;
        };
        let expected = (Detail::LimitPolicy, here.segments[refused].start as u64, Some(refused as u64));
        assert_eq!(error_at(&mut ranges, wanted), expected, "{links_max} {wanted}");
        assert_eq!(counting.take().len(), 2 * links_max as usize);
    }
}

/// 999 links: as §15.5 says, 1,998 reads and 171,828 bytes more than for one run.
#[test]
fn thousand_runs_take_two_small_reads_each() {
    let salts = |run: usize| [0x41, 0x42][run % 2];
    let many = uniform(&(0..1000).map(|run| (salts(run), 1)).collect::<Vec<_>>());
    let one = uniform(&[(0x41, 1000)]);
    let mut costs = Vec::new();
    for sample in [&many, &one] {
        let counting = Counting::new(&sample.bytes);
        let mut ranges = open(&counting).unwrap();
        assert_eq!(read(&mut ranges, 0..4096).unwrap(), sample.plaintext[..4096]);
        let reads = counting.take();
        costs.push((reads.len(), reads.iter().map(|(_, len)| len).sum::<usize>()));
        // Known runs are not read again, and no link is needed for the last run.
        read(&mut ranges, 500 * 4096..501 * 4096).unwrap();
        assert_eq!(counting.take().len(), 2);
        let mut ranges = open(&counting).unwrap();
        assert_eq!(counting.take().len(), 2);
        read(&mut ranges, 999 * 4096..1000 * 4096).unwrap();
        assert_eq!(counting.take().len(), 2);
    }
    assert_eq!(costs[1], (4, 128 + 256 + many.segments[0].len()));
    assert_eq!((costs[0].0 - costs[1].0, costs[0].1 - costs[1].1), (1998, 171_828));
}

/// Segments that are in place at the first read, and are exchanged afterwards.
//= spec/stream-v2.md#sv2-rng-008
//= type=test
//# A reader MUST use the runs that it knows with the final segment by which it found them only.
#[test]
fn changing_storage_gives_nothing_of_a_branch() {
    for form in Form::ALL {
        let lens = [4096; 2];
        let of = |salts: [u8; 3]| Sample::new(form, 4096, &salts.map(|salt| (salt, &lens[..])), |_, _| {});
        let (here, branch) = (of([0x41, 0x42, 0x43]), of([0x41, 0x52, 0x53]));
        for wanted in 2..6 {
            let changing = Changing::new(&here.bytes);
            let mut ranges = open(&changing).unwrap();
            let range = wanted * 4096..wanted * 4096 + 1;
            assert_eq!(read(&mut ranges, 0..1).unwrap(), here.plaintext[..1]);
            assert_eq!(read(&mut ranges, range.clone()).unwrap(), here.plaintext[range.clone()]);
            // Another segment is held, so this one has to be read again. The final segment is
            // another one now, too.
            read(&mut ranges, 0..1).unwrap();
            changing.now(&branch.bytes);
            let detail = if form == Form::Indexed { Detail::AuthIndex } else { Detail::OrderRun };
            let at = if form == Form::Indexed { 60 } else { 12 };
            let error = error_of(read(&mut ranges, range).map(|_| ()));
            let offset = here.segments[wanted].start as u64 + at;
            assert_eq!(error, (detail, offset, Some(wanted as u64)), "{form:?} {wanted}");
        }
    }
}

/// A link is opened with the keys of its own epoch.
#[test]
fn links_lead_through_key_epochs() {
    for epoch_segments in [1, 2, 3] {
        let runs: Vec<(u8, usize)> = (0..600_u16)
            .map(|run| (0x41 + u8::try_from(run % 7).unwrap(), 1 + usize::from(run % 2)))
            .collect();
        let sample = in_epochs(epoch_segments, &runs);
        let mut ranges = open(&sample.bytes[..]).unwrap();
        for segment in [0, 1, 500, 3, 899] {
            let range = segment * 4096..(segment + 1) * 4096;
            assert_eq!(read(&mut ranges, range.clone()).unwrap(), sample.plaintext[range]);
        }
    }
}
