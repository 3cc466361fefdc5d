//! The headers of the segments before a commit, which determine the next index segment (§11, §19.2,
//! §19.4).
//!
//! A segment_tag proves that some run of this stream has sealed a header, but not that the header
//! is of this history. Links prove that: each run names the one before it, and the last commit
//! names the last run (SV2-IDX-011).

use stream_v2_format::crypto::{AuthenticHeader, PendingIndex, SegmentOpener, SegmentOrder, StreamOpener};
use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use stream_v2_format::wire::{JournalRecord, RunLink, SegmentKind};
use stream_v2_format::{self as format, Offset};

use crate::error::{Error, Stage};
use crate::io::read_segment_header;

/// The segments before the one that a commit names, in a stream that can have index segments.
pub(crate) struct HeadersBefore<'s> {
    stream: &'s StreamOpener,
    opener: SegmentOpener,
    order: SegmentOrder,
    /// The last data segment among them.
    pub(crate) last_data: Option<AuthenticHeader>,
}

impl<'s> HeadersBefore<'s> {
    /// Begins before segment 0. In a stream with UNIFORM there are no index segments, and nothing
    /// is read.
    pub(crate) fn of(stream: &'s StreamOpener) -> Option<Self> {
        let (order, opener) = (SegmentOrder::new(stream.header()), SegmentOpener::new(stream));
        (!stream.header().uniform()).then_some(Self { stream, opener, order, last_data: None })
    }

    /// Follows the headers of all segments before the one that `commit` names, and the links of
    /// those in which a run begins.
    ///
    /// `read` fills a buffer from an offset, with so many segments before it, and returns the
    /// number of bytes. `fault` makes the error of a segment at an offset, with so many before it.
    ///
    /// Returns `Ok(false)` for a commit that names no segment of this stream.
    pub(crate) fn walk(
        &mut self,
        commit: &JournalRecord,
        mut read: impl FnMut(Offset, u64, &mut [u8]) -> Result<usize, Error>,
        fault: impl Fn(Error, Offset, u64) -> Error,
    ) -> Result<bool, Error> {
        let end = self.stream.header().body_offset().plus(commit.position);
        while self.order.offset().0 < end.0 && !self.order.ended() {
            let (offset, before) = (self.order.offset(), self.order.segments());
            let fault = |error| fault(error, offset, before);
            let mut bytes = [0; SEGMENT_HEADER_LEN];
            let filled = read(offset, before, &mut bytes).map_err(fault)?;
            let header = read_segment_header(&mut &bytes[..filled], self.stream, offset, before);
            let header = header.map_err(fault)?;
            let (continues, (at, mut frame)) = (*self.order.link(), self.link_frame(&header));
            self.follow(&header).map_err(fault)?;
            if self.order.offset().0 > end.0 {
                return Ok(false);
            }
            let filled = read(at, before, &mut frame).map_err(fault)?;
            if filled < frame.len() {
                let end = format::Error::truncated(at.plus(filled as u64), Some(before));
                return Err(fault(Error::format(Stage::Source, end)));
            }
            self.check_link(&header, &continues, &frame).map_err(fault)?;
        }
        Ok((self.order.offset(), self.order.segments()) == (end, commit.index.0.into()))
    }

    /// Takes in the segment of the commit, whose wire ends with these bytes.
    pub(crate) fn admit(&mut self, header: &AuthenticHeader, wire: &[u8]) -> Result<(), Error> {
        let (continues, (_, frame)) = (*self.order.link(), self.link_frame(header));
        self.follow(header)?;
        self.check_link(header, &continues, &wire[wire.len().saturating_sub(frame.len())..])
    }

    fn follow(&mut self, header: &AuthenticHeader) -> Result<(), Error> {
        let admitted = self.order.admit(header.header(), header.offset());
        admitted.map_err(|error| Error::format(Stage::Source, error))?;
        if header.header().kind == SegmentKind::Data {
            self.last_data = Some(*header);
        }
        Ok(())
    }

    /// Checks that a terminator frame names the run that its segment continues, if there is a frame
    /// to be checked.
    fn check_link(
        &mut self,
        header: &AuthenticHeader,
        continues: &RunLink,
        frame: &[u8],
    ) -> Result<(), Error> {
        if frame.is_empty() {
            return Ok(());
        }
        let link = self.opener.open_link(header, frame);
        link.and_then(|link| header.check_link(continues, &link))
            .map_err(|error| Error::format(Stage::Source, error))
    }

    /// Returns the offset of the terminator frame, and room for it, if a segment begins a run after
    /// others.
    fn link_frame(&self, header: &AuthenticHeader) -> (Offset, Vec<u8>) {
        let is_link = header.header().flags.run_start() && self.order.segments() > 0;
        let len = if is_link { self.opener.terminator_len(header) } else { 0 };
        let end = header.offset().0 + header.header().segment_len();
        (Offset(end - len as u64), vec![0; len])
    }

    /// Returns the input of the next index segment, if these runs lead to the last one, which a
    /// commit names.
    pub(crate) fn leading_to(&self, run: &RunLink) -> Option<PendingIndex> {
        //= spec/stream-v2.md#sv2-idx-011
        //# A writer of index segments that resumes MUST take entries, previous and distance only
        //# from headers whose run_salt is that of the run that holds their segment_index, by the
        //# links from the last committed segment backwards.
        (self.order.link() == run).then(|| self.order.pending_index().clone())
    }
}
