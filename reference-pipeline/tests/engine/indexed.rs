//! Streams with index segments, read and resumed by a reader (§11).

#![expect(clippy::panic, reason = "a test that cannot continue fails")]

use std::fs;
use std::io::Cursor;

use stream_v2_format::Detail;
use stream_v2_pipeline::{
    DecryptPipeline, Error, FileSink, InterruptedDecryption, OutputFile, PartialDecryption,
};
use stream_v2_testing::indexed::{FULL, Indexed};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, key};

/// Data segments of one byte each.
const LEN: usize = 200;

/// Decrypts the segments before `cut` into a file, and then resumes with the whole stream.
fn interrupted_at(stream: &Indexed, cut: usize) -> (Vec<u8>, Result<(), Error>) {
    let folder = tempfile::tempdir().unwrap();
    let output = OutputFile::new(folder.path().join("out"));
    let key = key();
    let mut pipeline = DecryptPipeline::new(&key);
    pipeline.durability.segments = 1;
    let mut source = &stream.bytes[..stream.segments[cut].start];
    let opener = pipeline.open_stream(&mut source).unwrap();
    let sink = FileSink::create(&output).unwrap();
    let error = pipeline.run_to_file(&opener, source, sink, None).unwrap_err();
    assert_eq!(error.format_error().unwrap().detail(), Detail::Truncated);

    let mut source = Cursor::new(&stream.bytes);
    let opener = pipeline.open_stream(&mut source).unwrap();
    let left = InterruptedDecryption::find(&pipeline, &output, &opener, &mut source).unwrap();
    let PartialDecryption::Torn(found) = left else { panic!("a beginning is there") };
    assert_eq!(found.committed().segments, cut as u64);
    let result = found.resume(&pipeline, source, None).map(|_| ());
    let found = fs::read(output.target()).or_else(|_| fs::read(output.partial())).unwrap_or_default();
    (found, result)
}

#[test]
fn a_stream_with_index_segments_is_read() {
    let stream = Indexed::of_bytes(LEN, |_, _| {});
    assert_eq!(stream.segments.len(), LEN + 3);
    let (released, result) = decrypt(&DecryptPipeline::new(&key()), &stream.bytes);
    assert_eq!(released, plaintext(LEN));
    assert_eq!(result.unwrap().segments, LEN as u64 + 3);
}

#[test]
fn decryption_resumes_around_an_index_segment() {
    let stream = Indexed::of_bytes(LEN, |_, _| {});
    for cut in [1, FULL - 1, FULL, FULL + 1, FULL + 2, LEN + 1, LEN + 2] {
        let (released, result) = interrupted_at(&stream, cut);
        result.unwrap();
        assert_eq!(released, plaintext(LEN), "{cut}");
    }
}

//= spec/stream-v2.md#sv2-res-012
//= type=test
//# A reader that resumes MUST reject the stream as §15 says from the next segment on, the trailer
//# included.
#[test]
fn resumed_decryption_rejects_like_any_reader() {
    let bent = |at| Indexed::of_bytes(LEN, move |segment, payload| payload[at] ^= u8::from(segment > FULL));
    // The distance, the tag of the previous index segment, the length of a data segment before the
    // cut, and of one after it.
    for at in [0, 8, 24, 24 + 24 * 20] {
        let stream = bent(at);
        let (_, uninterrupted) = decrypt(&DecryptPipeline::new(&key()), &stream.bytes);
        let expected = *uninterrupted.unwrap_err().format_error().unwrap();
        assert_eq!(expected.detail(), Detail::MalformedIndex);
        let (_, result) = interrupted_at(&stream, FULL + 11);
        assert_eq!(result.unwrap_err().format_error(), Some(&expected), "{at}");
    }
}
