//! §19 What of a stream is committed: all that going on after it takes.

use super::Transcript;
use super::mac::equal;
use crate::wire::{HeaderV1, JournalRecord, SegmentHeader};

/// The committed segments of a stream that has no final segment yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// How many they are.
    pub segments: u64,
    /// Plaintext bytes in them.
    pub plaintext_len: u64,
    /// Bytes of the body that they take.
    pub position: u64,
    /// T after them.
    pub transcript: Transcript,
    /// The run_salt of the last one: to be compared with, and never to seal under (SV2-JRN-004).
    pub last_run_salt: Option<[u8; 16]>,
}

impl Committed {
    /// No segment.
    pub const NOTHING: Self = Self {
        segments: 0,
        plaintext_len: 0,
        position: 0,
        transcript: Transcript::EMPTY,
        last_run_salt: None,
    };

    /// What is committed with the segment of the commit `record`, if that names the segment with this authentic header (§19.2, step 6).
    #[must_use]
    pub fn with_segment(record: &JournalRecord, header: &SegmentHeader) -> Option<Self> {
        let named = header.index == record.index && equal(&header.segment_tag, &record.segment_tag);
        named.then(|| Self {
            segments: record.index.0 as u64 + 1,
            plaintext_len: record.plaintext_len,
            position: record.position + header.segment_len(),
            transcript: Transcript::from_bytes(record.transcript),
            last_run_salt: Some(header.run_salt),
        })
    }

    /// Whether a data segment among them is not full; known of streams with UNIFORM that have no final segment yet.
    #[must_use]
    pub const fn has_short_segment(&self, header: &HeaderV1) -> bool {
        self.plaintext_len < self.segments.saturating_mul(header.segment_size() as u64)
    }
}
