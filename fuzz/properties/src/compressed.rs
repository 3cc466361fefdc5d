//! Any payload behind valid tags, and any plaintext through a compressor (§10).

use stream_v2_format::codec::{Compression, Compressor};
use stream_v2_format::crypto::{Progress, Run, RunSalt, SegmentSealer, StreamSealer};
use stream_v2_format::wire::{Codec, StreamFlags, StreamParams};
use stream_v2_format::{Detail, SegmentIndex};

use crate::reader::{answer, key};

const SEGMENT_SIZE: u32 = 65_536;

/// Seals a payload as it is, or compresses it first. The first byte chooses the codec and the way,
/// and the next three the length of the plaintext.
pub fn compressed(data: &[u8]) {
    let Some((&[how, low, middle, high], rest)) = data.split_first_chunk() else { return };
    if how & 2 == 0 {
        let plaintext_len = u32::from_le_bytes([low, middle, high, 0]) % (SEGMENT_SIZE + 1);
        let codec = if how & 1 == 0 { Codec::Zstandard } else { Codec::Lz4 };
        of_a_stranger(codec, plaintext_len as usize, rest);
    } else {
        let level = i32::from(low % 20);
        let compression = if how & 1 == 0 { Compression::Zstd { level } } else { Compression::Lz4 };
        there_and_back(compression, rest);
    }
}

/// Each payload is plaintext_len bytes of plaintext, or has one of the two errors of a codec.
fn of_a_stranger(codec: Codec, plaintext_len: usize, payload: &[u8]) {
    let Some(stream) = sealed(codec, plaintext_len, payload) else { return };
    let read = answer(&stream[..], 1, false);
    if codec == Codec::Lz4 {
        let expected = plain_lz4(payload, plaintext_len).filter(|plaintext| plaintext.len() == plaintext_len);
        assert_eq!(read.result.as_ref().ok().map(|_| &read.released), expected.as_ref());
    }
    match read.result {
        Ok(summary) => {
            let found = (summary.plaintext_len, read.released.len());
            assert_eq!(found, (plaintext_len as u64, plaintext_len));
        }
        Err(error) => {
            let codecs = [Detail::MalformedCodecPayload, Detail::LimitCodecWindow];
            assert!(codecs.contains(&error.detail()), "{error}");
            assert!(read.released.is_empty());
        }
    }
}

/// Decompresses an LZ4 block byte by byte. Returns `None` if it is none, or is longer than `most`.
fn plain_lz4(block: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = block.iter().copied();
    let mut plaintext = Vec::new();
    loop {
        let token = usize::from(bytes.next()?);
        for _ in 0..length(&mut bytes, token >> 4)? {
            plaintext.push(bytes.next()?);
        }
        if plaintext.len() > most {
            return None;
        }
        let Some(low) = bytes.next() else { return Some(plaintext) };
        let distance = usize::from(u16::from_le_bytes([low, bytes.next()?]));
        let begin = plaintext.len().checked_sub(distance).filter(|_| distance > 0)?;
        let len = length(&mut bytes, token & 15)? + 4;
        if plaintext.len() + len > most {
            return None;
        }
        (begin..begin + len).for_each(|place| plaintext.push(plaintext[place]));
    }
}

/// Returns a length of which a token holds `begin`.
fn length(bytes: &mut impl Iterator<Item = u8>, begin: usize) -> Option<usize> {
    if begin < 15 {
        return Some(begin);
    }
    let mut len = begin;
    loop {
        let more = bytes.next()?;
        len += usize::from(more);
        if more < 255 {
            return Some(len);
        }
    }
}

/// What is compressed is shorter, and opens as what it was.
fn there_and_back(compression: Compression, plaintext: &[u8]) {
    let plaintext = &plaintext[..plaintext.len().min(SEGMENT_SIZE as usize)];
    let mut compressor = Compressor::new(compression);
    let mut payload = vec![0; compressor.space(plaintext.len())];
    let Some(len) = compressor.compress(plaintext, &mut payload) else { return };
    let stream = sealed(compression.codec(), plaintext.len(), &payload[..len]).unwrap();
    let read = answer(&stream[..], 1, false);
    read.result.unwrap();
    assert!(read.released == plaintext);
}

/// Returns a stream of one segment with this payload, if a segment can have it.
fn sealed(codec: Codec, plaintext_len: usize, payload: &[u8]) -> Option<Vec<u8>> {
    let mut params = StreamParams::new([1; 32]).with_frame_size_log2(12).with_segment_size(SEGMENT_SIZE);
    params.flags = StreamFlags::NONE;
    let stream = StreamSealer::new(params, &key(), b"").unwrap();
    let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
    let mut progress = Progress::of_writer(&stream);
    let mut bytes = stream.header_bytes().to_vec();
    let index = SegmentIndex::FIRST;
    let mut wire = vec![0; sealer.wire_len(index, u32::try_from(payload.len()).ok()?)];
    let sealed = sealer.seal_compressed(index, codec, plaintext_len, payload, &mut wire).ok()?;
    progress.sealed(&sealed).unwrap();
    bytes.extend_from_slice(&sealed.header.to_bytes());
    bytes.extend_from_slice(&wire);
    let mut wire = [0; SegmentSealer::final_wire_len()];
    let sealed = sealer.seal_final(SegmentIndex(1), &progress.trailer(), &mut wire).unwrap();
    bytes.extend_from_slice(&sealed.header.to_bytes());
    bytes.extend_from_slice(&wire);
    Some(bytes)
}
