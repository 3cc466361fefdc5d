//! §15.5: the range reader.

mod arithmetic;
mod by_index;
mod headers;
mod in_order;
mod sealed;

use super::segment::{Header, Place};
use super::{Bug, Refusal};
use arithmetic::Arithmetic;
use by_index::ByIndex;
use headers::Headers;
use in_order::InOrder;
use sealed::Sealed;

/// A requested data segment.
#[derive(Clone, Copy)]
struct Wanted {
    place: Place,
    /// The offset of its first plaintext byte.
    begins: u64,
}

/// The way in which segments are found.
enum Way {
    Arithmetic(Arithmetic),
    Headers(Headers),
    Index(ByIndex),
}

/// An opened stream, and the reported error if there was one.
pub(super) struct RangeReader<'a> {
    stream: Sealed<'a>,
    way: Way,
    in_order: InOrder,
    refusal: Option<Refusal>,
}

impl<'a> RangeReader<'a> {
    /// Performs steps 1 and 2 of the procedure.
    pub(super) fn open(
        bug: Bug<'a>,
        input: &'a [u8],
        content_key: Option<&[u8; 32]>,
        context: &[u8],
        runs_max: Option<u64>,
    ) -> Result<Self, Refusal> {
        let stream = Sealed::open(bug, input, content_key, context, runs_max)?;
        let way = match (stream.head.uniform, stream.distance) {
            (true, _) => Way::Arithmetic(Arithmetic::new(&stream)),
            (false, 0) => Way::Headers(Headers::default()),
            (false, _) => Way::Index(ByIndex::new(&stream)),
        };
        Ok(Self { stream, way, in_order: InOrder::default(), refusal: None })
    }

    /// Returns the name of the way.
    pub(super) fn by(&self) -> &'static str {
        match self.way {
            Way::Arithmetic(_) => "arithmetic",
            Way::Headers(_) => "headers",
            Way::Index(_) => "index",
        }
    }

    pub(super) fn plaintext_len(&self) -> u64 {
        self.stream.total
    }

    /// Returns the released bytes of a range, and the error.
    pub(super) fn read(&mut self, offset: u64, len: u64) -> (Vec<u8>, Option<Refusal>) {
        let mut released = Vec::new();
        if let Some(refusal) =
            self.refusal.clone().filter(|_| !self.stream.bug.is("reads-on-after-its-error"))
        {
            return (released, Some(refusal));
        }
        let total = self.stream.total;
        if offset.saturating_add(len) > total && self.stream.bug.is("SV2-RNG-011") {
            let refusal = Refusal { error: "truncated", offset: None, segment: None };
            return (released, Some(refusal));
        }
        let (begin, end) = (offset.min(total), offset.saturating_add(len).min(total));
        let found = if begin < end { self.range(begin, end, &mut released) } else { Ok(()) };
        self.refusal = found.err();
        (released, self.refusal.clone())
    }

    fn range(&mut self, begin: u64, end: u64, released: &mut Vec<u8>) -> Result<(), Refusal> {
        let stream = &mut self.stream;
        let wanted = match &mut self.way {
            Way::Arithmetic(way) => way.wanted(stream, begin, end)?,
            Way::Headers(way) => way.wanted(stream, begin, end)?,
            Way::Index(way) => way.wanted(stream, begin, end)?,
        };
        for Wanted { place, begins } in wanted {
            let header = stream.header_at(place)?;
            is_data(&header, place)?;
            match &self.way {
                Way::Arithmetic(way) => way.check(stream, &header, place)?,
                Way::Headers(way) => way.check(stream, &header, place)?,
                Way::Index(way) => way.check(stream, &header, place)?,
            }
            let opened = stream.open_segment(&header, place)?;
            self.in_order.follow(stream, &header, place, &opened)?;
            let from = place_in(begin.saturating_sub(begins), opened.payload.len());
            let to = place_in(end - begins, opened.payload.len());
            released.extend_from_slice(&opened.payload[from..to]);
        }
        Ok(())
    }
}

/// Checks the kind, in place of SV2-ORD-001.
fn is_data(header: &Header, place: Place) -> Result<(), Refusal> {
    let right = header.is_data() && header.index == place.segment as u64;
    if right { Ok(()) } else { Err(place.at("order.segment_index", 4)) }
}

fn place_in(at: u64, len: usize) -> usize {
    usize::try_from(at).unwrap_or(len).min(len)
}
