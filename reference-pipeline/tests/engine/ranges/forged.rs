//! Index segments with wrong content, and segments of other runs.

use stream_v2_format::Detail;

use super::{Form, N, Sample, error_of, open, read};

/// Returns two histories of one stream: the first 5 segments are the same, and the others have the
/// same lengths.
fn histories(form: Form) -> [Sample; 2] {
    let lens = vec![3; 2 * N];
    [0x41, 0x42].map(|salt| Sample::new(form, 4096, &[(0x40, &lens[..5]), (salt, &lens[5..])], |_, _| {}))
}

/// Returns the second history with a segment of the first.
fn spliced([one, two]: &[Sample; 2], segment: usize) -> Vec<u8> {
    let mut bytes = two.bytes.clone();
    let place = two.segments[segment].clone();
    bytes[place.clone()].copy_from_slice(&one.bytes[place]);
    bytes
}

//= spec/stream-v2.md#sv2-idx-006
//= type=test
//# A range reader that uses index segments MUST check that segment_tag of each segment it fetches
//# begins with the 16 bytes that name it (its entry, or previous for an index segment), and reject
//# it with `auth.index` otherwise.
#[test]
fn segment_of_another_run_is_not_the_named_one() {
    let histories = histories(Form::Indexed);
    // Data segments of both index segments, and the first index segment.
    for (segment, target) in [(7, 3 * 7), (N - 1, 3 * (N - 1)), (N + 3, 3 * (N + 2)), (N, 0)] {
        let bytes = spliced(&histories, segment);
        let mut ranges = open(&bytes[..]).unwrap();
        let error = error_of(read(&mut ranges, target..target + 1).map(|_| ()));
        let offset = histories[1].segments[segment].start as u64 + 60;
        assert_eq!(error, (Detail::AuthIndex, offset, Some(segment as u64)));
        // Ranges that do not need it are read.
        let last = histories[1].plaintext.len() - 1;
        assert_eq!(
            read(&mut open(&bytes[..]).unwrap(), last..last + 1).unwrap(),
            histories[1].plaintext[last..]
        );
    }
}

//= spec/stream-v2.md#sv2-idx-007
//= type=test
//# A range reader that uses index segments MUST check that HMAC(K_chain, T_(i-1) || LE32(i) ||
//# D_i), where i is the segment_index of the last index segment and T_(i-1) the first 32 bytes of
//# its terminator, equals the transcript in the trailer, and reject the index segment with
//# `auth.index` otherwise.
#[test]
fn last_index_segment_must_match_the_trailer() {
    let histories = histories(Form::Indexed);
    let last = histories[0].segments.len() - 2;
    let bytes = spliced(&histories, last);
    for target in [0, 3 * N] {
        let error = error_of(read(&mut open(&bytes[..]).unwrap(), target..target + 1).map(|_| ()));
        let offset = histories[1].segments[last].start as u64 + 60;
        assert_eq!(error, (Detail::AuthIndex, offset, Some(last as u64)));
    }
    // All of the other history, under the final segment of this one.
    let [one, two] = &histories;
    let end = two.segments.last().unwrap().start;
    let bytes = [&one.bytes[..end], &two.bytes[end..]].concat();
    let error = error_of(read(&mut open(&bytes[..]).unwrap(), 0..1).map(|_| ()));
    assert_eq!((error.0, error.2), (Detail::AuthIndex, Some(last as u64)));
}

/// A history under the final segment of another one of the same length.
#[test]
fn segments_in_order_are_checked_up_to_trailer() {
    for form in [Form::Plain, Form::Uniform] {
        let runs = |salt| Sample::new(form, 4096, &[(salt, &[4096, 4096]), (0x43, &[9])], |_, _| {});
        let (one, two) = (runs(0x41), runs(0x42));
        let end = two.segments.last().unwrap().start;
        let bytes = [&one.bytes[..end], &two.bytes[end..]].concat();
        assert_eq!(read(&mut open(&bytes[..]).unwrap(), 1..8192).unwrap(), one.plaintext[1..8192]);
        assert_eq!(read(&mut open(&bytes[..]).unwrap(), 4096..9000).unwrap(), one.plaintext[4096..]);
        let mut ranges = open(&bytes[..]).unwrap();
        // Out of order, again, and in order.
        for range in [8200..8201, 0..5, 4..5, 4096..8192] {
            assert_eq!(read(&mut ranges, range.clone()).unwrap(), one.plaintext[range]);
        }
        let error = error_of(read(&mut ranges, 8192..8193).map(|_| ()));
        assert_eq!(error, (Detail::AuthTrailer, end as u64 + 156, Some(3)), "{form:?}");
    }
}

/// The holder of the key has sealed them so.
#[test]
fn inconsistent_index_segments_are_malformed() {
    let lens = vec![3; N + 2];
    let (first, last) = (N, N + 3);
    let sealed =
        |bend: &dyn Fn(usize, &mut Vec<u8>)| Sample::new(Form::Indexed, 4096, &[(0x40, &lens)], bend);
    let seen = |sample: &Sample, target: usize, at: usize| {
        let error = error_of(read(&mut open(&sample.bytes[..]).unwrap(), target..target + 1).map(|_| ()));
        let offset = sample.segments[at].start as u64 + 104;
        assert_eq!(error, (Detail::MalformedIndex, offset, Some(at as u64)), "{target}");
    };
    // Index segment, byte of its payload, and the change there; first byte of the range.
    let cases = [
        (first, 0, 0x80, 0),
        (first, 8, 1, 0),
        (first, 24, 1, 0),
        (first, 28, 1, 0),
        // The distance leads among the segments that are covered; out of the stream.
        (last, 1, 0x12, 0),
        (last, 7, 0x80, 3 * N),
        (last, 27, 0x80, 3 * N),
        (last, 31, 0x80, 3 * N),
    ];
    for (bent, byte, change, target) in cases {
        let sample = sealed(&|segment, payload| payload[byte] ^= if segment == bent { change } else { 0 });
        seen(&sample, target, bent);
    }
    // The distance leads into the stream header.
    let distance = sealed(&|_, _| {}).segments[last].start as u64 - 64;
    let sample = sealed(&|segment, payload| {
        if segment == last {
            payload[..8].copy_from_slice(&distance.to_le_bytes());
        }
    });
    seen(&sample, 3 * N, last);
}

#[test]
fn misplaced_index_segment_is_out_of_order() {
    let lens = vec![3; 2 * N];
    let sample = Sample::new(Form::Indexed, 4096, &[(0x40, &lens)], |_, _| {});
    let (first, last) = (sample.segments[N].clone(), sample.segments[2 * N + 1].clone());
    for (place, other, number) in [(last.clone(), first.clone(), 2 * N + 1), (first, last, N)] {
        let mut bytes = sample.bytes.clone();
        bytes[place.clone()].copy_from_slice(&sample.bytes[other]);
        let error = error_of(read(&mut open(&bytes[..]).unwrap(), 0..1).map(|_| ()));
        assert_eq!(error, (Detail::OrderSegmentIndex, place.start as u64 + 4, Some(number as u64)));
    }
}

/// A distance to the middle of a segment, and exchanged lengths of entries: no named segment is
/// found there.
#[test]
fn index_segments_that_lead_astray_lead_nowhere() {
    let lens = [100, 200, 300];
    let sample = Sample::new(Form::Indexed, 4096, &[(0x40, &lens)], |_, payload| {
        let (one, two) = (payload[24..32].to_vec(), payload[48..56].to_vec());
        payload[24..32].copy_from_slice(&two);
        payload[48..56].copy_from_slice(&one);
    });
    let mut ranges = open(&sample.bytes[..]).unwrap();
    assert_eq!(read(&mut ranges, 300..600).unwrap(), sample.plaintext[300..]);
    let error = error_of(read(&mut ranges, 0..1).map(|_| ()));
    assert_eq!((error.0, error.2), (Detail::MalformedIndex, Some(3)));
    let mut ranges = open(&sample.bytes[..]).unwrap();
    let error = error_of(read(&mut ranges, 250..251).map(|_| ()));
    assert_eq!((error.0, error.2), (Detail::MalformedMagic, Some(1)));
}
