//! §17 `misuse`: the error names the rule that the caller broke.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use stream_v2_format::codec::Decompressor;
use stream_v2_format::crypto::{Committed, SegmentSealer, StreamEnd};
use stream_v2_format::envelope::no_content_key;
use stream_v2_format::lengths::Lengths;
use stream_v2_format::wire::{DigestAlg, StreamFlags};
use stream_v2_format::{Allowed, Error, Misuse};

mod made;

use made::{Sealed, Stream, link};

fn rule<T>(result: Result<T, Error>) -> Option<Misuse> {
    result.err().and_then(|error| error.rule())
}

/// A data segment of `len` bytes.
fn data(stream: &Stream, sealer: &mut SegmentSealer, len: usize) -> Sealed {
    let index = stream.index();
    let mut wire = vec![0; sealer.wire_len(index, u32::try_from(len).unwrap())];
    let sealed = sealer.seal_data(index, &vec![5; len], &mut wire).unwrap();
    (sealed, wire)
}

#[test]
fn two_short_segments_with_uniform() {
    let mut stream = Stream::new(StreamFlags::UNIFORM);
    let mut run = stream.next_run(1);
    let short = data(&stream, &mut run, 10);
    stream.append(&short);
    let again = data(&stream, &mut run, 10);
    let error = stream.progress.sealed(&again.0).unwrap_err();
    assert_eq!(error.rule(), Some(Misuse::ShortSegment));
    assert_eq!(error.segment(), Some(1));
    assert!(error.to_string().ends_with("not full (misuse, SV2-HDR-016, segment 1)"), "{error}");
}

#[test]
fn index_segments_with_uniform() {
    let stream = Stream::new(StreamFlags::UNIFORM);
    let (header, mut run) = (stream.sealer.header(), stream.next_run(1));
    assert_eq!(rule(Lengths::new(header, true)), Some(Misuse::UniformWithIndex));
    let asked = Committed::NOTHING.resume_index(header, true, false);
    assert_eq!(rule(asked), Some(Misuse::UniformWithIndex));
    let (transcript, link) = (*stream.progress.transcript(), *stream.progress.link());
    let (sealed, _) = run.seal_index(stream.index(), &[0; 48], &transcript, &link).unwrap();
    assert_eq!(rule(stream.progress.clone().sealed(&sealed)), Some(Misuse::UniformWithIndex));
}

#[test]
fn index_segments_at_the_wrong_time() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let mut run = stream.next_run(1);
    let segment = stream.data(&mut run);
    stream.append(&segment);
    let ended = stream.progress.committed().resume_index(stream.sealer.header(), true, true);
    assert_eq!(rule(ended), Some(Misuse::IndexAfterEnd));
    let (transcript, link) = (*stream.progress.transcript(), *stream.progress.link());
    let index = stream.indexing(&mut run, &transcript, &link);
    stream.append(&index);
    let segment = stream.data(&mut run);
    assert_eq!(rule(stream.progress.sealed(&segment.0)), Some(Misuse::IndexEndsStream));

    let mut full = Stream::new(StreamFlags::NONE);
    let mut run = full.next_run(1);
    while full.progress.index_payload(false).is_none() {
        let segment = full.data(&mut run);
        full.append(&segment);
    }
    let (transcript, link) = (*full.progress.transcript(), *full.progress.link());
    let index = full.indexing(&mut run, &transcript, &link);
    full.append(&index);
    let segment = full.data(&mut run);
    full.append(&segment);
    let closing = full.closing(&mut run, &full.progress.trailer());
    assert_eq!(rule(full.progress.sealed(&closing.0)), Some(Misuse::IndexMissing));
}

#[test]
fn index_segments_after_too_many_data_segments() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let mut run = stream.next_run(1);
    for _ in 0..170 {
        let segment = stream.data(&mut run);
        stream.append(&segment);
    }
    let asked = stream.progress.committed().resume_index(stream.sealer.header(), true, false);
    assert_eq!(rule(asked), Some(Misuse::IndexTooLate));
}

#[test]
fn another_digest_algorithm() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let segment = stream.data(&mut stream.next_run(1));
    stream.append(&segment);
    let mut other = stream.next_run(2).with_digest_alg(DigestAlg::Sha3OverFrames);
    let segment = stream.data(&mut other);
    assert_eq!(rule(stream.progress.sealed(&segment.0)), Some(Misuse::DigestAlgChanged));
    // The rule is for writers. A reader accepts the sealed segment.
    stream.judged(&segment).unwrap();
    assert_eq!(*stream.progress.link(), link(1, 0));
}

#[test]
fn a_payload_of_another_length() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let segment = stream.data(&mut stream.next_run(1));
    let (header, _, payload) = stream.open(&segment).unwrap();
    let mut decompressor = Decompressor::new(stream.reader.header());
    let mut plaintext = vec![0; 4096];
    let error = decompressor.decompress(&header, &payload[1..], &mut plaintext).unwrap_err();
    assert_eq!(error.rule(), Some(Misuse::PayloadLen));
    assert_eq!((error.found(), error.allowed()), (Some(4095), Allowed::Exactly(4096)));
    let error = decompressor.decompress(&header, &payload, &mut plaintext[1..]).unwrap_err();
    assert_eq!(error.rule(), Some(Misuse::PlaintextBuffer));
    assert_eq!((error.found(), error.allowed()), (Some(4095), Allowed::Exactly(4096)));
    decompressor.decompress(&header, &payload, &mut plaintext).unwrap();
    assert_eq!(plaintext, payload);
}

#[test]
fn missing_link_and_missing_end_are_misuse() {
    let mut stream = Stream::new(StreamFlags::NONE);
    let mut run = stream.next_run(1);
    let first = stream.data(&mut run);
    stream.append(&first);
    let second = stream.data(&mut run);
    assert_eq!(rule(stream.link_of(&second)), Some(Misuse::NoLink));
    let (_, opened, _) = stream.open(&second).unwrap();
    let closing = stream.closing(&mut stream.next_run(9), &stream.progress.trailer());
    let header = stream.header(&closing);
    assert_eq!(rule(StreamEnd::new(&stream.reader, &header, &opened)), Some(Misuse::NotFinal));
}

#[test]
fn no_content_key_and_no_envelope() {
    let error = no_content_key(None, |_| true);
    assert_eq!((error.rule(), error.segment()), (Some(Misuse::NoContentKey), None));
}
