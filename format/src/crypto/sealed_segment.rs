//! §6, §8 The result of sealing a segment besides its wire: header and digest.

use super::Digest;
use crate::wire::SegmentHeader;

/// A segment whose wire is complete: its header, and the digest that enters the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// The segment header.
    pub header: SegmentHeader,
    /// The digest (D) of the segment.
    pub digest: Digest,
}
