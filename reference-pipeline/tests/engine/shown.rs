//! `{:?}` and errors show lengths, and never bytes of plaintext.

use std::fmt::Debug;
use std::io::Cursor;

use bytes::{Bytes, BytesMut};
use stream_v2_format::crypto::{Run, StreamOpener, StreamSealer};
use stream_v2_format::wire::DigestAlg;
use stream_v2_format::{Offset, SegmentIndex};
use stream_v2_pipeline::tokio::{AsyncWriterSink, OwnedUnit, ReadAhead};
use stream_v2_pipeline::{
    ContentKey, DecryptSegmentInput, DecryptSegmentWorker, EncryptPipeline, EncryptSegmentInput,
    EncryptSegmentWorker, JournalState, SinkUnit, WriterSink, recover,
};
use stream_v2_testing::streams::{encrypt, encrypting, key, salts, small_params};

/// As text and as the numbers of its bytes, in every notation.
const MARKER: &[u8] = b"MARKERMARKERMARKER";

fn plaintext() -> Vec<u8> {
    MARKER.repeat(1000)
}

fn assert_hidden(value: &impl Debug, contains: &str) {
    for text in [format!("{value:?}"), format!("{value:#?}"), format!("{value:x?}")] {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let shown = text.contains("MARKER")
            || words.windows(6).any(|words| words == ["77", "65", "82", "75", "69", "82"])
            || words.windows(6).any(|words| words == ["4d", "41", "52", "4b", "45", "52"]);
        assert!(!shown, "{text}");
        assert!(text.len() < 4000 && text.contains(contains), "{contains}: {text}");
    }
}

#[test]
fn pieces_of_sinks_and_sinks_show_lengths() {
    let text = plaintext();
    let unit = SinkUnit { index: Some(SegmentIndex(1)), position: 5, head: &[], body: &text };
    assert_hidden(&unit, "18000 bytes");
    let (head, body) = (Bytes::new(), Bytes::from(text.clone()));
    assert_hidden(&OwnedUnit { index: None, position: 0, head, body }, "18000 bytes");
    let mut buffer = text.clone();
    assert_hidden(&WriterSink::new(&mut buffer), "WriterSink");
    assert_hidden(&AsyncWriterSink::new(Cursor::new(text.clone())), "AsyncWriterSink");
    assert_hidden(&ReadAhead::new(Cursor::new(text)), "ReadAhead");
}

#[test]
fn workers_show_lengths() {
    let (key, text) = (key(), &plaintext()[..8000]);
    let stream = StreamSealer::new(small_params(), &key, b"").unwrap();
    let run = Run::first(salts().run_salt);
    let input = EncryptSegmentInput { segment_index: 0, plaintext: Bytes::copy_from_slice(text) };
    assert_hidden(&input, "8000 bytes");
    let mut worker = EncryptSegmentWorker::new(&stream, run, DigestAlg::HmacSha3OverTags);
    let sealed = worker.seal(&input, BytesMut::new()).unwrap();
    assert_hidden(&sealed, "wire");

    let reader = StreamOpener::new(stream.header(), &key, b"").unwrap();
    let header = reader.authenticate(&sealed.header.to_bytes(), Offset(128), 0).unwrap();
    let header = header.complete().unwrap().0;
    let input = DecryptSegmentInput { header, wire: sealed.wire };
    assert_hidden(&input, "wire");
    assert_hidden(&DecryptSegmentWorker::new(&reader).open(&input, BytesMut::new()).unwrap(), "8000 bytes");
}

#[test]
fn what_was_recovered_and_errors_show_lengths() {
    let key = key();
    let pipeline: EncryptPipeline<'_> = encrypting(&key, 1);
    let stream = encrypt(&pipeline, &plaintext());
    let sealer = StreamSealer::new(small_params(), &key, b"").unwrap();
    let reader = StreamOpener::new(sealer.header(), &key, b"").unwrap();
    let found = recover(Cursor::new(&stream[..stream.len() - 300]), &reader, JournalState::Missing).unwrap();
    assert_hidden(&found, "8192 bytes");
    assert_hidden(&found.last_segment, "8192 bytes");
    let error = recover(Cursor::new(&plaintext()), &reader, JournalState::Missing);
    assert_hidden(&error.map(|found| found.stream_len), "");
    assert_hidden(&ContentKey::new(*b"MARKERMARKERMARKERMARKERMARKER12"), "32 secret bytes");
}
