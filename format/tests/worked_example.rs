//! Appendix A: the worked example of the specification, written and read with the format crate
//! alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sha2::{Digest, Sha256};
use stream_v2_format::crypto::{
    ContentKey, Progress, Run, RunSalt, SegmentOpener, SegmentOrder, SegmentSealer, StreamOpener,
    StreamSealer,
};
use stream_v2_format::wire::{HeaderV1View, StreamParams};
use stream_v2_format::{Detail, Offset, SegmentIndex};

const STREAM_SHA256: &str = "53f0df9c36f62744dc496520d70bca130866ccb801de17828d0fe8c67f5867a8";
const HEADER_TAG: &str = "dc753f57bc62cb67870521c5ef1e919c7b00a013205ea33d8058b3438a53c8d8";

fn ascending<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|place| first + u8::try_from(place).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plaintext() -> Vec<u8> {
    (0..10_000u32).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

fn params() -> StreamParams {
    StreamParams::new(ascending(0x20)).with_uniform(false).with_frame_size_log2(12).with_segment_size(8192)
}

fn write(stream: &StreamSealer) -> Vec<u8> {
    let mut sealer = SegmentSealer::new(stream, Run::first(RunSalt::new(ascending(0x40))));
    let mut progress = Progress::of_writer(stream);
    let mut bytes = stream.header_bytes().to_vec();
    let mut index = SegmentIndex::FIRST;
    for piece in plaintext().chunks(8192) {
        let mut wire = vec![0; sealer.wire_len(index, u32::try_from(piece.len()).unwrap())];
        let sealed = sealer.seal_data(index, piece, &mut wire).unwrap();
        progress.sealed(&sealed).unwrap();
        bytes.extend_from_slice(&sealed.header.to_bytes());
        bytes.extend_from_slice(&wire);
        index = index.next().unwrap();
    }
    let mut wire = vec![0; SegmentSealer::final_wire_len()];
    let sealed = sealer.seal_final(index, &progress.trailer(), &mut wire).unwrap();
    bytes.extend_from_slice(&sealed.header.to_bytes());
    bytes.extend_from_slice(&wire);
    bytes
}

#[test]
fn is_written_byte_for_byte() {
    let stream = StreamSealer::new(params(), &ContentKey::new(ascending(0)), b"").unwrap();
    assert_eq!(hex(stream.header().header_tag()), HEADER_TAG);
    let bytes = write(&stream);
    assert_eq!(bytes.len(), 10_868);
    assert_eq!(hex(&Sha256::digest(&bytes)), STREAM_SHA256);
}

#[test]
fn is_read_back() {
    let key = ContentKey::new(ascending(0));
    let bytes = write(&StreamSealer::new(params(), &key, b"").unwrap());
    let (view, _) = HeaderV1View::parse(&bytes).unwrap().complete().unwrap();
    let stream = StreamOpener::new(&view.header(), &key, b"").unwrap();
    let (mut order, mut progress) = (SegmentOrder::new(stream.header()), Progress::of_reader(&stream));
    let mut opener = SegmentOpener::new(&stream);
    let mut released = Vec::new();
    while !order.ended() {
        let at = usize::try_from(order.offset().0).unwrap();
        let (header, taken) =
            stream.authenticate(&bytes[at..], order.offset(), order.segments()).unwrap().complete().unwrap();
        order.admit(header.header(), header.offset()).unwrap();
        let wire = &bytes[at + taken..at + taken + header.header().wire_len as usize];
        let mut plaintext = vec![0; header.header().plaintext_len as usize];
        let opened = opener.open(&header, wire, &mut plaintext).unwrap();
        progress.opened(&header, &opened, &plaintext).unwrap();
        released.extend_from_slice(&plaintext);
    }
    assert_eq!(order.offset(), Offset(bytes.len() as u64));
    assert_eq!(released, plaintext());
}

#[test]
fn opens_under_no_other_key_or_context() {
    let key = ContentKey::new(ascending(0));
    let stream = StreamSealer::new(params(), &key, b"").unwrap();
    let other = ContentKey::new(ascending(1));
    for (key, context) in [(&other, &b""[..]), (&key, b"\0")] {
        let error = StreamOpener::new(stream.header(), key, context).err().unwrap();
        assert_eq!((error.detail(), error.offset()), (Detail::KeyHeaderTag, Offset(80)));
    }
}
