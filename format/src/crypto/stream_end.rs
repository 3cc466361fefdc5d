//! §9, §15.5 The end of a stream, for a reader that has not read the rest of it.

use super::mac::equal;
use super::verified_index::offset_before;
use super::{AuthenticHeader, IndexRef, OpenedSegment, RunMap, SegmentPlace, StreamOpener, Transcript};
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{HeaderV1, SegmentKind, TRAILER_LEN, Trailer, segment_at as at, wire_len};
use crate::{Detail, Error, Misuse};

/// The final segment, opened without any segment before it.
#[derive(Clone, Copy, Debug)]
pub struct StreamEnd {
    header: AuthenticHeader,
    opened: OpenedSegment,
    trailer: Trailer,
}

impl StreamEnd {
    /// Creates the end of a stream from an opened final segment.
    ///
    /// # Errors
    ///
    /// - `auth.trailer` if the position or the plaintext total of the trailer is impossible here.
    /// - `order.segment_index` if the segment is not a final one.
    /// - `misuse` if another segment was opened.
    pub fn new(
        stream: &StreamOpener,
        header: &AuthenticHeader,
        opened: &OpenedSegment,
    ) -> Result<Self, Error> {
        header.check_kind(SegmentKind::Final, header.header().index.0.into())?;
        let bytes: Result<&[u8; TRAILER_LEN as usize], _> = opened.terminator().try_into();
        let trailer = Trailer::from_bytes(bytes.map_err(|_| header.misuse(Misuse::NotFinal))?);
        let end = Self { header: *header, opened: *opened, trailer };
        let stream = stream.header();
        let position = header.offset().0.saturating_sub(stream.body_offset().0);
        //= spec/stream-v2.md#sv2-fin-002
        //# A reader MUST reject with `auth.trailer` a final segment whose plaintext total differs
        //# from a plaintext_len of the stream header other than 2^64 - 1.
        let declared = stream.params().plaintext_len.is_none_or(|declared| declared == trailer.plaintext_len);
        let adds_up = !stream.uniform() || end.is_uniform(stream);
        //= spec/stream-v2.md#sv2-fin-006
        //# A range reader MUST reject with `auth.trailer` a final segment that does not begin at
        //# the position in its trailer.
        let in_place = trailer.position == position;
        if declared && in_place && adds_up { Ok(end) } else { Err(end.mismatch()) }
    }

    /// Returns true if the final segment follows full data segments and a last one (§4).
    ///
    /// The check uses total, position and `segment_index`.
    fn is_uniform(&self, stream: &HeaderV1) -> bool {
        let total = self.trailer.plaintext_len;
        let full = SegmentPlace::uniform(stream, total / u64::from(stream.segment_size()));
        let (before, len) = match u32::try_from(total - full.plaintext_begin) {
            Ok(0) => (full.before, 0),
            Ok(rest) => {
                let wire_len = wire_len(stream, SegmentKind::Data, false, rest);
                (full.before + 1, SEGMENT_HEADER_LEN as u64 + wire_len)
            }
            Err(_) => return false,
        };
        self.header.offset() == full.offset.plus(len) && u64::from(self.header.header().index.0) == before
    }

    /// Returns the header of the final segment.
    #[must_use]
    pub const fn header(&self) -> &AuthenticHeader {
        &self.header
    }

    /// Returns the digest and the trailer, for [`Progress`](super::Progress).
    #[must_use]
    pub const fn opened(&self) -> &OpenedSegment {
        &self.opened
    }

    /// Returns the parsed trailer.
    #[must_use]
    pub const fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// Returns the run that ends before the final segment.
    #[must_use]
    //= spec/stream-v2.md#sv2-rng-008
    //= type=implication
    //= reason=They are made here, and a reader keeps them beside this final segment.
    //# A reader MUST use the runs that it knows with the final segment by which it found them only.
    pub fn runs(&self) -> RunMap {
        RunMap::ending_before(self.header.header().index, self.trailer.link)
    }

    /// Returns the place of the final segment, where the plaintext ends.
    #[must_use]
    pub fn place(&self) -> SegmentPlace {
        SegmentPlace {
            before: self.header.header().index.0.into(),
            offset: self.header.offset(),
            plaintext_begin: self.trailer.plaintext_len,
        }
    }

    /// Returns `auth.trailer`: the segments before the final one are not those of its trailer.
    #[must_use]
    pub fn mismatch(&self) -> Error {
        let len = self.opened.terminator().len();
        self.header.error(Detail::AuthTrailer, self.header.terminator_at(len))
    }

    /// Checks that the final segment directly follows the segments before `place`.
    ///
    /// # Errors
    ///
    /// - `order.segment_index` if it is at that offset, but is not the next segment.
    /// - `auth.trailer` if it is at another place.
    pub fn check_place(&self, place: &SegmentPlace) -> Result<(), Error> {
        if place.offset == self.header.offset() {
            self.header.check_final(place.before)?;
        }
        if *place == self.place() { Ok(()) } else { Err(self.mismatch()) }
    }

    /// Returns the last index segment, if there is one.
    ///
    /// It has no name here, as the transcript verifies it.
    ///
    /// # Errors
    ///
    /// - `auth.trailer` if the distance leads out of the stream.
    pub fn last_index(&self, stream: &HeaderV1) -> Result<Option<IndexRef>, Error> {
        let SegmentPlace { before, offset, plaintext_begin } = self.place();
        if self.trailer.index_distance == 0 {
            return Ok(None);
        }
        let index = before.checked_sub(1).zip(offset_before(stream, offset, self.trailer.index_distance));
        let (before, offset) = index.ok_or_else(|| self.mismatch())?;
        Ok(Some(IndexRef { before, offset, name: None, plaintext_end: plaintext_begin }))
    }

    /// Checks that the transcript in the trailer ends with this index segment.
    ///
    /// # Errors
    ///
    /// - `auth.index` if it does not.
    pub fn check_last_index(
        &self,
        stream: &StreamOpener,
        index: &AuthenticHeader,
        opened: &OpenedSegment,
    ) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-idx-007
        //# A range reader that uses index segments MUST check that HMAC(K_chain, T_(i-1) || LE32(i)
        //# || D_i), where i is the segment_index of the last index segment and T_(i-1) the first 32
        //# bytes of its terminator, equals the transcript in the trailer, and reject the index
        //# segment with `auth.index` otherwise.
        let before = opened.terminator().first_chunk().copied().map(Transcript::from_bytes);
        let transcript =
            before.map(|before| before.then(&stream.keys.chain, index.header().index, &opened.digest));
        if transcript.is_some_and(|transcript| equal(transcript.bytes(), &self.trailer.transcript)) {
            Ok(())
        } else {
            Err(index.error(Detail::AuthIndex, at::SEGMENT_TAG))
        }
    }
}
