//! Finds the segment that holds a byte of the plaintext: by arithmetic, by index segments, or by
//! walking over headers.

use bytes::BytesMut;
use stream_v2_format as format;
use stream_v2_format::crypto::{AuthenticHeader, IndexRef, RunMap, SegmentPlace, StreamEnd, VerifiedIndex};
use stream_v2_format::wire::SegmentKind;

use super::RangeBy;
use super::end::{End, fault};
use super::marks::Marks;
use super::segments::Segments;
use super::walk::Walk;
use crate::error::Error;
use crate::source::ReadAt;

/// A data segment whose header was authenticated, and its place.
pub(super) type Located = (SegmentPlace, AuthenticHeader);

/// Finds segments, and remembers those that it has seen on the way.
pub(super) enum Locator {
    /// All data segments but the last are full (§4). The known runs are those of a sealed stream.
    Arithmetic(Option<RunMap>),
    /// From the final segment backwards.
    Index(Box<ByIndex>),
    /// From the beginning forwards.
    Headers(Box<ByHeaders>),
}

impl Locator {
    /// Returns the locator that this stream allows. `walk` has passed all of an unsealed stream.
    pub(super) fn new<S: ReadAt>(
        segments: &Segments<S>,
        end: &End,
        walk: Option<Walk>,
    ) -> Result<Self, Error> {
        let stream = segments.stream().header();
        let sealed = match end {
            End::Sealed(sealed) => Some(sealed),
            End::Unsealed(..) => None,
        };
        let runs = sealed.map(StreamEnd::runs);
        if stream.uniform() {
            return Ok(Self::Arithmetic(runs));
        }
        let last_index = sealed.map_or(Ok(None), |sealed| sealed.last_index(stream)).map_err(fault)?;
        Ok(match last_index {
            Some(last) => Self::Index(Box::new(ByIndex::new(last))),
            None => {
                let walk = walk.unwrap_or(Walk::from_first(SegmentPlace::first(stream)));
                Self::Headers(Box::new(ByHeaders { walk, ends_with: runs }))
            }
        })
    }

    pub(super) const fn by(&self) -> RangeBy {
        match self {
            Self::Arithmetic(_) => RangeBy::Arithmetic,
            Self::Index(_) => RangeBy::Index,
            Self::Headers(_) => RangeBy::Headers,
        }
    }

    /// Finds the data segment that holds byte `target`, which must be before the end of the
    /// plaintext.
    //= spec/stream-v2.md#sv2-rng-004
    //# A range reader MUST NOT release a byte of a sealed stream before the final segment and,
    //# except by index, the run that holds the segment are verified.
    pub(super) fn locate<S: ReadAt>(
        &mut self,
        segments: &mut Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<Located, Error> {
        match self {
            Self::Arithmetic(runs) => by_arithmetic(runs.as_mut(), segments, end, target),
            Self::Index(index) => index.locate(segments, end, target),
            Self::Headers(headers) => headers.locate(segments, end, target),
        }
    }
}

fn by_arithmetic<S: ReadAt>(
    mut runs: Option<&mut RunMap>,
    segments: &mut Segments<S>,
    end: &End,
    target: u64,
) -> Result<Located, Error> {
    let stream = *segments.stream().header();
    let place = SegmentPlace::uniform(&stream, target / u64::from(stream.segment_size()));
    if let Some(runs) = &mut runs {
        follow_links(runs, segments, end, place.before)?;
    }
    let header = uniform_header(runs.as_deref(), segments, end, &place)?;
    Ok((place, header))
}

/// Follows links from the last known run backwards, to the run that holds segment `wanted`.
fn follow_links<S: ReadAt>(
    runs: &mut RunMap,
    segments: &mut Segments<S>,
    end: &End,
    wanted: u64,
) -> Result<(), Error> {
    let stream = *segments.stream().header();
    // This ends: the first segment of each run is before that of the run after it (SV2-DIG-007).
    while let Some(first) = runs.unknown_before().filter(|first| u64::from(first.0) > wanted) {
        let place = SegmentPlace::uniform(&stream, first.0.into());
        segments.may_follow(&place)?;
        let header = uniform_header(Some(runs), segments, end, &place)?;
        let link = segments.link(&header)?;
        runs.add(link);
    }
    Ok(())
}

/// Fetches the header of a data segment in its place in a stream with UNIFORM: steps 1 to 10.
fn uniform_header<S: ReadAt>(
    runs: Option<&RunMap>,
    segments: &Segments<S>,
    end: &End,
    place: &SegmentPlace,
) -> Result<AuthenticHeader, Error> {
    let header = segments.header(place)?;
    header
        .check_kind(SegmentKind::Data, place.before)
        .and_then(|()| runs.map_or(Ok(()), |runs| runs.check(&header)))
        .and_then(|()| {
            header.check_uniform_len(
                segments.stream().header(),
                place.plaintext_begin,
                end.place().plaintext_begin,
            )
        })
        .map_err(fault)?;
    Ok(header)
}

/// Walks over headers, from segment 0 or from the end of the last walk.
pub(super) struct ByHeaders {
    walk: Walk,
    /// The run that ends before the final segment.
    ends_with: Option<RunMap>,
}

impl ByHeaders {
    fn locate<S: ReadAt>(
        &mut self,
        segments: &mut Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<Located, Error> {
        let begun = self.ends_with.as_ref().and_then(RunMap::unknown_before);
        let begun = begun.map_or(0, |first| u64::from(first.0));
        loop {
            let place = *self.walk.place();
            let passed = target < place.plaintext_begin;
            if passed && place.before > begun {
                return self.again(segments, end, target);
            }
            let header = self.step(segments, end)?;
            let holds = !passed && target < self.walk.place().plaintext_begin;
            if holds && place.before >= begun {
                return Ok((place, header));
            }
        }
    }

    /// Passes one more segment.
    fn step<S: ReadAt>(&mut self, segments: &mut Segments<S>, end: &End) -> Result<AuthenticHeader, Error> {
        let place = *self.walk.place();
        if let End::Sealed(sealed) = end
            && place.offset >= sealed.place().offset
        {
            // All headers were seen, but the plaintext continues.
            return Err(fault(sealed.check_place(&place).err().unwrap_or(sealed.mismatch())));
        }
        let step = self.walk.look(segments, |header| {
            is_passed(end, header, place.before)?;
            let known = |runs: &&RunMap| runs.holding(header.header().index).is_some();
            self.ends_with.as_ref().filter(known).map_or(Ok(()), |runs| runs.check(header))
        })?;
        self.walk.link(segments, &step)?;
        let header = step.header;
        if let End::Sealed(sealed) = end {
            let (next, last) = (place.after(&header), sealed.place());
            if next.offset >= last.offset || next.plaintext_begin >= last.plaintext_begin {
                // The plaintext ends here, and all headers were seen.
                sealed.check_place(&next).map_err(fault)?;
            }
        }
        self.walk.pass(step);
        Ok(header)
    }

    /// Reads passed headers again, up to the segment that holds byte `target`.
    ///
    /// Storage may have changed in between.
    fn again<S: ReadAt>(&self, segments: &Segments<S>, end: &End, target: u64) -> Result<Located, Error> {
        let first = SegmentPlace::first(segments.stream().header());
        let mut place = self.walk.nearest(target).unwrap_or(first);
        // This ends: no run of a segment that was not passed is known.
        loop {
            let header = segments.header(&place)?;
            is_passed(end, &header, place.before)
                .and_then(|()| self.walk.check_again(&header))
                .map_err(fault)?;
            let next = place.after(&header);
            if target < next.plaintext_begin {
                return Ok((place, header));
            }
            place = next;
        }
    }
}

/// Checks that this is a segment for a walk to pass, the one after `before` others.
fn is_passed(end: &End, header: &AuthenticHeader, before: u64) -> Result<(), format::Error> {
    let kind = match (end, header.header().kind) {
        // A stream that has no end yet may have index segments.
        (End::Unsealed(..), SegmentKind::Index) => SegmentKind::Index,
        _ => SegmentKind::Data,
    };
    header.check_kind(kind, before)
}

/// Follows index segments from the last one backwards.
pub(super) struct ByIndex {
    last: IndexRef,
    /// The index segments that were found, from the last one backwards.
    found: Marks<IndexRef>,
    /// The index segment that was opened last: how many follow it, and its entries.
    opened: Option<(u64, VerifiedIndex)>,
}

impl ByIndex {
    const fn new(last: IndexRef) -> Self {
        Self { last, found: Marks::new(), opened: None }
    }

    fn locate<S: ReadAt>(
        &mut self,
        segments: &mut Segments<S>,
        end: &End,
        target: u64,
    ) -> Result<Located, Error> {
        // This ends: each opened index segment is the one before the previous, and the first begins
        // where the plaintext does (`VerifiedIndex::new`).
        loop {
            if let Some((_, covered)) = &self.opened
                && let Some(segment) = covered.segment(target)
            {
                let header = segments.header(&segment.place)?;
                covered.check_segment(&segment, &header).map_err(fault)?;
                return Ok((segment.place, header));
            }
            self.open_before(segments, end, target)?;
        }
    }

    /// Opens an index segment that covers `target`, or is nearer to it than any opened before.
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
        header.check_kind(SegmentKind::Index, place.before).map_err(fault)?;
        if let Some(name) = &named.name {
            header.check_tag_prefix(name).map_err(fault)?;
        }
        let mut payload = BytesMut::new();
        self.opened = None;
        let opened = segments.open(&header, &mut payload)?;
        if let (None, End::Sealed(end)) = (named.name, end) {
            end.check_last_index(segments.stream(), &header, &opened).map_err(fault)?;
        }
        let covered =
            VerifiedIndex::new(segments.stream(), &header, &payload, named.plaintext_end).map_err(fault)?;
        self.found.pass(number, named);
        self.opened = Some((number, covered));
        Ok(())
    }

    /// Returns the index segment from which to search for `target`, and how many follow it.
    fn nearest(&self, target: u64) -> (u64, IndexRef) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Managers;
    use crate::pipeline::{DecryptPipeline, EncryptPipeline};
    use crate::sink::WriterSink;
    use crate::source::ReadAt;
    use std::cell::Cell;
    use std::io;
    use stream_v2_format::crypto::ContentKey;

    const SEGMENTS: u32 = 100;

    /// Counts reads.
    struct Counting(Vec<u8>, Cell<u64>);

    impl ReadAt for Counting {
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.set(self.1.get() + 1);
            self.0.read_at(offset, buffer)
        }

        fn stream_len(&self) -> io::Result<u64> {
            self.0.stream_len()
        }
    }

    #[test]
    fn a_walk_goes_on_from_places_that_are_few() {
        let key = ContentKey::new([1; 32]);
        let mut pipeline = EncryptPipeline::new(&key);
        pipeline.set_uniform(false);
        (pipeline.params.frame_size_log2, pipeline.params.segment_size) = (12, 4096);
        let mut stream = Vec::new();
        let plaintext = vec![7; SEGMENTS as usize * 4096];
        pipeline.run(&plaintext[..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
        let opener = DecryptPipeline::new(&key).open_stream(&mut &stream[..]).unwrap();
        let source = Counting(stream, Cell::new(0));
        let len = source.stream_len().unwrap();
        let mut segments = Segments::new(&source, opener, len, u32::MAX);
        let (end, _) = End::find(&mut segments, false).unwrap();
        let walk = Walk::from_first(SegmentPlace::first(segments.stream().header()));
        let walk = walk.marking(Marks::fewer_than(8));
        let mut locator = Locator::new(&segments, &end, Some(walk)).unwrap();
        // Forwards, one header is read for each. After that, of a hundred places, at least four are
        // known, evenly spaced.
        for (numbers, most) in [
            ((0..SEGMENTS).collect::<Vec<_>>(), 1),
            ((0..SEGMENTS).rev().collect(), 32),
            (vec![0, 99, 50, 1], 32),
        ] {
            for number in numbers.into_iter().map(u64::from) {
                source.1.set(0);
                let (place, header) = locator.locate(&mut segments, &end, number * 4096 + 5).unwrap();
                assert_eq!((place.before, place.plaintext_begin), (number, number * 4096));
                assert_eq!(u64::from(header.header().index.0), number);
                assert!(source.1.get() <= most, "{number}: {}", source.1.get());
            }
        }
    }
}
