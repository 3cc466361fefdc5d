//! Small streams with fixed salts, frames of 4 KiB and segments of 8 KiB.

use std::ops::Range;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{
    ContentKey, Progress, Run, RunSalt, SealedSegment, SegmentSealer, StreamSealer, Transcript,
};
use stream_v2_format::wire::{RunLink, StreamParams, crc32c};

use super::{KEY, KEY_ID};
use crate::pattern::plaintext;

/// The variable properties of a stream. The rest is fixed.
#[derive(Clone, Copy)]
pub struct Recipe {
    pub plaintext_len: usize,
    /// Added to every plaintext byte.
    pub shift: u8,
    pub stream_salt: u8,
    pub run_salt: u8,
}

/// Two full segments, one of 3616 bytes, and the final one.
pub const SMALL: Recipe = Recipe { plaintext_len: 20_000, shift: 0, stream_salt: 0x20, run_salt: 0x40 };

fn params(recipe: Recipe) -> StreamParams {
    let salt = StreamParams::new([recipe.stream_salt; 32]);
    salt.with_frame_size_log2(12).with_segment_size(8192).with_key_id(KEY_ID)
}

impl Recipe {
    pub fn plaintext(self) -> Vec<u8> {
        plaintext(self.plaintext_len).into_iter().map(|byte| byte.wrapping_add(self.shift)).collect()
    }

    /// Builds the stream with the format crate alone, which takes both salts as arguments. The
    /// pipeline draws its own salts, and a feature that changed this would reach the tested
    /// command.
    pub fn stream(self) -> Stream {
        let stream = StreamSealer::new(params(self), &ContentKey::new(KEY), b"").unwrap();
        let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([self.run_salt; 16])));
        let mut progress = Progress::of_writer(&stream);
        let mut bytes = stream.header_bytes().to_vec();
        let mut index = SegmentIndex::FIRST;
        for piece in self.plaintext().chunks(8192) {
            let mut wire = vec![0; sealer.wire_len(index, piece.len().try_into().unwrap())];
            let sealed = sealer.seal_data(index, piece, &mut wire).unwrap();
            progress.sealed(&sealed).unwrap();
            append(&mut bytes, &sealed, &wire);
            index = index.next().unwrap();
        }
        let mut wire = vec![0; SegmentSealer::final_wire_len()];
        let sealed = sealer.seal_final(index, &progress.trailer(), &mut wire).unwrap();
        append(&mut bytes, &sealed, &wire);
        Stream(bytes)
    }

    /// Returns the one-byte segment that a resumed run would write at `index` if everything before
    /// it were zero.
    pub fn resumed_segment(self, index: u32) -> Vec<u8> {
        let stream = StreamSealer::new(params(self), &ContentKey::new(KEY), b"").unwrap();
        let run =
            Run::resuming(RunSalt::new([0x99; 16]), SegmentIndex(index), Transcript::EMPTY, RunLink::NONE);
        let mut sealer = SegmentSealer::new(&stream, run);
        let mut wire = vec![0; sealer.wire_len(SegmentIndex(index), 1)];
        let sealed = sealer.seal_data(SegmentIndex(index), b"x", &mut wire).unwrap();
        [&sealed.header.to_bytes()[..], &wire].concat()
    }
}

fn append(stream: &mut Vec<u8>, sealed: &SealedSegment, wire: &[u8]) {
    stream.extend_from_slice(&sealed.header.to_bytes());
    stream.extend_from_slice(wire);
}

/// The bytes of a stream without an envelope.
#[derive(Clone)]
pub struct Stream(pub Vec<u8>);

impl Stream {
    /// Returns the place of each segment, the final one last.
    pub fn segments(&self) -> Vec<Range<usize>> {
        let mut segments = Vec::new();
        let mut start = 128;
        while start < self.0.len() {
            let wire_len = u32::from_le_bytes(self.0[start + 36..start + 40].try_into().unwrap());
            let end = start + 96 + usize::try_from(wire_len).unwrap();
            segments.push(start..end);
            start = end;
        }
        segments
    }

    pub fn segment(&self, place: usize) -> &[u8] {
        &self.0[self.segments()[place].clone()]
    }

    /// Returns the stream header followed by these segments.
    pub fn with(&self, segments: &[&[u8]]) -> Vec<u8> {
        [&self.0[..128], &segments.concat()].concat()
    }

    /// Returns the stream with other bytes at an offset.
    pub fn patched(&self, offset: usize, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.0.clone();
        stream[offset..offset + bytes.len()].copy_from_slice(bytes);
        stream
    }

    /// Returns the stream with one bit flipped.
    pub fn flipped(&self, offset: usize) -> Vec<u8> {
        self.patched(offset, &[self.0[offset] ^ 1])
    }

    /// Returns the stream with other bytes in its header, under a matching checksum.
    pub fn header_field(&self, offset: usize, bytes: &[u8]) -> Vec<u8> {
        repaired(self.patched(offset, bytes), 0, 124)
    }

    /// Returns the stream with other bytes in a segment header, under a matching checksum.
    pub fn segment_field(&self, place: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
        let start = self.segments()[place].start;
        repaired(self.patched(start + offset, bytes), start, 92)
    }
}

/// Puts the checksum of `len` bytes after them.
pub fn repaired(mut stream: Vec<u8>, start: usize, len: usize) -> Vec<u8> {
    let crc = crc32c(&stream[start..start + len]).to_le_bytes();
    stream[start + len..start + len + 4].copy_from_slice(&crc);
    stream
}
