//! Index segments that lie, and segments of other runs.

use stream_v2_format::Detail;

use super::{Form, N, Sample, error_of, open, read};

/// Two histories of one stream: they have the first 5 segments in common, and then the same lengths.
fn histories(form: Form) -> [Sample; 2] {
    let lens = vec![3; 2 * N];
    [0x41, 0x42].map(|salt| Sample::new(form, 4096, &[(0x40, &lens[..5]), (salt, &lens[5..])], |_, _| {}))
}

/// The second history with a segment of the first.
fn spliced([one, two]: &[Sample; 2], segment: usize) -> Vec<u8> {
    let mut bytes = two.bytes.clone();
    let place = two.segments[segment].clone();
    bytes[place.clone()].copy_from_slice(&one.bytes[place]);
    bytes
}

//= spec/stream-v2.md#sv2-idx-006
//= type=test
//# A range reader that uses index segments MUST check that segment_tag of each segment it fetches begins with
//# the 16 bytes that name it (its entry, or previous for an index segment), and reject it with `auth.index`
//# otherwise.
#[test]
fn a_segment_of_another_run_is_not_the_one_that_is_named() {
    let histories = histories(Form::Indexed);
    // Data segments of both index segments, and the first index segment.
    for (segment, target) in [(7, 3 * 7), (N - 1, 3 * (N - 1)), (N + 3, 3 * (N + 2)), (N, 0)] {
        let bytes = spliced(&histories, segment);
        let mut ranges = open(&bytes[..]).unwrap();
        let error = error_of(read(&mut ranges, target..target + 1).map(|_| ()));
        let offset = histories[1].segments[segment].start as u64 + 60;
        assert_eq!(error, (Detail::AuthIndex, offset, Some(segment as u64)));
        // What does not need it is read.
        let last = histories[1].plaintext.len() - 1;
        assert_eq!(
            read(&mut open(&bytes[..]).unwrap(), last..last + 1).unwrap(),
            histories[1].plaintext[last..]
        );
    }
}

//= spec/stream-v2.md#sv2-idx-007
//= type=test
//# A range reader that uses index segments MUST check that HMAC(K_chain, terminator of the last index segment
//# || LE32(i) || D_i), where i is the segment_index of that segment, equals the transcript in the trailer, and
//# reject the index segment with `auth.index` otherwise.
#[test]
fn the_last_index_segment_is_the_one_that_the_trailer_speaks_of() {
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

/// What §15.5 says that such a reader cannot tell: which of two runs sealed a segment.
#[test]
fn without_index_segments_a_segment_of_another_run_is_genuine() {
    let histories = histories(Form::Plain);
    let bytes = spliced(&histories, 7);
    assert_eq!(read(&mut open(&bytes[..]).unwrap(), 0..100).unwrap(), histories[1].plaintext[..100]);
}

/// The holder of the key has sealed them so.
#[test]
fn index_segments_that_do_not_add_up_are_malformed() {
    let lens = vec![3; N + 2];
    let (first, last) = (N, N + 3);
    // Index segment, byte of its payload, which bit; first byte of the range; where it is seen.
    let cases = [
        (first, 0, 7, 0, first),
        (first, 8, 0, 0, first),
        (first, 24, 0, 0, first),
        (first, 28, 0, 0, first),
        (last, 7, 7, 3 * N, last),
        (last, 27, 7, 3 * N, last),
        (last, 31, 7, 3 * N, last),
    ];
    for (bent, byte, bit, target, seen) in cases {
        let bend = |segment: usize, payload: &mut Vec<u8>| payload[byte] ^= u8::from(segment == bent) << bit;
        let sample = Sample::new(Form::Indexed, 4096, &[(0x40, &lens)], bend);
        let error = error_of(read(&mut open(&sample.bytes[..]).unwrap(), target..target + 1).map(|_| ()));
        let offset = sample.segments[seen].start as u64 + 104;
        assert_eq!(error, (Detail::MalformedIndex, offset, Some(seen as u64)), "{bent} {byte}");
    }
}

/// A distance to the middle of a segment, and lengths that are exchanged among entries: what is found there is none of the named segments.
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
