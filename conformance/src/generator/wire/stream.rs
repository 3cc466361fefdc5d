//! §3: a stream in pieces, which can be altered, moved and joined again.

use super::builder::Frame;
use super::segment_header::{SEGMENT_HEADER_LEN, repair_header_crc};
use crate::generator::keys::Keys;
use crate::generator::plaintext::Pattern;
use crate::generator::primitives::crc32c;

/// One segment: its bytes, and their meaning for a reader.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) bytes: Vec<u8>,
    pub(crate) plaintext_len: usize,
    pub(crate) frames: Vec<Frame>,
    pub(crate) digest: [u8; 32],
    /// T after this segment. For a final segment, T before it.
    pub(crate) transcript: [u8; 32],
    /// R of this segment (§8.3). For a final segment, R of the one before.
    pub(crate) run: [u8; 20],
}

/// A stream in pieces.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) content_key: [u8; 32],
    pub(crate) context: Vec<u8>,
    pub(crate) keys: Keys,
    pub(crate) plaintext: Pattern,
    /// Stream header and envelope.
    pub(crate) head: Vec<u8>,
    pub(crate) segments: Vec<Segment>,
    /// Bytes after the last segment.
    pub(crate) tail: Vec<u8>,
    /// The place at which the input ends early.
    pub(crate) cut: Option<usize>,
}

impl Segment {
    /// Returns the segment_index at which the run of this segment begins (§8.3).
    pub(crate) fn run_first(&self) -> u32 {
        let [.., a, b, c, d] = self.run;
        u32::from_le_bytes([a, b, c, d])
    }

    /// Returns the offset of a frame from the beginning of the segment.
    pub(crate) fn frame_offset(&self, frame: usize) -> usize {
        SEGMENT_HEADER_LEN + self.frames[..frame].iter().map(|frame| frame.bytes.len()).sum::<usize>()
    }
}

impl Stream {
    /// Returns all bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let segments = self.segments.iter().flat_map(|segment| &segment.bytes);
        let mut bytes: Vec<u8> = self.head.iter().chain(segments).chain(&self.tail).copied().collect();
        bytes.truncate(self.cut.unwrap_or(bytes.len()));
        bytes
    }

    /// Returns the offset of segment `index`, or of the end of the segments.
    pub(crate) fn offset(&self, index: usize) -> usize {
        self.head.len() + self.segments[..index].iter().map(|segment| segment.bytes.len()).sum::<usize>()
    }

    /// Returns the number of plaintext bytes of the first `count` segments.
    pub(crate) fn released_len(&self, count: usize) -> usize {
        self.segments[..count].iter().map(|segment| segment.plaintext_len).sum()
    }

    /// Alters the stream header or the envelope and repairs nothing.
    pub(crate) fn head(mut self, alter: impl FnOnce(&mut Vec<u8>)) -> Self {
        alter(&mut self.head);
        self
    }

    /// Alters the stream header and repairs its CRC, which is possible without the key.
    pub(crate) fn forge_head(self, alter: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.head(|head| {
            alter(head);
            let crc = crc32c(&head[..124]);
            head[124..128].copy_from_slice(&crc.to_le_bytes());
        })
    }

    /// Alters a segment and repairs nothing.
    pub(crate) fn raw(mut self, segment: usize, alter: impl FnOnce(&mut Vec<u8>)) -> Self {
        alter(&mut self.segments[segment].bytes);
        self
    }

    /// Alters a segment and repairs both CRCs, which is possible without the key.
    pub(crate) fn forge(self, segment: usize, alter: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.raw(segment, |bytes| {
            alter(bytes);
            let crc = crc32c(&bytes[SEGMENT_HEADER_LEN..]);
            bytes[56..60].copy_from_slice(&crc.to_le_bytes());
            repair_header_crc(bytes);
        })
    }

    /// Rearranges whole segments.
    pub(crate) fn arrange(mut self, alter: impl FnOnce(&mut Vec<Segment>)) -> Self {
        alter(&mut self.segments);
        self
    }

    /// Puts bytes after the last segment.
    pub(crate) fn followed_by(mut self, tail: &[u8]) -> Self {
        self.tail = tail.to_vec();
        self
    }

    /// Ends the input at `offset`.
    pub(crate) fn cut_at(mut self, offset: usize) -> Self {
        self.cut = Some(offset);
        self
    }
}
