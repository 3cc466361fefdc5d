//! §6, §8 What sealing a segment gives besides its wire: its header, and its digest.

use super::Digest;
use crate::wire::SegmentHeader;

/// A segment whose wire is complete: its header, and the digest that enters the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// The segment header.
    pub header: SegmentHeader,
    /// D of the segment.
    pub digest: Digest,
}
