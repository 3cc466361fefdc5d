//! §4, §15.5 Where a segment begins: in the stream, in the plaintext, and among the segments.

use super::AuthenticHeader;
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{HeaderV1, SegmentKind, wire_len};
use crate::{Detail, Error, Offset};

/// Where a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPlace {
    /// How many segments are before it: its segment_index.
    pub before: u64,
    /// Bytes of the stream before it.
    pub offset: Offset,
    /// Plaintext bytes before it.
    pub plaintext_begin: u64,
}

impl SegmentPlace {
    /// Where segment 0 begins.
    #[must_use]
    pub const fn first(stream: &HeaderV1) -> Self {
        Self { before: 0, offset: stream.body_offset(), plaintext_begin: 0 }
    }

    /// Where segment `before` begins in a stream with UNIFORM, if all data segments before it are
    /// full (§4).
    #[must_use]
    pub fn uniform(stream: &HeaderV1, before: u64) -> Self {
        let position = uniform_segment_len(stream).saturating_mul(before);
        let plaintext_begin = u64::from(stream.segment_size()).saturating_mul(before);
        Self { before, offset: stream.body_offset().plus(position), plaintext_begin }
    }

    /// The place of the full data segment that byte `offset` of a stream with UNIFORM is in or, at
    /// its beginning, would follow.
    #[must_use]
    pub fn uniform_at(stream: &HeaderV1, offset: Offset) -> Self {
        let position = offset.0.saturating_sub(stream.body_offset().0);
        Self::uniform(stream, position / uniform_segment_len(stream))
    }

    /// The place after the segment with this header, which begins here.
    #[must_use]
    pub fn after(&self, header: &AuthenticHeader) -> Self {
        let header = header.header();
        Self {
            before: self.before + 1,
            offset: self.offset.plus(header.segment_len()),
            plaintext_begin: self.plaintext_begin.saturating_add(header.plaintext_len.into()),
        }
    }

    /// `limit.policy`: the chain of links that would go on at the segment here is longer than
    /// `allowed` (SV2-RNG-009).
    #[must_use]
    pub fn too_many_links(&self, allowed: u32) -> Error {
        let error = Error::new(Detail::LimitPolicy, self.offset).in_segment(self.before);
        error.between(u64::from(allowed) + 1, 0, allowed.into())
    }
}

/// Bytes of a full data segment in a stream with UNIFORM, its header included (§4).
fn uniform_segment_len(stream: &HeaderV1) -> u64 {
    SEGMENT_HEADER_LEN as u64 + wire_len(stream, SegmentKind::Data, false, stream.segment_size())
}
