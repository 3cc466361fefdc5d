//! Where a stream ends: at its final segment, or, on request, after its committed prefix.

use stream_v2_format::crypto::{SegmentPlace, StreamEnd};
use stream_v2_format::wire::SegmentKind;
use stream_v2_format::{self as format, Offset};

use super::marks::Marks;
use super::segments::Segments;
use crate::{Error, ReadAt, Stage};

/// How the plaintext ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// The final segment was verified.
    Sealed(StreamEnd),
    /// There is none: whole segments end here, and this is what a salvage reports (SV2-SAL-002).
    Unsealed(SegmentPlace, format::Error),
}

impl End {
    /// Finds the end. An unsealed stream has one only where it is to be salvaged; `passed` then holds the segments that were walked over.
    pub(super) fn find<S: ReadAt>(
        segments: &mut Segments<S>,
        salvage: bool,
        passed: &mut Marks<SegmentPlace>,
    ) -> Result<Self, Error> {
        if let Some((header, opened)) = segments.final_segment()? {
            return StreamEnd::new(segments.stream(), &header, &opened).map(Self::Sealed).map_err(fault);
        }
        let (place, error) = walk(segments, passed)?;
        //= spec/stream-v2.md#sv2-sal-001
        //# A reader MUST NOT treat an unsealed stream as readable unless its caller has asked for that stream
        //# to be salvaged.
        if salvage { Ok(Self::Unsealed(place, error.salvaged())) } else { Err(fault(error)) }
    }

    /// Where the plaintext ends.
    pub(super) fn place(&self) -> SegmentPlace {
        match self {
            Self::Sealed(end) => end.place(),
            Self::Unsealed(place, _) => *place,
        }
    }
}

/// Walks over the headers of a stream at the end of which no final segment stands, up to what is wrong: `truncated`, with the place after the last
/// whole segment, or an error of another kind. With UNIFORM it begins with the last segments.
fn walk<S: ReadAt>(
    segments: &Segments<S>,
    passed: &mut Marks<SegmentPlace>,
) -> Result<(SegmentPlace, format::Error), Error> {
    let stream = segments.stream().header();
    let end = Offset(segments.len());
    let mut place = SegmentPlace::first(stream);
    if stream.uniform() {
        let last = SegmentPlace::uniform_at(stream, end);
        place = SegmentPlace::uniform(stream, last.before.saturating_sub(1));
    }
    let mut ended = false;
    loop {
        passed.pass(place.before, place);
        if ended && place.offset < end {
            return Err(fault(format::Error::trailing(place.offset, place.before)));
        }
        let truncated = format::Error::truncated(end, Some(place.before));
        if place.offset >= end {
            return Ok((place, truncated));
        }
        let header = match segments.header(&place) {
            Err(error) if error.kind() == Some(format::ErrorKind::Truncated) => {
                return Ok((place, truncated));
            }
            header => header?,
        };
        let kind = header.header().kind;
        header.is_segment(kind, place.before).map_err(fault)?;
        let next = place.after(&header);
        if next.offset > end {
            return Ok((place, truncated));
        }
        ended = kind == SegmentKind::Final;
        place = next;
    }
}

pub(super) fn fault(error: format::Error) -> Error {
    Error::format(Stage::Source, error)
}
