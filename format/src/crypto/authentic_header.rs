//! §6, §15.5 A segment header with a verified `segment_tag`, and checks without earlier segments.

use super::mac::equal;
use crate::limits::{FRAME_OVERHEAD, SEGMENT_HEADER_LEN};
use crate::wire::{
    FRAME_HEADER_LEN, HISTORY_LEN, HeaderV1, RunLink, SegmentHeader, SegmentKind, segment_at as at,
    tag_prefix,
};
use crate::{Detail, Error, Misuse, Offset};

/// A segment header whose `segment_tag` was verified, and its offset.
///
/// Only a [`StreamOpener`](super::StreamOpener) creates one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticHeader {
    header: SegmentHeader,
    offset: Offset,
}

impl AuthenticHeader {
    /// Creates it for a header that a [`StreamOpener`](super::StreamOpener) has verified.
    pub(super) const fn verified(header: SegmentHeader, offset: Offset) -> Self {
        Self { header, offset }
    }

    /// Returns the segment header.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Returns the offset of the segment, in bytes from the start of the stream.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// Returns the offset of the first frame's ciphertext, in bytes from the start of the stream.
    pub(super) const fn payload_offset(&self) -> Offset {
        self.offset.plus((SEGMENT_HEADER_LEN + FRAME_HEADER_LEN) as u64)
    }

    /// Returns an error in this segment, at `at` bytes from its beginning.
    pub(super) const fn error(&self, detail: Detail, at: u64) -> Error {
        Error::new(detail, self.offset.plus(at)).in_segment(self.header.index.0 as u64)
    }

    /// Returns an error in the payload of this segment.
    pub(crate) const fn payload_error(&self, detail: Detail) -> Error {
        Error::new(detail, self.payload_offset()).in_segment(self.header.index.0 as u64)
    }

    /// Returns the misuse of a caller that broke `rule` with this segment.
    pub(crate) const fn misuse(&self, rule: Misuse) -> Error {
        Error::misuse(rule).in_segment(self.header.index.0 as u64)
    }

    /// Returns the offset of the terminator frame, in bytes from the beginning of the segment.
    pub(super) const fn terminator_at(&self, terminator_len: usize) -> u64 {
        self.header.segment_len() - (FRAME_OVERHEAD + terminator_len) as u64
    }
}

/// The checks of a range reader, without the segments before this one (step 10 of §15.1).
impl AuthenticHeader {
    /// Checks that this segment is of kind `kind` and has `before` segments before it.
    ///
    /// # Errors
    ///
    /// - `order.segment_index` if it is not.
    pub fn check_kind(&self, kind: SegmentKind, before: u64) -> Result<(), Error> {
        let found = u64::from(self.header().index.0);
        let error = Error::new(Detail::OrderSegmentIndex, self.offset().plus(at::SEGMENT_INDEX));
        match found == before {
            true if self.header().kind == kind => Ok(()),
            true => Err(error.in_segment(before)),
            false => Err(error.in_segment(before).exactly(found, before)),
        }
    }

    /// Checks that this is a final segment with `before` segments before it.
    ///
    /// The error names the segment by its own `segment_index`.
    ///
    /// # Errors
    ///
    /// - `order.segment_index` if it is not.
    pub fn check_final(&self, before: u64) -> Result<(), Error> {
        let named = self.header().index.0.into();
        self.check_kind(SegmentKind::Final, before).map_err(|error| error.in_segment(named))
    }

    /// Checks the plaintext length against the expected one at this place, with UNIFORM.
    ///
    /// `end` is the number of plaintext bytes of the stream that are known.
    ///
    /// # Errors
    ///
    /// - `order.uniform` if the lengths differ.
    pub fn check_uniform_len(&self, stream: &HeaderV1, plaintext_begin: u64, end: u64) -> Result<(), Error> {
        let expected = end.saturating_sub(plaintext_begin).min(stream.segment_size().into());
        let found = u64::from(self.header().plaintext_len);
        if found == expected {
            return Ok(());
        }
        Err(self.error(Detail::OrderUniform, at::PLAINTEXT_LEN).exactly(found, expected))
    }

    /// Checks that `segment_tag` begins with the 16 bytes in an index segment.
    ///
    /// # Errors
    ///
    /// - `auth.index` if it does not.
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

    /// Checks that `link` is the run (R) of the previous segment (SV2-DIG-005, SV2-RNG-007).
    ///
    /// The check is for a reader that knows no T.
    ///
    /// The link is that of an index segment, or of a data segment with RUN_START.
    ///
    /// # Errors
    ///
    /// - `order.transcript` if the links differ.
    pub fn check_link(&self, before: &RunLink, link: &RunLink) -> Result<(), Error> {
        if equal(&before.to_bytes(), &link.to_bytes()) {
            Ok(())
        } else {
            Err(self.error(Detail::OrderTranscript, self.terminator_at(HISTORY_LEN as usize)))
        }
    }
}
