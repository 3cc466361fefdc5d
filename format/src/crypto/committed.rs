//! §19 The committed segments of a stream: all that a writer or a reader needs to resume.

use super::mac::equal;
use super::{PendingIndex, Transcript};
use crate::wire::{DigestAlg, HeaderV1, JournalRecord, RunLink, SegmentHeader};
use crate::{Error, Misuse};

/// The committed segments of a stream that has no final segment yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// The number of the segments.
    pub segments: u64,
    /// Plaintext bytes in them.
    pub plaintext_len: u64,
    /// Bytes of the body that they occupy.
    pub position: u64,
    /// The transcript (T) after them.
    pub transcript: Transcript,
    /// The run (R) of the last one; [`RunLink::NONE`] if there is none.
    pub run: RunLink,
    /// The `digest_alg` of the last one, which all later ones must have (SV2-DIG-008).
    pub digest_alg: Option<DigestAlg>,
    /// The contents of the next index segment (§11).
    pub pending_index: PendingIndex,
}

impl Committed {
    /// No committed segments.
    pub const NOTHING: Self = Self {
        segments: 0,
        plaintext_len: 0,
        position: 0,
        transcript: Transcript::EMPTY,
        run: RunLink::NONE,
        digest_alg: None,
        pending_index: PendingIndex::EMPTY,
    };

    /// Returns the segments committed by `record` (§19.2, step 6).
    ///
    /// Returns `None` if the record names another segment than `header`.
    ///
    /// `pending_index` has followed all segments up to and including that one. A stream with
    /// UNIFORM does not use it.
    #[must_use]
    pub fn with_segment(
        record: &JournalRecord,
        header: &SegmentHeader,
        pending_index: PendingIndex,
    ) -> Option<Self> {
        let named = header.index == record.index && equal(&header.segment_tag, &record.segment_tag);
        named.then(|| Self {
            segments: record.index.0 as u64 + 1,
            plaintext_len: record.plaintext_len,
            position: record.position + header.segment_len(),
            transcript: Transcript::from_bytes(record.transcript),
            //= spec/stream-v2.md#sv2-jrn-011
            //# An owner that resumes MUST take first_i (§8.3) from the commit whose segment_tag it
            //# confirmed in the stream, and run_salt from the segment header with that tag.
            run: RunLink { run_salt: header.run_salt, first: record.run_first },
            digest_alg: Some(header.digest_alg),
            pending_index,
        })
    }

    /// Returns true if a writer that resumes writes index segments.
    ///
    /// It does so if the stream already has some, or if the caller `asks` for them. `ended` is true
    /// if there is an ending record or a final segment.
    ///
    /// # Errors
    ///
    /// - `misuse` if the caller asks for index segments that this stream cannot have, or can no
    ///   longer have.
    pub fn resume_index(&self, stream: &HeaderV1, asks: bool, ended: bool) -> Result<bool, Error> {
        //= spec/stream-v2.md#sv2-idx-010
        //# A writer of index segments that resumes a stream MUST go on with them where the stream
        //# has one, and where its caller asks for them.
        let has = self.pending_index.has_index();
        //= spec/stream-v2.md#sv2-idx-010
        //# It MUST report `misuse`, and change nothing, where its caller asks for them in a stream
        //# with UNIFORM, in one without index segments in which more than n data segments are
        //# committed, and in one in which data segments are uncovered although there is an ending
        //# record or a final segment.
        let refused = if !asks {
            None
        } else if stream.uniform() {
            Some(Misuse::UniformWithIndex)
        } else if !has && self.pending_index.is_more_than_full(stream) {
            Some(Misuse::IndexTooLate)
        } else if ended && !self.pending_index.is_empty() {
            Some(Misuse::IndexAfterEnd)
        } else {
            None
        };
        refused.map_or(Ok(has || asks), |rule| Err(Error::misuse(rule)))
    }

    /// Returns true if only the final segment may follow.
    #[must_use]
    pub const fn ends(&self, header: &HeaderV1) -> bool {
        header.uniform() && self.has_short_segment(header) || self.pending_index.ends()
    }

    /// Returns true if a data segment among them is not full.
    ///
    /// The answer is valid for streams with UNIFORM that have no final segment yet.
    #[must_use]
    pub const fn has_short_segment(&self, header: &HeaderV1) -> bool {
        self.plaintext_len < self.segments.saturating_mul(header.segment_size() as u64)
    }
}
