//! §6, §15.5 A segment header whose segment_tag was verified, and what a reader may say of it
//! without the segments before it.

use super::mac::equal;
use crate::limits::{FRAME_OVERHEAD, SEGMENT_HEADER_LEN};
use crate::wire::{
    FRAME_HEADER_LEN, HISTORY_LEN, HeaderV1, RunLink, SegmentHeader, SegmentKind, segment_at as at,
    tag_prefix,
};
use crate::{Detail, Error, Misuse, Offset};

/// A segment header whose segment_tag was verified, and where it is. Only a
/// [`StreamOpener`](super::StreamOpener) makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticHeader {
    header: SegmentHeader,
    offset: Offset,
}

impl AuthenticHeader {
    /// A header whose segment_tag a [`StreamOpener`](super::StreamOpener) has verified.
    pub(super) const fn verified(header: SegmentHeader, offset: Offset) -> Self {
        Self { header, offset }
    }

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

    /// Reports a caller that broke `rule` with this segment.
    pub(super) const fn misuse(&self, rule: Misuse) -> Error {
        Error::misuse(rule).in_segment(self.header.index.0 as u64)
    }

    /// Where the terminator frame begins, in bytes from the beginning of the segment.
    pub(super) const fn terminator_at(&self, terminator_len: usize) -> u64 {
        self.header.segment_len() - (FRAME_OVERHEAD + terminator_len) as u64
    }
}

/// Step 10 of §15.1 for a range reader: what it may say of a segment without those before it.
impl AuthenticHeader {
    /// Checks that this is a segment of this kind, and the one after `before` segments.
    ///
    /// # Errors
    /// `order.segment_index`.
    pub fn check_kind(&self, kind: SegmentKind, before: u64) -> Result<(), Error> {
        let found = u64::from(self.header().index.0);
        let error = Error::new(Detail::OrderSegmentIndex, self.offset().plus(at::SEGMENT_INDEX));
        match found == before {
            true if self.header().kind == kind => Ok(()),
            true => Err(error.in_segment(before)),
            false => Err(error.in_segment(before).exactly(found, before)),
        }
    }

    /// Checks that this is a final segment, and the one after `before` segments. What is wrong is
    /// named by its own segment_index.
    ///
    /// # Errors
    /// `order.segment_index`.
    pub fn check_final(&self, before: u64) -> Result<(), Error> {
        let named = self.header().index.0.into();
        self.check_kind(SegmentKind::Final, before).map_err(|error| error.in_segment(named))
    }

    /// Checks that its plaintext is as long as that of the data segment at this place in a stream
    /// with UNIFORM of which `end` plaintext bytes are known.
    ///
    /// # Errors
    /// `order.uniform`.
    pub fn check_uniform_len(&self, stream: &HeaderV1, plaintext_begin: u64, end: u64) -> Result<(), Error> {
        let expected = end.saturating_sub(plaintext_begin).min(stream.segment_size().into());
        let found = u64::from(self.header().plaintext_len);
        if found == expected {
            return Ok(());
        }
        Err(self.error(Detail::OrderUniform, at::PLAINTEXT_LEN).exactly(found, expected))
    }

    /// Checks that segment_tag begins with the 16 bytes by which an index segment names this one.
    ///
    /// # Errors
    /// `auth.index`.
    pub fn check_tag_prefix(&self, name: &[u8; 16]) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-idx-006
        //# A range reader that uses index segments MUST check that segment_tag of each segment it
        //# fetches begins with the 16 bytes that name it (its entry, or previous for an index
        //# segment), and reject it with `auth.index` otherwise.
        if equal(&tag_prefix(self.header()), name) {
            Ok(())
        } else {
            Err(self.error(Detail::AuthIndex, at::SEGMENT_TAG))
        }
    }

    /// Checks that the link of an index segment, or of a data segment with RUN_START, is R of the
    /// segment before it: SV2-DIG-005 for a reader that knows no T (SV2-RNG-007).
    ///
    /// # Errors
    /// `order.transcript`.
    pub fn check_link(&self, before: &RunLink, link: &RunLink) -> Result<(), Error> {
        if equal(&before.to_bytes(), &link.to_bytes()) {
            Ok(())
        } else {
            Err(self.error(Detail::OrderTranscript, self.terminator_at(HISTORY_LEN as usize)))
        }
    }
}
