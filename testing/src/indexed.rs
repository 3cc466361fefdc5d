//! Streams with index segments, written segment by segment with the format crate.

use std::ops::Range;

use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::{Progress, Run, SealedSegment, SegmentSealer, StreamSealer};
use stream_v2_format::wire::SegmentKind;

use crate::pattern::plaintext;
use crate::streams::{key, salts, small_params};

/// The plaintext length of the smallest segment, in bytes. It is S of these streams.
pub const S: usize = 4096;
/// n for S = 4096. The first index segment is segment 169.
pub const FULL: usize = 169;

/// A stream with index segments, and the places of its segments.
pub struct Indexed {
    pub bytes: Vec<u8>,
    pub segments: Vec<Range<usize>>,
}

impl Indexed {
    /// Builds data segments of one byte each. `bend` may change the payloads of index segments.
    pub fn of_bytes(len: usize, bend: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        Self::of_lens(&vec![1; len], bend)
    }

    /// Builds full data segments, except for the last.
    pub fn full(len: usize) -> Self {
        let lens: Vec<usize> = (0..len).step_by(S).map(|begin| (len - begin).min(S)).collect();
        Self::of_lens(&lens, |_, _| {})
    }

    /// Builds data segments of these lengths.
    pub fn of_lens(lens: &[usize], mut bend: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let params = small_params().with_uniform(false).with_segment_size(4096);
        let stream = StreamSealer::new(params, &key(), b"").unwrap();
        let mut sealer = SegmentSealer::new(&stream, Run::first(salts().run_salt));
        let mut progress = Progress::of_writer(&stream);
        let mut indexed = Self { bytes: stream.header_bytes().to_vec(), segments: Vec::new() };
        let text = plaintext(lens.iter().sum());
        let (mut begin, mut lens) = (0, lens.iter().copied().peekable());
        loop {
            let index = SegmentIndex(u32::try_from(progress.segments()).unwrap());
            let (sealed, wire) = if let Some(mut payload) = progress.index_payload(lens.peek().is_none()) {
                bend(indexed.segments.len(), &mut payload);
                sealer.seal_index(index, &payload, progress.transcript(), progress.link()).unwrap()
            } else if let Some(len) = lens.next() {
                let mut wire = vec![0; sealer.wire_len(index, u32::try_from(len).unwrap())];
                begin += len;
                (sealer.seal_data(index, &text[begin - len..begin], &mut wire).unwrap(), wire)
            } else {
                let mut wire = vec![0; SegmentSealer::final_wire_len()];
                (sealer.seal_final(index, &progress.trailer(), &mut wire).unwrap(), wire)
            };
            progress.sealed(&sealed).unwrap();
            indexed.push(&sealed, &wire);
            if sealed.header.kind == SegmentKind::Final {
                return indexed;
            }
        }
    }

    fn push(&mut self, sealed: &SealedSegment, wire: &[u8]) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&sealed.header.to_bytes());
        self.bytes.extend_from_slice(wire);
        self.segments.push(begin..self.bytes.len());
    }

    /// Returns the stream before segment `end`.
    pub fn before(&self, end: usize) -> &[u8] {
        &self.bytes[..self.segments[end].start]
    }
}
