//! §4, §5, §6 Beginning to read a stream: an opener exists only after header_tag was verified.

use alloc::sync::Arc;

use super::ContentKey;
use super::key_schedule::StreamKeys;
use super::mac::equal;
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{FRAME_HEADER_LEN, HeaderV1, Parsed, SegmentHeader, SegmentHeaderView, check_segment};
use crate::{Detail, Error, Offset};

const HEADER_TAG_OFFSET: Offset = Offset(80);
const SEGMENT_TAG_OFFSET: u64 = 60;

/// The keys and the authenticated stream header of a stream that is being read. Cloning shares the keys.
#[derive(Clone)]
pub struct StreamOpener {
    pub(super) keys: Arc<StreamKeys>,
    header: HeaderV1,
}

impl StreamOpener {
    /// Derives the keys of a stream and verifies its header_tag in constant time (SV2-HDR-014).
    ///
    /// # Errors
    /// `key.header_tag`: wrong key, wrong context or altered header.
    pub fn new(header: &HeaderV1, key: &ContentKey, context: &[u8]) -> Result<Self, Error> {
        let keys = StreamKeys::derive(header.params(), key, context);
        //= spec/stream-v2.md#sv2-hdr-014
        //# A reader MUST compute header_tag with the key schedule of §5 and compare it in constant time, and
        //# reject the stream with `key.header_tag` where it differs, before it uses any other key.
        //= spec/stream-v2.md#sv2-env-009
        //# and a content key under which header_tag does not verify as `key.header_tag`.
        if !equal(&keys.header_tag(header), header.header_tag()) {
            return Err(Error::new(Detail::KeyHeaderTag, HEADER_TAG_OFFSET));
        }
        Ok(Self { keys: Arc::new(keys), header: *header })
    }

    /// The authenticated stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        &self.header
    }

    /// Parses, checks and authenticates the segment header at `offset`: steps 1 to 9 of §15.1.
    ///
    /// Only after that may its wire_len be believed (SV2-SEG-023). `segments_before` is the number of segments before it.
    ///
    /// # Errors
    /// The error of the first check that fails.
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
            //# A reader MUST compute segment_tag, compare it in constant time, and reject the segment with
            //# `auth.segment_tag` where it differs, before it allocates memory for the wire or reads it.
            if !equal(&self.keys.segment.hmac(&[&header.tagged_bytes()]), &header.segment_tag) {
                let offset = offset.plus(SEGMENT_TAG_OFFSET);
                return Err(Error::new(Detail::AuthSegmentTag, offset).in_segment(segments_before));
            }
            Ok(AuthenticHeader { header, offset })
        })
    }
}

/// A segment header whose segment_tag was verified, and where it stands. Only a [`StreamOpener`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticHeader {
    header: SegmentHeader,
    offset: Offset,
}

impl AuthenticHeader {
    /// What the segment header says.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Where the segment begins, in bytes from the start of the stream.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// Where the ciphertext of its first frame begins, in bytes from the start of the stream.
    pub(super) const fn payload_offset(&self) -> Offset {
        self.offset.plus((SEGMENT_HEADER_LEN + FRAME_HEADER_LEN) as u64)
    }

    /// An error in this segment, at `at` bytes from its beginning.
    pub(super) const fn error(&self, detail: Detail, at: u64) -> Error {
        Error::new(detail, self.offset.plus(at)).in_segment(self.header.index.0 as u64)
    }
}
