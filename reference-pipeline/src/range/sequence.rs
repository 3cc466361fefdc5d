//! The sequential checks of a range reader, for segments that it opens in order from the first on.

use stream_v2_format::crypto::{
    AuthenticHeader, OpenedSegment, Progress, SegmentOrder, SegmentPlace, StreamOpener,
};

use super::end::{End, fault};
use crate::error::{Error, Stage};

/// Follows the segments that are opened one after the other.
///
/// A segment that is opened out of turn, or again, changes nothing.
pub(super) struct Sequence {
    order: SegmentOrder,
    progress: Progress,
}

impl Sequence {
    pub(super) fn new(stream: &StreamOpener) -> Self {
        Self { order: SegmentOrder::new(stream.header()), progress: Progress::of_reader(stream) }
    }

    /// Admits the segment at `place` before its wire is fetched, if it is its turn: step 10 of
    /// §15.1.
    pub(super) fn admit(&mut self, place: &SegmentPlace, header: &AuthenticHeader) -> Result<(), Error> {
        // It may have been admitted already, if its wire could not be read then.
        if place.before != self.progress.segments() || place.before != self.order.segments() {
            return Ok(());
        }
        self.order.admit(header.header(), header.offset()).map_err(fault)
    }

    /// Takes in an opened data segment, if it is its turn: step 16.
    ///
    /// If it is the last one, the final segment follows, which was opened before.
    pub(super) fn opened(
        &mut self,
        place: &SegmentPlace,
        header: &AuthenticHeader,
        opened: &OpenedSegment,
        end: &End,
    ) -> Result<(), Error> {
        if place.before != self.progress.segments() {
            return Ok(());
        }
        self.progress.opened(header, opened, &[]).map_err(out_of_step)?;
        self.end(end)
    }

    /// Checks the final segment, if all segments before it were seen.
    pub(super) fn end(&mut self, end: &End) -> Result<(), Error> {
        let End::Sealed(sealed) = end else { return Ok(()) };
        if self.progress.ended() || self.order.offset() != sealed.place().offset {
            return Ok(());
        }
        self.order.admit(sealed.header().header(), sealed.header().offset()).map_err(fault)?;
        self.progress.opened(sealed.header(), sealed.opened(), &[]).map_err(out_of_step)
    }
}

fn out_of_step(error: stream_v2_format::Error) -> Error {
    Error::format(Stage::Writer, error)
}
