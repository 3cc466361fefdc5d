//! The data segment that a source is compared with.

use std::fmt;

use bytes::Bytes;
use stream_v2_format::wire::SegmentHeader;

use crate::observe::shown::Len;

/// A data segment that was read whole.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastSegment {
    /// Its header.
    pub header: SegmentHeader,
    /// Its plaintext.
    pub plaintext: Bytes,
}

impl fmt::Debug for LastSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastSegment")
            .field("header", &self.header)
            .field("plaintext", &Len(self.plaintext.len()))
            .finish()
    }
}
