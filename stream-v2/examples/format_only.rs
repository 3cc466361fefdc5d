//! Writes a whole stream with the format alone: a header, two data segments and a final one; then
//! reads it back.
//!
//! There is no input or output, thread or file in it: this is what a port to another language does.

use std::error::Error;

use stream_v2::format::crypto::{
    Progress, Run, RunSalt, SealedSegment, SegmentOpener, SegmentOrder, SegmentSealer, StreamOpener,
    StreamSealer,
};
use stream_v2::format::limits::SEGMENT_HEADER_LEN;
use stream_v2::format::wire::{HeaderV1View, StreamParams};
use stream_v2::format::{self, SegmentIndex};
use stream_v2::{ContentKey, key};

/// Two data segments, of which the first is full.
pub(crate) fn write(key: &ContentKey, plaintext: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut stream_salt, mut run_salt) = ([0; 32], [0; 16]);
    getrandom::fill(&mut stream_salt)?;
    getrandom::fill(&mut run_salt)?;
    let params = StreamParams::new(stream_salt).with_frame_size_log2(12).with_segment_size(4096);
    let stream = StreamSealer::new(params, key, b"")?;
    let mut progress = Progress::of_writer(&stream);
    let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new(run_salt)));
    let mut bytes = stream.header_bytes().to_vec();
    let mut append = |progress: &mut Progress, sealed: SealedSegment, wire: Vec<u8>| {
        bytes.extend(sealed.header.to_bytes());
        bytes.extend(wire);
        progress.sealed(&sealed)
    };
    for (index, segment) in (0..).map(SegmentIndex).zip(plaintext.chunks(4096)) {
        let mut wire = vec![0; sealer.wire_len(index, u32::try_from(segment.len())?)];
        let sealed = sealer.seal_data(index, segment, &mut wire)?;
        append(&mut progress, sealed, wire)?;
    }
    let index = SegmentIndex(u32::try_from(progress.segments())?);
    let mut wire = vec![0; SegmentSealer::final_wire_len()];
    let sealed = sealer.seal_final(index, &progress.trailer(), &mut wire)?;
    append(&mut progress, sealed, wire)?;
    Ok(bytes)
}

/// Reads the stream from its first byte to its last, and checks all of it.
pub(crate) fn read(key: &ContentKey, stream: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (view, len) = HeaderV1View::parse(stream)?.complete().ok_or("truncated")?;
    let mut rest = &stream[len..];
    let opener = StreamOpener::new(&view.header(), key, b"")?;
    let (mut order, mut progress) = (SegmentOrder::new(opener.header()), Progress::of_reader(&opener));
    let mut segments = SegmentOpener::new(&opener);
    let mut all = Vec::new();
    while !order.ended() {
        let (offset, before) = (order.offset(), order.segments());
        let (header, _) = opener.authenticate(rest, offset, before)?.complete().ok_or("truncated")?;
        order.admit(header.header(), offset)?;
        // The length is authentic from here on: memory may depend on it.
        let wire_len = header.header().wire_len as usize;
        let wire = rest.get(SEGMENT_HEADER_LEN..SEGMENT_HEADER_LEN + wire_len).ok_or("truncated")?;
        let mut plaintext = vec![0; header.header().payload_len as usize];
        let opened = segments.open(&header, wire, &mut plaintext)?;
        progress.opened(&header, &opened, &plaintext)?;
        all.extend(plaintext);
        rest = &rest[SEGMENT_HEADER_LEN + wire_len..];
    }
    if !rest.is_empty() {
        return Err(format::Error::trailing(order.offset(), order.segments()).into());
    }
    Ok(all)
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (key, plaintext) = (key::generate()?, vec![7; 5000]);
    let stream = write(&key, &plaintext)?;
    assert_eq!(read(&key, &stream)?, plaintext);
    // The library reads it, too.
    assert_eq!(stream_v2::decrypt(&key, &stream)?, plaintext);
    Ok(())
}
