//! §4, §5 Begins to write a stream: derives its keys and its stream header.

use alloc::sync::Arc;

use super::key_schedule::StreamKeys;
use super::{ContentKey, StreamOpener};
use crate::Error;
use crate::limits::STREAM_HEADER_LEN;
use crate::wire::{HeaderV1, StreamParams};

/// The keys and the stream header of a stream that is being written.
///
/// Cloning shares the keys.
#[derive(Clone)]
pub struct StreamSealer {
    pub(super) keys: Arc<StreamKeys>,
    header: HeaderV1,
}

impl StreamSealer {
    /// Derives the keys of a new stream without an envelope, and its `header_tag`.
    ///
    /// `context` is not stored, so readers must provide the same bytes.
    ///
    /// # Errors
    ///
    /// - `limit` or `malformed` if no stream may have these parameters.
    pub fn new(params: StreamParams, key: &ContentKey, context: &[u8]) -> Result<Self, Error> {
        let untagged = HeaderV1::new(params, [0; 32], 0)?;
        let keys = StreamKeys::derive(&params, key, context);
        let header = HeaderV1::new(params, keys.header_tag(&untagged), 0)?;
        Ok(Self { keys: Arc::new(keys), header })
    }

    /// Puts an envelope of `envelope_len` bytes, without its CRC, between stream header and
    /// segment 0.
    ///
    /// Neither a key nor `header_tag` depends on it (§12).
    ///
    /// # Errors
    ///
    /// - `limit.envelope_len` or `malformed.envelope_len` if no envelope has this length.
    pub fn with_envelope_len(self, envelope_len: u32) -> Result<Self, Error> {
        let header = HeaderV1::new(*self.header.params(), *self.header.header_tag(), envelope_len)?;
        Ok(Self { header, ..self })
    }

    /// Resumes a stream, with the keys and the header of its reader (SV2-RES-005).
    #[must_use]
    pub fn resuming(stream: &StreamOpener) -> Self {
        //= spec/stream-v2.md#sv2-res-005
        //# A writer that resumes MUST take suite, flags, sizes, epoch_segments, plaintext_len and
        //# key_id from the stream header,
        Self { keys: stream.keys.clone(), header: *stream.header() }
    }

    /// Returns the stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        &self.header
    }

    /// Returns the 128 bytes of the stream header.
    #[must_use]
    pub fn header_bytes(&self) -> [u8; STREAM_HEADER_LEN] {
        self.header.to_bytes()
    }
}
