//! The framing functions by themselves: `read_segment` reads the bytes of `write_segment`, and no
//! byte more.

use bytes::{Bytes, BytesMut};
use stream_v2_format::crypto::{Run, RunSalt, SegmentOrder, StreamOpener, StreamSealer};
use stream_v2_format::envelope::write_envelope;
use stream_v2_format::wire::DigestAlg;
use stream_v2_pipeline::io::{read_segment, read_stream_header, write_segment, write_stream_header};
use stream_v2_pipeline::{DecryptSegmentWorker, EncryptSegmentInput, EncryptSegmentWorker};
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Short;
use stream_v2_testing::streams::{key, small_params};

#[test]
fn exactly_one_segment_a_call() {
    let stream = StreamSealer::new(small_params(), &key(), b"").unwrap();
    let run = Run::first(RunSalt::new([9; 16]));
    let mut worker = EncryptSegmentWorker::new(&stream, run, DigestAlg::HmacSha3OverTags);
    let mut bytes = Vec::new();
    write_stream_header(&mut bytes, stream.header()).unwrap();
    let mut ends = Vec::new();
    for segment_index in 0..3 {
        let input = EncryptSegmentInput { segment_index, plaintext: Bytes::from(plaintext(8192)) };
        let segment = worker.seal(&input, BytesMut::new()).unwrap();
        write_segment(&mut bytes, &segment).unwrap();
        ends.push(bytes.len());
    }
    assert_eq!(ends, [128 + 8472, 128 + 2 * 8472, 128 + 3 * 8472]);

    // The input may continue: bytes behind the segment are not touched.
    let mut source = &bytes[..];
    let (header, envelope) = read_stream_header(&mut source).unwrap();
    assert!(envelope.is_empty());
    let opener = StreamOpener::new(&header, &key(), b"").unwrap();
    let (mut order, mut opening) = (SegmentOrder::new(&header), DecryptSegmentWorker::new(&opener));
    for end in ends {
        let input = read_segment(&mut Short::new(&mut source, 7, 2), &opener, &mut order, BytesMut::new());
        let input = input.unwrap().unwrap();
        assert_eq!(source.len(), bytes.len() - end);
        assert_eq!(opening.open(&input, BytesMut::new()).unwrap().plaintext(), plaintext(8192));
    }
    assert_eq!(order.segments(), 3);
}

#[test]
fn an_envelope_is_read_whole_and_checked() {
    let key = key();
    let stream = StreamSealer::new(small_params(), &key, b"").unwrap();
    let envelope = write_envelope(&[(7, b"for later"), (0xFFFF, &[0; 3])]).unwrap();
    let len = u32::try_from(envelope.len() - 4).unwrap();
    let header =
        stream_v2_format::wire::HeaderV1::new(small_params(), *stream.header().header_tag(), len).unwrap();
    let bytes = [&header.to_bytes()[..], &envelope].concat();
    let (read, found) = read_stream_header(&mut Short::new(&bytes[..], 5, 3)).unwrap();
    assert_eq!((read, found), (header, envelope));
    // header_tag does not cover the envelope, which can be exchanged.
    assert!(StreamOpener::new(&read, &key, b"").is_ok());
    for cut in 0..bytes.len() {
        let error = *read_stream_header(&mut &bytes[..cut]).unwrap_err().format_error().unwrap();
        assert_eq!((error.detail(), error.offset().0), (stream_v2_format::Detail::Truncated, cut as u64));
    }
}
