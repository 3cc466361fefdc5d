//! Random access to the plaintext: ranges of streams, the bytes fetched for them, and refused
//! streams (§15.5).

use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::Mutex;

use crate::ranges::{Counting, Form, N, Sample, error_of, open, read};
use proptest::prelude::*;
use stream_v2_format::Detail;
use stream_v2_pipeline::{
    Cause, ContentKey, DecryptPipeline, Error, PlaintextReader, RangeBy, RangeReader, ReadAt, Shutdown, Stage,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::key;

//= spec/stream-v2.md#sv2-rng-011
//= type=test
//# A range reader MUST give of a range that reaches beyond the end of the plaintext what is before
//# that end, and report no error for the rest.
#[test]
fn every_length_and_every_edge() {
    for form in Form::ALL {
        for len in [0, 1, 2, 4095, 4096, 4097, 3 * 4096, 3 * 4096 + 1] {
            let sample = Sample::of_len(form, len);
            let mut ranges = open(&sample.bytes[..]).unwrap();
            assert_eq!((ranges.plaintext_len(), ranges.unsealed().is_none()), (len as u64, true));
            let edges = [0, 1, 4095, 4096, 4097, 8191, 8192, len.saturating_sub(1), len, len + 1, usize::MAX];
            for begin in edges {
                for end in edges {
                    let expected = sample.plaintext.get(begin..end.min(len)).unwrap_or_default();
                    assert_eq!(
                        read(&mut ranges, begin..end).unwrap(),
                        expected,
                        "{form:?} {len} {begin}..{end}"
                    );
                }
            }
        }
    }
}

#[test]
fn each_stream_is_read_in_the_way_that_it_allows() {
    for (form, by) in [
        (Form::Uniform, RangeBy::Arithmetic),
        (Form::Indexed, RangeBy::Index),
        (Form::Plain, RangeBy::Headers),
    ] {
        assert_eq!(open(&Sample::of_len(form, 9000).bytes[..]).unwrap().by(), by);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn range_of_any_stream_equals_its_plaintext(
        form in prop::sample::select(&Form::ALL[..]),
        segment_size in prop::sample::select(vec![4096_u32, 8192]),
        lens in prop::collection::vec(1_usize..60, 0..3 * N),
        tail in prop::collection::vec(1_usize..=4096, 0..6),
        places in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 8),
    ) {
        let lens: Vec<usize> = lens.into_iter().chain(tail).collect();
        let sample = Sample::new(form, segment_size, &[(0x40, &lens)], |_, _| {});
        let mut ranges = open(&sample.bytes[..]).unwrap();
        for (one, two) in places {
            let (one, two) = (one.index(sample.plaintext.len() + 1), two.index(sample.plaintext.len() + 1));
            let range = one.min(two)..one.max(two);
            prop_assert_eq!(read(&mut ranges, range.clone()).unwrap(), &sample.plaintext[range]);
        }
    }

    #[test]
    fn the_plaintext_is_read_and_sought_like_a_file(
        form in prop::sample::select(&Form::ALL[..]),
        len in 0_usize..20_000,
        steps in prop::collection::vec((0..4, any::<i16>(), 0_usize..9000), 1..40),
    ) {
        let sample = Sample::of_len(form, len);
        let mut file = Cursor::new(&sample.plaintext);
        let mut reader = PlaintextReader::new(open(&sample.bytes[..]).unwrap());
        for (what, by, amount) in steps {
            let to = match what {
                0 => SeekFrom::Start(by.unsigned_abs().into()),
                1 => SeekFrom::Current(by.into()),
                2 => SeekFrom::End(by.into()),
                _ => SeekFrom::Current(0),
            };
            let (expected, found) = (file.seek(to), reader.seek(to));
            prop_assert_eq!(expected.as_ref().ok(), found.as_ref().ok());
            prop_assert_eq!(expected.err().map(|e| e.kind()), found.err().map(|e| e.kind()));
            let (mut one, mut two) = (Vec::new(), Vec::new());
            (&mut file).take(amount as u64).read_to_end(&mut one).unwrap();
            (&mut reader).take(amount as u64).read_to_end(&mut two).unwrap();
            prop_assert_eq!(one, two);
            prop_assert_eq!(file.stream_position().unwrap(), reader.stream_position().unwrap());
        }
    }
}

/// Header, final segment, and at most two segments more than the range takes: the first and the
/// last are fetched whole.
#[test]
fn no_more_is_fetched_than_the_range_needs() {
    let (segments, segment) = (300, 96 + 4096 + 3 * 24 + 36 + 52);
    for form in Form::ALL {
        let sample = Sample::of_len(form, segments * 4096);
        for (begin, len) in [(0, 1), (4095, 2), (segments * 2048, 100_000), (segments * 4096 - 1, 1)] {
            let counting = Counting::new(&sample.bytes);
            let mut ranges = open(&counting).unwrap();
            assert_eq!(counting.take(), vec![(0, 128), (sample.bytes.len() as u64 - 256, 256)]);
            assert_eq!(read(&mut ranges, begin..begin + len).unwrap().len(), len);
            let fetched = counting.take();
            let bytes: usize = fetched.iter().map(|(_, len)| len).sum();
            let (touched, overhead) = ((begin + len - 1) / 4096 - begin / 4096 + 1, segment - 4096);
            let way = match form {
                Form::Uniform => 0,
                // Each index segment on the way once, header and wire, and no others.
                Form::Indexed => (2 - begin / (N * 4096)) * segment,
                Form::Plain => 96 * (begin / 4096),
            };
            assert!(bytes < len + 2 * 4096 + touched * overhead + way, "{form:?} {begin} {len}: {bytes}");
            // The segment fetched last is held. The same range again takes only the same segments,
            // without the last one.
            read(&mut ranges, begin + len - 1..begin + len).unwrap();
            assert_eq!(counting.take(), vec![]);
            let back = begin / 4096 * 4096;
            read(&mut ranges, back..back + 1).unwrap();
            assert!(counting.take().len() <= 4, "{form:?} {begin} {len}");
        }
    }
}

#[test]
fn damage_is_reported_only_where_it_is_read() {
    for form in Form::ALL {
        let sample = Sample::of_len(form, 6 * 4096);
        for (at, detail) in
            [(0, Detail::MalformedMagic), (70, Detail::MalformedHeaderCrc), (500, Detail::MalformedWireCrc)]
        {
            let mut damaged = sample.bytes.clone();
            let begin = sample.segments[2].start;
            damaged[begin + at] ^= 1;
            let mut ranges = open(&damaged[..]).unwrap();
            // Walking over headers passes that of segment 2.
            let walks = form == Form::Plain && at < 96;
            for segment in [0, 1, 3, 5].into_iter().filter(|&segment| !walks || segment < 2) {
                let range = segment * 4096..(segment + 1) * 4096;
                assert_eq!(read(&mut ranges, range.clone()).unwrap(), &sample.plaintext[range]);
            }
            let mut before = Vec::new();
            let error = ranges.copy_range(4000..20_000, &mut before).unwrap_err();
            assert_eq!(before, &sample.plaintext[4000..8192]);
            let format = *error.format_error().unwrap();
            let offset = begin as u64
                + match at {
                    0 => 0,
                    70 => 92,
                    _ => 56,
                };
            assert_eq!((format.detail(), format.offset().0, format.segment()), (detail, offset, Some(2)));
            // The same forever (SV2-REL-003).
            for range in [0..1, 0..0, 30_000..30_001] {
                assert_eq!(read(&mut ranges, range).unwrap_err().format_error(), Some(&format));
            }
            assert_eq!(ranges.read_at(0, &mut []).unwrap_err().format_error(), Some(&format));
        }
    }
}

//= spec/stream-v2.md#sv2-rng-001
//= type=test
//# A range reader MUST apply steps 1 to 17 of §15.1 to each segment that it opens, in the form of
//# the table in §15.5: without what compares the segment with the ones before it (SV2-ORD-002 to
//# SV2-ORD-004, SV2-HDR-018, SV2-DIG-005, SV2-IDX-004, SV2-IDX-005 and, unless it has seen all
//# segments, SV2-FIN-001). In place of SV2-ORD-001 it rejects with `order.segment_index` a segment
//# of another kind, or of another segment_index where it knows which it asked for.
#[test]
fn no_flipped_bit_changes_what_is_read() {
    for form in Form::ALL {
        let sample = Sample::new(form, 4096, &[(0x40, &[5, 9, 1]), (0x41, &[7, 2])], |_, _| {});
        for place in 0..sample.bytes.len() {
            let mut damaged = sample.bytes.clone();
            damaged[place] ^= 1 << (place % 8);
            let all = open(&damaged[..]).and_then(|mut ranges| read(&mut ranges, 0..usize::MAX));
            // All segments are read for it, so no part of the stream is left out, except links that
            // lead nowhere.
            let error = all.map(|all| all.len()).unwrap_err();
            let expected = match place {
                128.. => sample.segments.iter().position(|range| range.contains(&place)).map(|at| at as u64),
                _ => None,
            };
            assert_eq!(error.segment(), expected, "{form:?} {place}: {error}");
        }
    }
}

#[test]
fn misplaced_segment_is_out_of_order() {
    for form in Form::ALL {
        let sample = Sample::of_len(form, 6 * 4096);
        // All but segment 0, in which a run begins, are as long as segment 1.
        for (place, other) in [(1, 2), (3, 2), (4, 1)] {
            let mut moved = sample.bytes.clone();
            moved[sample.segments[place].clone()]
                .copy_from_slice(&sample.bytes[sample.segments[other].clone()]);
            let mut ranges = open(&moved[..]).unwrap();
            let error = read(&mut ranges, place * 4096..place * 4096 + 1).unwrap_err();
            let error = error.format_error().unwrap();
            let found = (error.detail(), error.offset().0, error.segment());
            let offset = sample.segments[place].start as u64 + 4;
            assert_eq!(found, (Detail::OrderSegmentIndex, offset, Some(place as u64)), "{form:?}");
            // Also on the way to the end of a stream that was cut off.
            if form != Form::Uniform {
                assert_eq!(error_of(open(&moved[..moved.len() - 1]).map(|_| ())), found, "{form:?}");
            }
        }
    }
}

//= spec/stream-v2.md#sv2-rng-010
//= type=test
//# Where the last 256 bytes of the body do not begin with an authentic header of a final segment, a
//# range reader MUST report what stands there instead: `truncated` where the input ends inside a
//# segment or after one that is not final, `trailing` where a final segment ends before the input
//# does, and otherwise the error of the first header that fails steps 1 to 10.
#[test]
fn early_end_is_truncated_unless_salvaged() {
    for form in Form::ALL {
        let sample = Sample::of_len(form, 5 * 4096 + 9);
        let (segments, len) = (&sample.segments, sample.bytes.len());
        let cuts =
            segments.iter().flat_map(|range| [range.start, range.start + 1, range.start + 96, range.end - 1]);
        for cut in cuts.chain([127, 128]) {
            let stream = &sample.bytes[..cut];
            let whole = segments.iter().filter(|range| range.end <= cut).count();
            let expected = (Detail::Truncated, cut as u64, (cut >= 128).then_some(whole as u64));
            assert_eq!(error_of(open(stream).map(|_| ())), expected, "{form:?} {cut}");
            if cut < 128 {
                continue;
            }
            let key = key();
            let mut pipeline = DecryptPipeline::new(&key);
            pipeline.salvage = true;
            let mut ranges = pipeline.open_ranges(stream).unwrap();
            let end = sample.plaintext_of(whole);
            assert_eq!(read(&mut ranges, 0..usize::MAX).unwrap(), &sample.plaintext[..end], "{form:?} {cut}");
            let expected = (Detail::TruncatedUnsealed, cut as u64, Some(whole as u64));
            assert_eq!(error_of(ranges.unsealed().map_or(Ok(()), Err)), expected);
        }
        for more in [1, 40, 256, 4332, 30_000] {
            let followed = [&sample.bytes[..], &vec![7; more]].concat();
            let expected = (Detail::Trailing, len as u64, Some(segments.len() as u64));
            assert_eq!(error_of(open(&followed[..]).map(|_| ())), expected, "{form:?}, {more} more");
        }
    }
}

#[test]
fn foreign_final_segment_is_refused() {
    for form in Form::ALL {
        let (one, two) = (Sample::of_len(form, 5 * 4096), Sample::of_len(form, 3 * 4096));
        let closing = one.segments.last().unwrap().clone();
        let cut = two.segments.last().unwrap().start;
        // The segments before the final one are shorter than its total.
        let spliced = [&one.bytes[..cut], &one.bytes[closing]].concat();
        let detail = if form == Form::Uniform { Detail::OrderSegmentIndex } else { Detail::AuthTrailer };
        assert_eq!(error_of(open(&spliced[..]).map(|_| ())).0, detail, "{form:?}");
    }
}

//= spec/stream-v2.md#sv2-fin-002
//= type=test
//# A reader MUST reject with `auth.trailer` a final segment whose plaintext total differs from a
//# plaintext_len of the stream header other than 2^64 - 1.
#[test]
fn length_other_than_declared_is_refused() {
    for form in Form::ALL {
        for (declared, fits) in [(6000, true), (5999, false), (6001, false), (0, false)] {
            let sample = Sample::declaring(Some(declared), form, 4096, &[(0x40, &[4096, 1904])], |_, _| {});
            let opened = open(&sample.bytes[..]).map(|ranges| assert_eq!(ranges.plaintext_len(), declared));
            let closing = sample.segments.last().unwrap();
            let expected =
                (Detail::AuthTrailer, closing.start as u64 + 156, Some(sample.segments.len() as u64 - 1));
            match fits {
                true => opened.unwrap(),
                false => assert_eq!(error_of(opened), expected, "{form:?} {declared}"),
            }
        }
    }
}

#[test]
fn another_key_or_context_opens_nothing() {
    let sample = Sample::of_len(Form::Uniform, 100);
    let (right, wrong) = (key(), ContentKey::new([9; 32]));
    for pipeline in [DecryptPipeline::new(&wrong), DecryptPipeline::new(&right).with_context(b"another")] {
        let counting = Counting::new(&sample.bytes);
        let error = error_of(pipeline.open_ranges(&counting).map(|_| ()));
        assert_eq!(error, (Detail::KeyHeaderTag, 80, None));
        assert_eq!(counting.take(), vec![(0, 128)]);
    }
}

/// A source of which some reads fail once.
struct Flaky<'a>(&'a [u8], Mutex<Vec<ErrorKind>>);

impl ReadAt for Flaky<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(1000);
        if let Some(kind) = self.1.lock().unwrap().pop() {
            return Err(kind.into());
        }
        self.0.read_at(offset, &mut buffer[..most])
    }

    fn stream_len(&self) -> io::Result<u64> {
        self.0.stream_len()
    }
}

#[test]
fn what_the_source_reports_can_be_tried_again() {
    let sample = Sample::of_len(Form::Uniform, 9000);
    let flaky = Flaky(&sample.bytes, Mutex::new(vec![ErrorKind::Interrupted; 2]));
    let mut ranges = open(&flaky).unwrap();
    *flaky.1.lock().unwrap() = vec![ErrorKind::TimedOut, ErrorKind::Interrupted];
    let error = read(&mut ranges, 5000..5001).unwrap_err();
    assert!(
        matches!((error.stage(), error.cause()), (Stage::Source, Cause::Io(error)) if error.kind() == ErrorKind::TimedOut)
    );
    assert_eq!(read(&mut ranges, 5000..9000).unwrap(), &sample.plaintext[5000..]);

    let (key, shutdown) = (key(), Shutdown::new());
    let mut pipeline = DecryptPipeline::new(&key);
    pipeline.shutdown = shutdown.clone();
    let mut reader = PlaintextReader::new(pipeline.open_ranges(&sample.bytes[..]).unwrap());
    shutdown.request();
    let error = reader.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(matches!(error.downcast::<Error>().unwrap().cause(), Cause::Interrupted));
}

#[test]
fn what_the_sink_reports_is_said_of_the_sink() {
    let sample = Sample::of_len(Form::Uniform, 9000);
    let mut ranges = open(&sample.bytes[..]).unwrap();
    let mut full = [0; 5000];
    let error = ranges.copy_range(0..9000, &mut &mut full[..]).unwrap_err();
    assert_eq!((error.stage(), &full[..]), (Stage::Sink, &sample.plaintext[..5000]));
    assert_eq!(read(&mut ranges, 0..9000).unwrap(), sample.plaintext);
}

#[test]
fn a_file_is_read_without_moving_its_position() {
    let sample = Sample::of_len(Form::Indexed, 20_000);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&sample.bytes).unwrap();
    let mut ranges: RangeReader<_> = open(&file).unwrap();
    assert_eq!(read(&mut ranges, 10_000..10_010).unwrap(), &plaintext(20_000)[10_000..10_010]);
    let wide: Range<usize> = 3..19_999;
    assert_eq!(read(&mut ranges, wide.clone()).unwrap(), &plaintext(20_000)[wide]);
    #[cfg(unix)]
    assert_eq!(file.stream_position().unwrap(), sample.bytes.len() as u64);
}
