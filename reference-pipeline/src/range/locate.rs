//! Which segment holds a byte of the plaintext: by arithmetic, by index segments, or by walking over headers.

use bytes::BytesMut;
use stream_v2_format::crypto::{AuthenticHeader, Covered, NamedIndex, SegmentPlace};
use stream_v2_format::wire::SegmentKind;

use super::RangeBy;
use super::end::{End, fault};
use super::marks::Marks;
use super::segments::Segments;
use crate::{Error, ReadAt};

/// A data segment whose header was authenticated, and where it stands.
pub(super) type Located = (SegmentPlace, AuthenticHeader);

/// Finds segments, and remembers what it has seen on the way.
pub(super) enum Locator {
    /// All data segments but the last are full (§4).
    Arithmetic,
    /// From the final segment backwards.
    Index(Box<ByIndex>),
    /// From the beginning forwards.
    Headers(ByHeaders),
}

impl Locator {
    /// The way that this stream allows. `passed` holds what was walked over already.
    pub(super) fn new<S: ReadAt>(
        segments: &Segments<S>,
        end: &End,
        passed: Marks<SegmentPlace>,
    ) -> Result<Self, Error> {
        let stream = segments.stream().header();
        let last_index = match end {
            _ if stream.uniform() => return Ok(Self::Arithmetic),
            End::Sealed(end) => end.last_index(stream).map_err(fault)?,
            End::Unsealed(..) => None,
        };
        let reached = SegmentPlace::first(stream);
        Ok(match last_index {
            Some(last) => Self::Index(Box::new(ByIndex::new(last))),
            None => Self::Headers(ByHeaders { passed, reached }),
        })
    }

    pub(super) const fn by(&self) -> RangeBy {
        match self {
            Self::Arithmetic => RangeBy::Arithmetic,
            Self::Index(_) => RangeBy::Index,
            Self::Headers(_) => RangeBy::Headers,
        }
    }

    /// The data segment that holds byte `target`, which is before the end of the plaintext.
    pub(super) fn locate<S: ReadAt>(
        &mut self,
        segments: &mut Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<Located, Error> {
        match self {
            Self::Arithmetic => by_arithmetic(segments, end, target),
            Self::Index(index) => index.locate(segments, end, target),
            Self::Headers(headers) => headers.locate(segments, end, target),
        }
    }
}

fn by_arithmetic<S: ReadAt>(segments: &Segments<S>, end: &End, target: u64) -> Result<Located, Error> {
    let stream = segments.stream().header();
    let place = SegmentPlace::uniform(stream, target / u64::from(stream.segment_size()));
    let header = segments.header(&place)?;
    header
        .is_segment(SegmentKind::Data, place.before)
        .and_then(|()| header.has_uniform_len(stream, &place, end.place().plaintext_begin))
        .map_err(fault)?;
    Ok((place, header))
}

/// Walks over headers, from the last segment that is known to begin before the one that is looked for.
pub(super) struct ByHeaders {
    /// Segments that were passed, from the first one on.
    passed: Marks<SegmentPlace>,
    /// Where the last walk ended.
    reached: SegmentPlace,
}

impl ByHeaders {
    fn locate<S: ReadAt>(
        &mut self,
        segments: &Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<Located, Error> {
        let mut place = self.nearest(segments, target);
        loop {
            self.passed.pass(place.before, place);
            if let End::Sealed(sealed) = end {
                // All segments were seen, and they hold less than the trailer says.
                if place.offset >= sealed.place().offset {
                    return Err(fault(sealed.refused()));
                }
            }
            let header = segments.header(&place)?;
            let kind = match (end, header.header().kind) {
                // A stream that has no end yet may have index segments.
                (End::Unsealed(..), SegmentKind::Index) => SegmentKind::Index,
                _ => SegmentKind::Data,
            };
            header.is_segment(kind, place.before).map_err(fault)?;
            self.reached = place.after(&header);
            if target < self.reached.plaintext_begin {
                return Ok((place, header));
            }
            place = self.reached;
        }
    }

    /// The segment from which to look for `target`.
    fn nearest<S: ReadAt>(&self, segments: &Segments<S>, target: u64) -> SegmentPlace {
        let passed = self.passed.last(|place| place.plaintext_begin <= target).map(|(_, place)| *place);
        let passed = passed.unwrap_or(SegmentPlace::first(segments.stream().header()));
        let goes_on = self.reached.plaintext_begin <= target && self.reached.before > passed.before;
        if goes_on { self.reached } else { passed }
    }
}

/// Follows index segments from the last one backwards.
pub(super) struct ByIndex {
    last: NamedIndex,
    /// Those that were found, from the last one on backwards.
    found: Marks<NamedIndex>,
    /// The one that was opened last, how many follow it, and what it covers.
    opened: Option<(u64, Covered)>,
}

impl ByIndex {
    const fn new(last: NamedIndex) -> Self {
        Self { last, found: Marks::new(), opened: None }
    }

    fn locate<S: ReadAt>(
        &mut self,
        segments: &mut Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<Located, Error> {
        loop {
            if let Some((_, covered)) = &self.opened
                && let Some(segment) = covered.segment(target)
            {
                let header = segments.header(&segment.place)?;
                covered.describes(&segment, &header).map_err(fault)?;
                return Ok((segment.place, header));
            }
            self.open_before(segments, end, target)?;
        }
    }

    /// Opens an index segment that covers `target`, or is nearer to it than any that was opened before.
    fn open_before<S: ReadAt>(
        &mut self,
        segments: &mut Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<(), Error> {
        let (number, named) = self.nearest(target);
        let place =
            SegmentPlace { before: named.before, offset: named.offset, plaintext_begin: named.plaintext_end };
        let header = segments.header(&place)?;
        header.is_segment(SegmentKind::Index, place.before).map_err(fault)?;
        if let Some(name) = &named.name {
            header.is_named(name).map_err(fault)?;
        }
        let mut payload = BytesMut::new();
        self.opened = None;
        let opened = segments.open(&header, &mut payload)?;
        if let (None, End::Sealed(end)) = (named.name, end) {
            end.binds(segments.stream(), &header, &opened).map_err(fault)?;
        }
        let covered =
            Covered::new(segments.stream(), &header, &payload, named.plaintext_end).map_err(fault)?;
        self.found.pass(number, named);
        self.opened = Some((number, covered));
        Ok(())
    }

    /// The index segment from which to look for `target`, and how many follow it.
    fn nearest(&self, target: u64) -> (u64, NamedIndex) {
        if let Some((number, covered)) = &self.opened
            && let Some(previous) = covered.previous().filter(|previous| target < previous.plaintext_end)
        {
            return (number + 1, *previous);
        }
        match self.found.last(|named| target < named.plaintext_end) {
            Some((number, named)) => (number, *named),
            None => (0, self.last),
        }
    }
}
