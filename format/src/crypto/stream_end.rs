//! §15.5 Range reading: what is checked of a segment where the ones before it are not known.

use alloc::vec::Vec;

use super::frame_opener::terminator_at;
use super::mac::equal;
use super::{AuthenticHeader, OpenedSegment, Runs, SegmentPlace, StreamOpener, Transcript};
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{HeaderV1, IndexView, SegmentKind, TRAILER_LEN, Trailer, tag_prefix, wire_len};
use crate::{Detail, Error, Offset};

/// Offsets of fields, in bytes from the beginning of a segment.
mod at {
    pub(super) const SEGMENT_INDEX: u64 = 4;
    pub(super) const PLAINTEXT_LEN: u64 = 28;
    pub(super) const SEGMENT_TAG: u64 = 60;
}

/// Step 10 of §15.1 for a range reader: what it may say of a segment without those before it.
impl AuthenticHeader {
    /// Checks that this is a segment of this kind, and the one after `before` segments.
    ///
    /// # Errors
    /// `order.segment_index`.
    pub fn is_segment(&self, kind: SegmentKind, before: u64) -> Result<(), Error> {
        let found = u64::from(self.header().index.0);
        let error = Error::new(Detail::OrderSegmentIndex, self.offset().plus(at::SEGMENT_INDEX));
        match found == before {
            true if self.header().kind == kind => Ok(()),
            true => Err(error.in_segment(before)),
            false => Err(error.in_segment(before).exactly(found, before)),
        }
    }

    /// Checks that this is a final segment, and the one after `before` segments. What is wrong is named by its own segment_index.
    ///
    /// # Errors
    /// `order.segment_index`.
    pub fn is_final(&self, before: u64) -> Result<(), Error> {
        let named = self.header().index.0.into();
        self.is_segment(SegmentKind::Final, before).map_err(|error| error.in_segment(named))
    }

    /// Checks that its plaintext is as long as that of the data segment at this place in a stream with UNIFORM of which `end` plaintext bytes
    /// are known.
    ///
    /// # Errors
    /// `order.uniform`.
    pub fn has_uniform_len(&self, stream: &HeaderV1, place: &SegmentPlace, end: u64) -> Result<(), Error> {
        let expected = end.saturating_sub(place.plaintext_begin).min(stream.segment_size().into());
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
    pub fn is_named(&self, name: &[u8; 16]) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-idx-006
        //# A range reader that uses index segments MUST check that segment_tag of each segment it fetches
        //# begins with the 16 bytes that name it (its entry, or previous for an index segment), and reject it
        //# with `auth.index` otherwise.
        if equal(&tag_prefix(self.header()), name) {
            Ok(())
        } else {
            Err(self.error(Detail::AuthIndex, at::SEGMENT_TAG))
        }
    }
}

/// The final segment, opened where none of the segments before it was.
#[derive(Clone, Copy, Debug)]
pub struct StreamEnd {
    header: AuthenticHeader,
    opened: OpenedSegment,
    trailer: Trailer,
}

impl StreamEnd {
    /// Takes in a final segment that was opened.
    ///
    /// # Errors
    /// `auth.trailer` where the trailer says another position or another plaintext total than can be here; `order.segment_index` for a segment
    /// that is no final one; `misuse` where another segment was opened.
    pub fn new(
        stream: &StreamOpener,
        header: &AuthenticHeader,
        opened: &OpenedSegment,
    ) -> Result<Self, Error> {
        header.is_segment(SegmentKind::Final, header.header().index.0.into())?;
        let bytes: Result<&[u8; TRAILER_LEN as usize], _> = opened.terminator().try_into();
        let trailer = Trailer::from_bytes(bytes.map_err(|_| header.error(Detail::Misuse, 0))?);
        let end = Self { header: *header, opened: *opened, trailer };
        let stream = stream.header();
        let position = header.offset().0.saturating_sub(stream.body_offset().0);
        //= spec/stream-v2.md#sv2-fin-002
        //# A reader MUST reject with `auth.trailer` a final segment whose plaintext total differs from a
        //# plaintext_len of the stream header other than 2^64 - 1.
        let declared = stream.params().plaintext_len.is_none_or(|declared| declared == trailer.plaintext_len);
        let adds_up = !stream.uniform() || end.is_uniform(stream);
        //= spec/stream-v2.md#sv2-fin-006
        //# A range reader MUST reject with `auth.trailer` a final segment that does not begin at the position
        //# in its trailer.
        let in_place = trailer.position == position;
        if declared && in_place && adds_up { Ok(end) } else { Err(end.refused()) }
    }

    /// Whether total, position and segment_index are those of full data segments and a last one (§4).
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

    /// Its header.
    #[must_use]
    pub const fn header(&self) -> &AuthenticHeader {
        &self.header
    }

    /// Its digest and its trailer, for [`Progress`](super::Progress).
    #[must_use]
    pub const fn opened(&self) -> &OpenedSegment {
        &self.opened
    }

    /// What the trailer says.
    #[must_use]
    pub const fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// The run that ends before the final segment.
    #[must_use]
    //= spec/stream-v2.md#sv2-rng-008
    //= type=implication
    //= reason=They are made here, and a reader keeps them beside this final segment.
    //# A reader MUST use the runs that it knows with the final segment by which it found them only.
    pub fn runs(&self) -> Runs {
        Runs::ending_before(self.header.header().index, self.trailer.link)
    }

    /// Where the final segment begins, and the plaintext ends.
    #[must_use]
    pub fn place(&self) -> SegmentPlace {
        SegmentPlace {
            before: self.header.header().index.0.into(),
            offset: self.header.offset(),
            plaintext_begin: self.trailer.plaintext_len,
        }
    }

    /// `auth.trailer`: the segments before the final one are not those that its trailer speaks of.
    #[must_use]
    pub fn refused(&self) -> Error {
        let len = self.opened.terminator().len();
        self.header.error(Detail::AuthTrailer, terminator_at(&self.header, len))
    }

    /// Checks that the final segment is the one after those before `place`.
    ///
    /// # Errors
    /// `order.segment_index`, `auth.trailer`.
    pub fn follows(&self, place: &SegmentPlace) -> Result<(), Error> {
        if place.offset == self.header.offset() {
            self.header.is_final(place.before)?;
        }
        if *place == self.place() { Ok(()) } else { Err(self.refused()) }
    }

    /// The last index segment, where there are any. The transcript stands for its name.
    ///
    /// # Errors
    /// `auth.trailer` for a distance that leads out of the stream.
    pub fn last_index(&self, stream: &HeaderV1) -> Result<Option<NamedIndex>, Error> {
        let SegmentPlace { before, offset, plaintext_begin } = self.place();
        if self.trailer.index_distance == 0 {
            return Ok(None);
        }
        let index = before.checked_sub(1).zip(back(stream, offset, self.trailer.index_distance));
        let (before, offset) = index.ok_or_else(|| self.refused())?;
        Ok(Some(NamedIndex { before, offset, name: None, plaintext_end: plaintext_begin }))
    }

    /// Checks that the transcript in the trailer is the one that ends with this index segment.
    ///
    /// # Errors
    /// `auth.index`.
    pub fn binds(
        &self,
        stream: &StreamOpener,
        index: &AuthenticHeader,
        opened: &OpenedSegment,
    ) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-idx-007
        //# A range reader that uses index segments MUST check that HMAC(K_chain, T_(i-1) || LE32(i) || D_i),
        //# where i is the segment_index of the last index segment and T_(i-1) the first 32 bytes of its
        //# terminator, equals the transcript in the trailer, and reject the index segment with `auth.index`
        //# otherwise.
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

/// Where `distance` bytes before `offset` is, if that is in the body.
fn back(stream: &HeaderV1, offset: Offset, distance: u64) -> Option<Offset> {
    offset.0.checked_sub(distance).map(Offset).filter(|&begin| begin >= stream.body_offset())
}

/// An index segment that something after it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedIndex {
    /// How many segments are before it.
    pub before: u64,
    /// Where it begins.
    pub offset: Offset,
    /// The first 16 bytes of its tag; of the last one the transcript says more ([`StreamEnd::binds`]).
    pub name: Option<[u8; 16]>,
    /// Plaintext bytes up to it.
    pub plaintext_end: u64,
}

/// A data segment as an index segment describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoveredSegment {
    /// Where it begins.
    pub place: SegmentPlace,
    end: CoveredEnd,
}

/// Where a covered segment ends, and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CoveredEnd {
    plaintext_end: u64,
    end: Offset,
    name: [u8; 16],
}

/// The data segments that one index segment covers. 32 bytes for each.
#[derive(Clone, Debug)]
pub struct Covered {
    header: AuthenticHeader,
    first: SegmentPlace,
    ends: Vec<CoveredEnd>,
    previous: Option<NamedIndex>,
}

impl Covered {
    /// Takes in an index segment that was opened, with its payload. `plaintext_end` is the number of plaintext bytes up to it.
    ///
    /// # Errors
    /// `malformed.index` where what it says cannot stand before it.
    pub fn new(
        stream: &StreamOpener,
        header: &AuthenticHeader,
        payload: &[u8],
        plaintext_end: u64,
    ) -> Result<Self, Error> {
        let view = IndexView::parse(payload, header.payload_offset())?;
        Self::of(stream.header(), header, &view, plaintext_end).ok_or_else(|| malformed(header))
    }

    fn of(
        stream: &HeaderV1,
        header: &AuthenticHeader,
        view: &IndexView<'_>,
        plaintext_end: u64,
    ) -> Option<Self> {
        let segment_len = |wire_len: u32| SEGMENT_HEADER_LEN as u64 + u64::from(wire_len);
        let len = view.entries().map(|entry| segment_len(entry.wire_len)).sum();
        let plaintext_len = view.entries().map(|entry| u64::from(entry.plaintext_len)).sum();
        let first = SegmentPlace {
            before: u64::from(header.header().index.0).checked_sub(view.entries().count() as u64)?,
            offset: back(stream, header.offset(), len)?,
            plaintext_begin: plaintext_end.checked_sub(plaintext_len)?,
        };
        let previous = match view.distance() {
            0 if first != SegmentPlace::first(stream) || *view.previous() != [0; 16] => return None,
            0 => None,
            distance => Some(NamedIndex {
                before: first.before.checked_sub(1)?,
                offset: back(stream, header.offset(), distance).filter(|&offset| offset < first.offset)?,
                name: Some(*view.previous()),
                plaintext_end: first.plaintext_begin,
            }),
        };
        let (mut plaintext_end, mut end) = (first.plaintext_begin, first.offset);
        let ends = view.entries().map(|entry| {
            plaintext_end += u64::from(entry.plaintext_len);
            end = end.plus(segment_len(entry.wire_len));
            CoveredEnd { plaintext_end, end, name: entry.tag_prefix }
        });
        Some(Self { header: *header, first, ends: ends.collect(), previous })
    }

    /// The index segment before this one.
    #[must_use]
    pub const fn previous(&self) -> Option<&NamedIndex> {
        self.previous.as_ref()
    }

    /// Plaintext bytes before the first segment that is covered.
    #[must_use]
    pub const fn plaintext_begin(&self) -> u64 {
        self.first.plaintext_begin
    }

    /// The segment that holds byte `target` of the plaintext, if it is covered here.
    #[must_use]
    pub fn segment(&self, target: u64) -> Option<CoveredSegment> {
        let place = self.ends.partition_point(|covered| covered.plaintext_end <= target);
        let end = *self.ends.get(place).filter(|_| target >= self.first.plaintext_begin)?;
        let (offset, plaintext_begin) = match place.checked_sub(1).and_then(|before| self.ends.get(before)) {
            Some(before) => (before.end, before.plaintext_end),
            None => (self.first.offset, self.first.plaintext_begin),
        };
        let place = SegmentPlace { before: self.first.before + place as u64, offset, plaintext_begin };
        Some(CoveredSegment { place, end })
    }

    /// Checks that `header`, which was read at the place of `segment`, is what the index segment says.
    ///
    /// # Errors
    /// `order.segment_index`, `auth.index`; `malformed.index` where the lengths are others.
    pub fn describes(&self, segment: &CoveredSegment, header: &AuthenticHeader) -> Result<(), Error> {
        header.is_segment(SegmentKind::Data, segment.place.before)?;
        header.is_named(&segment.end.name)?;
        let next = segment.place.after(header);
        let described = (next.offset, next.plaintext_begin) == (segment.end.end, segment.end.plaintext_end);
        if described { Ok(()) } else { Err(malformed(&self.header)) }
    }
}

fn malformed(index: &AuthenticHeader) -> Error {
    index.error(Detail::MalformedIndex, index.payload_offset().0 - index.offset().0)
}
