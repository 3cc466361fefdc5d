//! §8.3 Links: the statements of terminators about the previous segment's run, and their rejection.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod made;

use made::{Stream, link};
use stream_v2_format::crypto::{
    Committed, PendingIndex, Progress, Run, RunMap, RunOrder, RunSalt, SegmentOrder, SegmentSealer,
    StreamEnd, Transcript,
};
use stream_v2_format::wire::{DigestAlg, JournalRecord, RunLink, StreamFlags, Trailer};
use stream_v2_format::{Detail, Error, ErrorKind, Offset, SegmentIndex};

/// The table of §8.3, except for the very last index.
//= spec/stream-v2.md#sv2-dig-004
//= type=test
//# A writer MUST fill the terminator as §8.3 says.
#[test]
fn links_are_those_of_the_table() {
    let mut stream = Stream::new(StreamFlags::NONE);
    assert_eq!(stream.progress.trailer().link, RunLink::NONE);
    let mut first = stream.next_run(0);
    let segment = stream.data(&mut first);
    assert_eq!(stream.link_of(&segment).unwrap(), RunLink::NONE);
    stream.append(&segment);
    assert_eq!(stream.progress.trailer().link, link(0, 0));
    // A salt of zeros is valid.
    let mut second = stream.next_run(2);
    let segment = stream.data(&mut second);
    assert_eq!(stream.link_of(&segment).unwrap(), RunLink::NONE);
    stream.append(&segment);
    for _ in 2..5 {
        let segment = stream.data(&mut second);
        assert_eq!(stream.link_of(&segment).unwrap_err().kind(), ErrorKind::Misuse);
        stream.append(&segment);
    }
    assert_eq!(stream.progress.trailer().link, link(2, 1));
    // An index segment begins a run.
    let mut third = stream.next_run(3);
    let segment = stream.indexing(&mut third, &stream.progress.transcript().clone(), &link(2, 1));
    assert_eq!(stream.link_of(&segment).unwrap(), link(2, 1));
    stream.append(&segment);
    // The final segment, in the same run and in a run of its own.
    for salt in [3, 4] {
        let mut run = if salt == 3 { third } else { stream.next_run(4) };
        let trailer = stream.progress.trailer();
        assert_eq!(trailer.link, link(3, 5));
        let closing = stream.closing(&mut run, &trailer);
        stream.judged(&closing).unwrap();
        let (header, opened, _) = stream.open(&closing).unwrap();
        let end = StreamEnd::new(&stream.reader, &header, &opened).unwrap();
        assert_eq!(end.runs().holding(SegmentIndex(5)), Some(&link(3, 5)));
        assert_eq!(end.runs().unknown_before(), Some(SegmentIndex(5)));
        third = stream.next_run(9);
    }
}

#[test]
fn later_index_segment_names_its_own_run() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let mut run = stream.next_run(1);
    let (transcript, before) = (Transcript::EMPTY, RunLink::NONE);
    assert_eq!((*stream.progress.transcript(), *stream.progress.link()), (transcript, before));
    // n of §11 is 169.
    for _ in 0..170 {
        if stream.progress.committed().pending_index.is_full(stream.sealer.header()) {
            let segment = stream.indexing(&mut run, &stream.progress.transcript().clone(), &link(1, 0));
            stream.append(&segment);
        }
        let segment = stream.data(&mut run);
        stream.append(&segment);
    }
    let segment = stream.indexing(&mut run, &stream.progress.transcript().clone(), &link(1, 0));
    assert_eq!(stream.link_of(&segment).unwrap(), link(1, 0));
    stream.append(&segment);
}

//= spec/stream-v2.md#sv2-dig-005
//= type=test
//# A sequential reader MUST reject with `order.transcript` an index segment, or a data segment with
//# RUN_START, whose terminator differs from T_(i-1) || R_(i-1) of the segments before it.
//= spec/stream-v2.md#sv2-dig-007
//= type=test
//# A reader MUST reject with `malformed.terminator` an index segment, or a data segment with
//# RUN_START, whose link is not zero in segment 0, or whose link says elsewhere a first that is not
//# below segment_index.
#[test]
fn segment_of_another_history_is_refused() {
    for flags in [StreamFlags::NONE, StreamFlags::UNIFORM] {
        let mut stream = Stream::new(flags);
        for salt in [1, 2] {
            let mut run = stream.next_run(salt);
            for _ in 0..2 {
                let segment = stream.data(&mut run);
                stream.append(&segment);
            }
        }
        let (transcript, right) = (*stream.progress.transcript(), *stream.progress.link());
        assert_eq!(right, link(2, 2));
        let other = Transcript::from_bytes([9; 32]);
        let cases = [
            (&transcript, right, None),
            (&other, right, Some(Detail::OrderTranscript)),
            (&transcript, link(1, 2), Some(Detail::OrderTranscript)),
            (&transcript, link(2, 1), Some(Detail::OrderTranscript)),
            (&transcript, link(2, 3), Some(Detail::OrderTranscript)),
            (&transcript, RunLink::NONE, Some(Detail::OrderTranscript)),
            (&transcript, link(2, 4), Some(Detail::MalformedTerminator)),
            (&other, link(2, u32::MAX), Some(Detail::MalformedTerminator)),
        ];
        for (transcript, link, expected) in cases {
            let mut segments = vec![stream.data(&mut stream.run(3, transcript, &link))];
            if flags == StreamFlags::NONE {
                // An index segment that begins a run, and one in a run.
                for first in [4, 2] {
                    let salt = if first == 4 { 3 } else { 2 };
                    let run = Run::resuming(
                        RunSalt::new([salt; 16]),
                        SegmentIndex(first),
                        Transcript::EMPTY,
                        RunLink::NONE,
                    );
                    let mut sealer = SegmentSealer::new(&stream.sealer, run);
                    segments.push(stream.indexing(&mut sealer, transcript, &link));
                }
            }
            for segment in segments {
                let at = stream.header(&segment).offset().plus(segment.0.header.segment_len() - 76);
                let found = stream.judged(&segment).map_err(|error| (error.detail(), error.offset()));
                assert_eq!(found, expected.map_or(Ok(()), |detail| Err((detail, at))), "{link:?}");
                // Without T, from the terminator frame alone.
                let malformed = expected == Some(Detail::MalformedTerminator);
                let found = stream.link_of(&segment).map_err(|error| (error.detail(), error.offset()));
                assert_eq!(found, if malformed { Err((Detail::MalformedTerminator, at)) } else { Ok(link) });
                let (before, header) = (*stream.progress.link(), stream.header(&segment));
                let found =
                    header.check_link(&before, &link).map_err(|error| (error.detail(), error.offset()));
                assert_eq!(found, if link == before { Ok(()) } else { Err((Detail::OrderTranscript, at)) });
            }
        }
    }
}

#[test]
fn a_link_in_segment_0_is_zero() {
    for flags in [StreamFlags::NONE, StreamFlags::UNIFORM] {
        let mut stream = Stream::new(flags);
        for (link, refused) in [(link(0, 0), false), (link(1, 0), true), (link(0, 1), true)] {
            let segment = stream.data(&mut stream.run(1, &Transcript::EMPTY, &link));
            let found = stream.judged(&segment).map_err(|error| error.detail());
            assert_eq!(found, if refused { Err(Detail::MalformedTerminator) } else { Ok(()) });
        }
    }
}

//= spec/stream-v2.md#sv2-fin-005
//= type=test
//# A reader MUST reject with `auth.trailer` a final segment whose link is not zero in segment 0, or
//# says elsewhere a first that is not below segment_index.
//= spec/stream-v2.md#sv2-fin-006
//= type=test
//# A range reader MUST reject with `auth.trailer` a final segment that does not begin at the
//# position in its trailer.
#[test]
fn final_segment_with_impossible_link_is_refused() {
    let mut stream = Stream::new(StreamFlags::NONE);
    for segments in 0..3 {
        let right = stream.progress.trailer();
        let with = |link| Trailer { link, ..right };
        // A trailer, and whether any reader, a range reader, and a sequential reader reject it.
        let cases = [
            (right, [false, false, false]),
            (with(link(1, segments)), [true, true, true]),
            (with(link(0, u32::MAX)), [true, true, true]),
            (with(link(9, 0)), [segments == 0, segments == 0, true]),
            (Trailer { position: right.position + 1, ..right }, [false, true, true]),
        ];
        for (trailer, [always, range, sequential]) in cases {
            let closing = stream.closing(&mut stream.next_run(0x77), &trailer);
            let at = stream.header(&closing).offset().plus(156);
            let of = |result: Result<(), Error>| result.map_err(|error| (error.detail(), error.offset()));
            let refused = |refused| if refused { Err((Detail::AuthTrailer, at)) } else { Ok(()) };
            assert_eq!(of(stream.open(&closing).map(|_| ())), refused(always));
            assert_eq!(of(stream.judged(&closing)), refused(sequential));
            if let Ok((header, opened, _)) = stream.open(&closing) {
                assert_eq!(of(StreamEnd::new(&stream.reader, &header, &opened).map(|_| ())), refused(range));
            }
        }
        let segment = stream.data(&mut stream.next_run(u8::try_from(segments).unwrap() + 1));
        stream.append(&segment);
    }
}

/// A link exists only in a segment from which one is read.
#[test]
fn wrong_terminator_frame_gives_no_link() {
    let mut stream = Stream::new(StreamFlags::UNIFORM);
    let mut run = stream.next_run(1);
    let segment = stream.data(&mut run);
    let header = stream.header(&segment);
    let at = segment.1.len() - 76;
    for frame in [&segment.1[at + 1..], &segment.1[at - 1..], &[]] {
        let error = stream.opener.open_link(&header, frame).unwrap_err();
        assert_eq!(error.detail(), Detail::MalformedWireLen);
    }
    let mut flipped = segment.1[at..].to_vec();
    flipped[20] ^= 1;
    let error = stream.opener.open_link(&header, &flipped).unwrap_err();
    let frame = header.offset().plus(segment.0.header.segment_len() - 76);
    assert_eq!((error.detail(), error.offset(), error.segment()), (Detail::AuthFrame, frame, Some(0)));
    stream.append(&segment);
    // Without RUN_START the terminator is zero and has no link. A final segment has no link of this
    // kind.
    for segment in
        [stream.data(&mut run), stream.closing(&mut stream.next_run(2), &stream.progress.trailer())]
    {
        assert_eq!(stream.link_of(&segment).unwrap_err().kind(), ErrorKind::Misuse);
    }
}

//= spec/stream-v2.md#sv2-dig-008
//= type=test
//# A writer MUST use one digest_alg in all segments of a stream, index segments and the final one
//# included, and where it resumes that of the last committed segment.
#[test]
fn a_writer_has_one_digest_algorithm() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let segment = stream.data(&mut stream.next_run(1));
    stream.append(&segment);
    assert_eq!(stream.progress.committed().digest_alg, Some(DigestAlg::HmacSha3OverTags));
    let mut other = stream.next_run(2).with_digest_alg(DigestAlg::Sha3OverFrames);
    let segment = stream.data(&mut other);
    assert_eq!(stream.progress.sealed(&segment.0).unwrap_err().kind(), ErrorKind::Misuse);
    // A reader does not check this.
    stream.judged(&segment).unwrap();
    let mut other = stream.next_run(3).with_digest_alg(DigestAlg::Sha3OverFrames);
    let closing = stream.closing(&mut other, &stream.progress.trailer());
    assert_eq!(stream.progress.sealed(&closing.0).unwrap_err().kind(), ErrorKind::Misuse);
    stream.judged(&closing).unwrap();
}

//= spec/stream-v2.md#sv2-jrn-011
//= type=test
//# An owner that resumes MUST take first_i (§8.3) from the commit whose segment_tag it confirmed in
//# the stream, and run_salt from the segment header with that tag.
#[test]
fn record_and_header_give_committed_state() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let mut headers = Vec::new();
    for salt in [1, 2] {
        let mut run = stream.next_run(salt);
        for _ in 0..2 {
            let segment = stream.data(&mut run);
            stream.append(&segment);
            headers.push(segment.0.header);
        }
    }
    let (committed, header) = (stream.progress.committed(), headers[3]);
    let record = JournalRecord {
        position: committed.position - header.segment_len(),
        segment_tag: header.segment_tag,
        transcript: *committed.transcript.bytes(),
        run_first: SegmentIndex(2),
        index: header.index,
        plaintext_len: committed.plaintext_len,
        sequence: 0,
        record_type: stream_v2_format::wire::JournalRecordType::Commit,
    };
    let found = Committed::with_segment(&record, &header, PendingIndex::EMPTY).unwrap();
    assert_eq!(found.run, link(2, 2));
    let mut whole = found.clone();
    whole.pending_index = committed.pending_index.clone();
    assert_eq!(whole, *committed);
    assert!(Committed::with_segment(&record, &headers[2], PendingIndex::EMPTY).is_none());
    // A resumed reader or writer knows the run, by order and by link.
    let order = SegmentOrder::after(stream.sealer.header(), &found);
    assert_eq!((order.segments(), *order.link()), (4, link(2, 2)));
    assert_eq!(*Progress::of_writer_after(&stream.sealer, &found).link(), link(2, 2));
}

/// The runs found from the end and from the beginning are the same.
#[test]
fn runs_are_known_in_both_directions() {
    let mut stream = Stream::new(StreamFlags::UNIFORM);
    let mut segments = Vec::new();
    for (salt, count) in [(1, 1), (2, 3), (1, 2), (3, 1)] {
        let mut run = stream.next_run(salt);
        for _ in 0..count {
            let segment = stream.data(&mut run);
            let link = stream.link_of(&segment).ok();
            segments.push((stream.header(&segment), link));
            stream.append(&segment);
        }
    }
    let mut back = RunMap::ending_before(stream.index(), *stream.progress.link());
    while let Some(first) = back.unknown_before() {
        back.add(segments[first.0 as usize].1.unwrap());
    }
    let (mut order, mut forth) = (RunOrder::BEGIN, RunMap::NONE);
    for (header, _) in &segments {
        assert!(forth.check(header).is_err());
        order.admit(header.header(), header.offset()).unwrap();
        forth.follow(&order);
        forth.check(header).unwrap();
    }
    assert_eq!(back, forth);
    for (place, (header, _)) in segments.iter().enumerate() {
        back.check(header).unwrap();
        assert_eq!(back.holding(header.header().index).unwrap().run_salt, header.header().run_salt);
        // A segment out of its turn is not admitted.
        let error = order.clone().admit(header.header(), Offset(0)).unwrap_err();
        assert_eq!((error.detail(), error.segment()), (Detail::OrderSegmentIndex, Some(7)), "{place}");
    }
    // An impossible link is not added, and nothing is before segment 0.
    back.add(link(8, 8));
    assert_eq!(back, forth);
    assert_eq!(RunMap::ending_before(SegmentIndex(0), RunLink::NONE), RunMap::NONE);
}
