//! §11, §15.5 What an index segment says of the data segments before it, for a range reader.

use alloc::vec::Vec;

use super::{AuthenticHeader, SegmentPlace, StreamOpener};
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{HeaderV1, IndexView, SegmentKind};
use crate::{Detail, Error, Offset};

/// An index segment that something after it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexRef {
    /// How many segments are before it.
    pub before: u64,
    /// Where it begins.
    pub offset: Offset,
    /// The first 16 bytes of its tag; of the last one the transcript says more
    /// ([`StreamEnd::check_last_index`](super::StreamEnd::check_last_index)).
    pub name: Option<[u8; 16]>,
    /// Plaintext bytes up to it.
    pub plaintext_end: u64,
}

/// A data segment as an index segment describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexedSegment {
    /// Where it begins.
    pub place: SegmentPlace,
    end: SegmentEnd,
}

/// Where a covered segment ends, and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SegmentEnd {
    plaintext_end: u64,
    end: Offset,
    name: [u8; 16],
}

/// The data segments that one index segment covers. 32 bytes for each.
#[derive(Clone, Debug)]
pub struct VerifiedIndex {
    header: AuthenticHeader,
    first: SegmentPlace,
    ends: Vec<SegmentEnd>,
    previous: Option<IndexRef>,
}

impl VerifiedIndex {
    /// Takes in an index segment that was opened, with its payload. `plaintext_end` is the number
    /// of plaintext bytes up to it.
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
            offset: offset_before(stream, header.offset(), len)?,
            plaintext_begin: plaintext_end.checked_sub(plaintext_len)?,
        };
        let previous = match view.distance() {
            0 if first != SegmentPlace::first(stream) || *view.previous() != [0; 16] => return None,
            0 => None,
            distance => Some(IndexRef {
                before: first.before.checked_sub(1)?,
                offset: offset_before(stream, header.offset(), distance)
                    .filter(|&offset| offset < first.offset)?,
                name: Some(*view.previous()),
                plaintext_end: first.plaintext_begin,
            }),
        };
        let (mut plaintext_end, mut end) = (first.plaintext_begin, first.offset);
        let ends = view.entries().map(|entry| {
            plaintext_end += u64::from(entry.plaintext_len);
            end = end.plus(segment_len(entry.wire_len));
            SegmentEnd { plaintext_end, end, name: entry.tag_prefix }
        });
        Some(Self { header: *header, first, ends: ends.collect(), previous })
    }

    /// The index segment before this one.
    #[must_use]
    pub const fn previous(&self) -> Option<&IndexRef> {
        self.previous.as_ref()
    }

    /// Plaintext bytes before the first segment that is covered.
    #[must_use]
    pub const fn plaintext_begin(&self) -> u64 {
        self.first.plaintext_begin
    }

    /// The segment that holds byte `target` of the plaintext, if it is covered here.
    #[must_use]
    pub fn segment(&self, target: u64) -> Option<IndexedSegment> {
        let place = self.ends.partition_point(|covered| covered.plaintext_end <= target);
        let end = *self.ends.get(place).filter(|_| target >= self.first.plaintext_begin)?;
        let (offset, plaintext_begin) = match place.checked_sub(1).and_then(|before| self.ends.get(before)) {
            Some(before) => (before.end, before.plaintext_end),
            None => (self.first.offset, self.first.plaintext_begin),
        };
        let place = SegmentPlace { before: self.first.before + place as u64, offset, plaintext_begin };
        Some(IndexedSegment { place, end })
    }

    /// Checks that `header`, which was read at the place of `segment`, is what the index segment
    /// says.
    ///
    /// # Errors
    /// `order.segment_index`, `auth.index`; `malformed.index` where the lengths are others.
    pub fn check_segment(&self, segment: &IndexedSegment, header: &AuthenticHeader) -> Result<(), Error> {
        header.check_kind(SegmentKind::Data, segment.place.before)?;
        header.check_tag_prefix(&segment.end.name)?;
        let next = segment.place.after(header);
        let described = (next.offset, next.plaintext_begin) == (segment.end.end, segment.end.plaintext_end);
        if described { Ok(()) } else { Err(malformed(&self.header)) }
    }
}

fn malformed(index: &AuthenticHeader) -> Error {
    index.error(Detail::MalformedIndex, index.payload_offset().0 - index.offset().0)
}

/// Where `distance` bytes before `offset` is, if that is in the body.
pub(super) fn offset_before(stream: &HeaderV1, offset: Offset, distance: u64) -> Option<Offset> {
    offset.0.checked_sub(distance).map(Offset).filter(|&begin| begin >= stream.body_offset())
}
