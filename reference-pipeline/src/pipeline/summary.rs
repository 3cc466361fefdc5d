//! What a run returns.

use stream_v2_format::crypto::Progress;
use stream_v2_format::wire::HeaderV1;

/// What a complete run has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Segments of the stream, the final one included.
    pub segments: u64,
    /// Plaintext bytes.
    pub plaintext_len: u64,
    /// Bytes of the stream, header and envelope included.
    pub stream_len: u64,
}

impl Summary {
    /// What a run has done that ends with this progress.
    pub(super) fn of(progress: &Progress, header: &HeaderV1) -> Self {
        Self {
            segments: progress.segments(),
            plaintext_len: progress.plaintext_len(),
            stream_len: header.body_offset().0 + progress.position(),
        }
    }
}
