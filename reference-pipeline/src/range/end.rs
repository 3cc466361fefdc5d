//! The end of a stream: its final segment, or, on request, the end of its committed prefix.

use stream_v2_format::crypto::{SegmentPlace, StreamEnd};
use stream_v2_format::wire::SegmentKind;
use stream_v2_format::{self as format, Offset};

use super::segments::Segments;
use super::walk::Walk;
use crate::error::{Error, Stage};
use crate::source::ReadAt;

/// The end of the plaintext.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// The final segment was verified.
    Sealed(StreamEnd),
    /// There is no final segment. Whole segments end here, and a salvage reports this error
    /// (SV2-SAL-002).
    Unsealed(SegmentPlace, format::Error),
}

impl End {
    /// Finds the end.
    ///
    /// An unsealed stream has one only if it is to be salvaged. In that case this also returns the
    /// walk that has passed all of it, if the walk began at segment 0.
    pub(super) fn find<S: ReadAt>(
        segments: &mut Segments<S>,
        salvage: bool,
    ) -> Result<(Self, Option<Walk>), Error> {
        if let Some((header, opened)) = segments.final_segment()? {
            let end = StreamEnd::new(segments.stream(), &header, &opened).map_err(fault)?;
            return Ok((Self::Sealed(end), None));
        }
        let (walk, error) = walk(segments, salvage)?;
        //= spec/stream-v2.md#sv2-sal-001
        //# A reader MUST NOT treat an unsealed stream as readable unless its caller has asked for
        //# that stream to be salvaged.
        if !salvage {
            return Err(fault(error));
        }
        let walked = !segments.stream().header().uniform();
        Ok((Self::Unsealed(*walk.place(), error.salvaged()), Some(walk).filter(|_| walked)))
    }

    /// Returns the place where the plaintext ends.
    pub(super) fn place(&self) -> SegmentPlace {
        match self {
            Self::Sealed(end) => end.place(),
            Self::Unsealed(place, _) => *place,
        }
    }
}

/// Walks over the headers of a stream without a final segment at its end, up to the first fault.
///
/// That is `truncated`, before the segment that is not whole, or an error of another kind. With
/// UNIFORM the walk begins with the last full segment. Links are read if the stream is to be
/// salvaged.
//= spec/stream-v2.md#sv2-rng-010
//# Where the last 256 bytes of the body do not begin with an authentic header of a final segment, a
//# range reader MUST report what stands there instead: `truncated` where the input ends inside a
//# segment or after one that is not final, `trailing` where a final segment ends before the input
//# does, and otherwise the error of the first header that fails steps 1 to 10.
fn walk<S: ReadAt>(segments: &mut Segments<S>, salvage: bool) -> Result<(Walk, format::Error), Error> {
    let stream = segments.stream().header();
    let end = Offset(segments.len());
    let begin = if stream.uniform() { last_full(segments)? } else { SegmentPlace::first(stream) };
    let mut walk = if begin.before == 0 { Walk::from_first(begin) } else { Walk::at(begin) };
    let mut ended = false;
    loop {
        let SegmentPlace { before, offset, .. } = *walk.place();
        if ended && offset < end {
            return Err(fault(format::Error::trailing(offset, before)));
        }
        let truncated = format::Error::truncated(end, Some(before));
        if offset >= end {
            return Ok((walk, truncated));
        }
        let step = match walk.look(segments, |header| header.check_kind(header.header().kind, before)) {
            Err(error) if error.kind() == Some(format::ErrorKind::Truncated) => {
                return Ok((walk, truncated));
            }
            step => step?,
        };
        if walk.place().after(&step.header).offset > end {
            return Ok((walk, truncated));
        }
        if salvage {
            walk.link(segments, &step)?;
        }
        ended = step.header.header().kind == SegmentKind::Final;
        walk.pass(step);
    }
}

/// Finds the last segment of a stream with UNIFORM that is in its place, from a few of them.
///
/// One look is enough if less than a segment follows it. Otherwise this bisects.
fn last_full<S: ReadAt>(segments: &Segments<S>) -> Result<SegmentPlace, Error> {
    let stream = segments.stream().header();
    let is_there = |before| {
        let place = SegmentPlace::uniform(stream, before);
        let there =
            segments.header(&place).map(|header| header.check_kind(SegmentKind::Data, before).is_ok());
        there.or_else(|error| if error.kind().is_some() { Ok(false) } else { Err(error) })
    };
    let (mut first, mut last) = (0, SegmentPlace::uniform_at(stream, Offset(segments.len())).before);
    let mut next = last.saturating_sub(1);
    while first < last {
        if is_there(next)? {
            first = next;
            if next + 1 >= last {
                break;
            }
        } else {
            last = next.saturating_sub(1);
        }
        next = first + (last - first).div_ceil(2);
    }
    Ok(SegmentPlace::uniform(stream, first))
}

pub(super) fn fault(error: format::Error) -> Error {
    Error::format(Stage::Source, error)
}
