//! §11, §15.5 The data segments that an index segment describes, for a range reader.

use alloc::vec::Vec;

use super::{AuthenticHeader, SegmentPlace, StreamOpener};
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{HeaderV1, IndexView, SegmentKind};
use crate::{Detail, Error, Offset};

/// An index segment that a later segment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexRef {
    /// The number of segments before it.
    pub before: u64,
    /// The offset of the index segment.
    pub offset: Offset,
    /// The first 16 bytes of its tag, or `None` for the last one.
    ///
    /// The transcript verifies the last one
    /// ([`StreamEnd::check_last_index`](super::StreamEnd::check_last_index)).
    pub name: Option<[u8; 16]>,
    /// Plaintext bytes before it.
    pub plaintext_end: u64,
}

/// A data segment as described by an index segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexedSegment {
    /// The place of the segment.
    pub place: SegmentPlace,
    end: SegmentEnd,
}

/// The end of a covered segment, and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SegmentEnd {
    plaintext_end: u64,
    end: Offset,
    name: [u8; 16],
}

/// The data segments that one index segment covers, 32 bytes for each.
#[derive(Clone, Debug)]
pub struct VerifiedIndex {
    header: AuthenticHeader,
    first: SegmentPlace,
    ends: Vec<SegmentEnd>,
    previous: Option<IndexRef>,
}

impl VerifiedIndex {
    /// Creates it from an opened index segment with its payload.
    ///
    /// `plaintext_end` is the number of plaintext bytes before the index segment.
    ///
    /// # Errors
    ///
    /// - `malformed.index` if its statements are impossible at this place.
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

    /// Returns the previous index segment.
    #[must_use]
    pub const fn previous(&self) -> Option<&IndexRef> {
        self.previous.as_ref()
    }

    /// Returns the plaintext bytes before the first covered segment.
    #[must_use]
    pub const fn plaintext_begin(&self) -> u64 {
        self.first.plaintext_begin
    }

    /// Returns the segment that holds byte `target` of the plaintext, if it is covered.
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

    /// Checks that `header` is as the index segment describes it.
    ///
    /// It was read at the place of `segment`.
    ///
    /// # Errors
    ///
    /// - `order.segment_index` if another segment is there.
    /// - `auth.index` if its tag is another one.
    /// - `malformed.index` if its lengths differ.
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

/// Returns the offset `distance` bytes before `offset`, if that is in the body.
pub(super) fn offset_before(stream: &HeaderV1, offset: Offset, distance: u64) -> Option<Offset> {
    offset.0.checked_sub(distance).map(Offset).filter(|&begin| begin >= stream.body_offset())
}
