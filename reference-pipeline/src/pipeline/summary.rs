//! The result of a run.

use stream_v2_format::crypto::Progress;
use stream_v2_format::wire::HeaderV1;

/// The totals of a complete run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Segments of the stream, including the final one.
    pub segments: u64,
    /// Plaintext bytes.
    pub plaintext_len: u64,
    /// Bytes of the stream, including header and envelope.
    pub stream_len: u64,
}

impl Summary {
    /// Returns the summary of a run that ends with this progress.
    pub(super) fn of(progress: &Progress, header: &HeaderV1) -> Self {
        Self {
            segments: progress.segments(),
            plaintext_len: progress.plaintext_len(),
            stream_len: header.body_offset().0 + progress.position(),
        }
    }
}
