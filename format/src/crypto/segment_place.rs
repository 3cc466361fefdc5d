//! §4, §15.5 The place of a segment: in the stream, in the plaintext, and among the segments.

use super::AuthenticHeader;
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{HeaderV1, SegmentKind, wire_len};
use crate::{Detail, Error, Offset};

/// The beginning of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPlace {
    /// The number of segments before it, which is its `segment_index`.
    pub before: u64,
    /// Bytes of the stream before it.
    pub offset: Offset,
    /// Plaintext bytes before it.
    pub plaintext_begin: u64,
}

impl SegmentPlace {
    /// Returns the place of segment 0.
    #[must_use]
    pub const fn first(stream: &HeaderV1) -> Self {
        Self { before: 0, offset: stream.body_offset(), plaintext_begin: 0 }
    }

    /// Returns the place of segment `before` in a stream with UNIFORM (§4).
    ///
    /// All data segments before it must be full.
    #[must_use]
    pub fn uniform(stream: &HeaderV1, before: u64) -> Self {
        let position = uniform_segment_len(stream).saturating_mul(before);
        let plaintext_begin = u64::from(stream.segment_size()).saturating_mul(before);
        Self { before, offset: stream.body_offset().plus(position), plaintext_begin }
    }

    /// Returns the place of the full data segment that contains byte `offset`, with UNIFORM.
    ///
    /// At the boundary of two segments it is the place of the second one.
    #[must_use]
    pub fn uniform_at(stream: &HeaderV1, offset: Offset) -> Self {
        let position = offset.0.saturating_sub(stream.body_offset().0);
        Self::uniform(stream, position / uniform_segment_len(stream))
    }

    /// Returns the place after the segment with this header, which begins here.
    #[must_use]
    pub fn after(&self, header: &AuthenticHeader) -> Self {
        let header = header.header();
        Self {
            before: self.before + 1,
            offset: self.offset.plus(header.segment_len()),
            plaintext_begin: self.plaintext_begin.saturating_add(header.plaintext_len.into()),
        }
    }

    /// Returns `limit.policy`: the chain of links is longer than `allowed` (SV2-RNG-009).
    ///
    /// The chain continues with the segment here.
    #[must_use]
    pub fn too_many_links(&self, allowed: u32) -> Error {
        let error = Error::new(Detail::LimitPolicy, self.offset).in_segment(self.before);
        error.between(u64::from(allowed) + 1, 0, allowed.into())
    }
}

/// Returns the bytes of a full data segment in a stream with UNIFORM, including its header (§4).
fn uniform_segment_len(stream: &HeaderV1) -> u64 {
    SEGMENT_HEADER_LEN as u64 + wire_len(stream, SegmentKind::Data, false, stream.segment_size())
}
