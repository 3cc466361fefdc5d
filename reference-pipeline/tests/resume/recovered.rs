//! Recovery from an output without a journal, and resuming from there in memory (§19).
//!
//! Crashes are in `crash/encrypt.rs`.

use std::io::Cursor;

use stream_v2_format::crypto::{RunSalt, StreamOpener};
use stream_v2_format::{Detail, ErrorKind};
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{
    DecryptPipeline, EncryptPipeline, Error, JournalState, Managers, Recovered, Salts, WriterSink, recover,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{build, decrypt, encrypt, encrypting, key, salts};

const SEGMENT: usize = 4096;

fn pipeline(key: &stream_v2_pipeline::ContentKey, run: u8) -> EncryptPipeline<'_> {
    let mut pipeline = encrypting(key, 1).with_salts(Salts { run_salt: RunSalt::new([run; 16]), ..salts() });
    pipeline.params.segment_size = 4096;
    pipeline
}

fn opener(stream: &[u8]) -> StreamOpener {
    let (header, _) = read_stream_header(&mut &stream[..]).unwrap();
    StreamOpener::new(&header, &key(), b"").unwrap()
}

fn found(output: &[u8]) -> Result<Recovered, Error> {
    recover(Cursor::new(output), &opener(output), JournalState::Missing)
}

/// Resumes a torn output: returns the committed part and the segments of the next run.
fn resumed(torn: &[u8], source: &[u8], run: u8) -> (Vec<u8>, Recovered) {
    let recovered = found(torn).unwrap();
    let mut output = torn[..usize::try_from(recovered.stream_len).unwrap()].to_vec();
    if !recovered.sealed {
        let rest = &source[usize::try_from(recovered.committed.plaintext_len).unwrap()..];
        let mut sink = WriterSink::new(&mut output);
        pipeline(&key(), run).resume(&opener(torn), &recovered, rest, &mut sink, Managers::none()).unwrap();
    }
    (output, recovered)
}

#[test]
fn a_tail_of_other_bytes_is_dropped() {
    let key = key();
    let source = plaintext(3 * SEGMENT);
    let stream = encrypt(&pipeline(&key, 0x40), &source);
    for (cut, tail) in [(128, 5000), (6000, 96), (6000, 9000), (9000, 1)] {
        for filling in [0, 0x53] {
            let mut torn = stream[..cut].to_vec();
            torn.resize(cut + tail, filling);
            let (output, _) = resumed(&torn, &source, 0x50);
            assert!(decrypt(&DecryptPipeline::new(&key), &output).0 == source, "{cut} {tail} {filling}");
        }
    }
}

#[test]
fn damage_before_genuine_segment_is_reported() {
    let built = build(&[(1, &[100, 100, 100, 100])]);
    let end = built.segments[3].end;
    for place in built.segments[1].clone() {
        let mut damaged = built.bytes[..end].to_vec();
        damaged[place] ^= 1;
        let error = found(&damaged).unwrap_err();
        let format = error.format_error().unwrap();
        assert_eq!((format.detail(), format.segment()), (Detail::MalformedDamaged, Some(1)), "{place}");
        assert_eq!(format.offset().0, built.segments[1].start as u64);
    }
    // In the last segment, damage looks the same as a torn write.
    let mut damaged = built.bytes[..end].to_vec();
    damaged[end - 1] ^= 1;
    assert_eq!(found(&damaged).unwrap().committed.segments, 3);
}

#[test]
fn segments_that_were_moved_are_refused() {
    let built = build(&[(1, &[100, 100, 100])]);
    let moved = built.with_segments([built.segment(0), built.segment(2), built.segment(1)]);
    assert_eq!(found(&moved).unwrap_err().kind(), Some(ErrorKind::Order));
    let trailing = [&built.bytes[..], b"more"].concat();
    assert_eq!(found(&trailing).unwrap_err().kind(), Some(ErrorKind::Trailing));
}

#[test]
fn last_committed_plaintext_can_be_compared() {
    let built = build(&[(1, &[100, 200]), (2, &[300])]);
    for (segments, end) in built.segments.iter().map(|segment| segment.end).enumerate() {
        let found = found(&built.bytes[..end]).unwrap().last_segment.unwrap();
        let last = segments.min(2);
        assert!((found.header.index.0 as usize, &found.plaintext[..]) == (last, &built.plaintexts[last][..]));
    }
}

#[test]
fn a_sealed_stream_is_not_gone_on_with() {
    let key = key();
    let stream = encrypt(&pipeline(&key, 0x40), b"data");
    let recovered = found(&stream).unwrap();
    assert!(recovered.sealed);
    let mut output = Vec::new();
    let mut sink = WriterSink::new(&mut output);
    let result =
        pipeline(&key, 0x50).resume(&opener(&stream), &recovered, &b""[..], &mut sink, Managers::none());
    let rule = result.unwrap_err().format_error().and_then(stream_v2_format::Error::rule);
    assert_eq!(rule, Some(stream_v2_format::Misuse::ResumedSealed));
    assert!(output.is_empty());
}
