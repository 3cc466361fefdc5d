//! §4, §5, §6 Begins to read a stream: an opener exists only after `header_tag` was verified.

use alloc::sync::Arc;

use super::key_schedule::StreamKeys;
use super::mac::equal;
use super::{AuthenticHeader, ContentKey};
use crate::wire::{HeaderV1, Parsed, SegmentHeaderView, check_segment, segment_at as at};
use crate::{Detail, Error, Offset};

const HEADER_TAG_OFFSET: Offset = Offset(80);

/// The keys and the authenticated stream header of a stream that is being read.
///
/// Cloning shares the keys.
#[derive(Clone)]
pub struct StreamOpener {
    pub(super) keys: Arc<StreamKeys>,
    header: HeaderV1,
}

impl StreamOpener {
    /// Derives the keys of a stream and verifies its `header_tag` in constant time (SV2-HDR-014).
    ///
    /// # Errors
    ///
    /// - `key.header_tag` if the key or the context is wrong, or the header was altered.
    pub fn new(header: &HeaderV1, key: &ContentKey, context: &[u8]) -> Result<Self, Error> {
        let keys = StreamKeys::derive(header.params(), key, context);
        //= spec/stream-v2.md#sv2-hdr-014
        //# A reader MUST compute header_tag with the key schedule of §5 and compare it in constant
        //# time, and reject the stream with `key.header_tag` where it differs, before it uses any
        //# other key.
        //= spec/stream-v2.md#sv2-env-009
        //# and a content key under which header_tag does not verify as `key.header_tag`.
        if !equal(&keys.header_tag(header), header.header_tag()) {
            return Err(Error::new(Detail::KeyHeaderTag, HEADER_TAG_OFFSET));
        }
        Ok(Self { keys: Arc::new(keys), header: *header })
    }

    /// Returns the opener of the stream `header`, if this one was made with its detached envelope
    /// (§12.4).
    ///
    /// The two differ in the length of the envelope, and so in the offset of segment 0.
    ///
    /// # Errors
    ///
    /// - `key.detached_envelope` if their bytes 0..112 differ.
    pub fn of_stream(self, header: &HeaderV1) -> Result<Self, Error> {
        if !self.header.is_same_stream(header) {
            return Err(Error::new(Detail::KeyDetachedEnvelope, Offset(0)));
        }
        Ok(Self { header: *header, ..self })
    }

    /// Returns the authenticated stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        &self.header
    }

    /// Parses, checks and authenticates the segment header at `offset` (steps 1 to 9 of §15.1).
    ///
    /// Only then may its `wire_len` be trusted (SV2-SEG-023). `segments_before` is the number of
    /// segments before it.
    ///
    /// # Errors
    ///
    /// - The error of the first check that fails.
    pub fn authenticate(
        &self,
        input: &[u8],
        offset: Offset,
        segments_before: u64,
    ) -> Result<Parsed<AuthenticHeader>, Error> {
        SegmentHeaderView::parse(input, offset, segments_before)?.and_then(|view| {
            let header = view.header();
            check_segment(&self.header, &header, offset, segments_before)?;
            //= spec/stream-v2.md#sv2-seg-023
            //# A reader MUST compute segment_tag, compare it in constant time, and reject the
            //# segment with `auth.segment_tag` where it differs, before it allocates memory for the
            //# wire or reads it.
            if !equal(&self.keys.segment.hmac(&[&header.tagged_bytes()]), &header.segment_tag) {
                let offset = offset.plus(at::SEGMENT_TAG);
                return Err(Error::new(Detail::AuthSegmentTag, offset).in_segment(segments_before));
            }
            Ok(AuthenticHeader::verified(header, offset))
        })
    }
}
