//! The segments of a stream, fetched and opened one by one, in any order.

use bytes::BytesMut;
use stream_v2_format::crypto::{AuthenticHeader, OpenedSegment, SegmentOpener, SegmentPlace, StreamOpener};
use stream_v2_format::limits::{FINAL_SEGMENT_LEN, SEGMENT_HEADER_LEN};
use stream_v2_format::wire::{Parsed, RunLink, SegmentKind};
use stream_v2_format::{self as format, Detail, Offset};

use super::end::fault;
use crate::error::Error;
use crate::io::{read_segment_header, read_wire, source_error};
use crate::segment::unpacker::Unpacker;
use crate::source::ReadAt;
use crate::source::blocking::fill;
use crate::source::read_at::ReadFrom;

/// A stored stream, with everything that is needed to open a segment of it.
pub(super) struct Segments<S> {
    source: S,
    stream: StreamOpener,
    opener: SegmentOpener,
    unpacker: Unpacker,
    /// Bytes of the stream when it was opened.
    len: u64,
    /// The number of links that were followed, and its limit.
    links: (u32, u32),
    wire: BytesMut,
}

impl<S: ReadAt> Segments<S> {
    pub(super) fn new(source: S, stream: StreamOpener, len: u64, links_max: u32) -> Self {
        let opener = SegmentOpener::new(&stream).keeping_epochs();
        let unpacker = Unpacker::new(&stream);
        Self { source, stream, opener, unpacker, len, links: (0, links_max), wire: BytesMut::new() }
    }

    pub(super) const fn stream(&self) -> &StreamOpener {
        &self.stream
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Fetches and authenticates the header of the segment at `place`: steps 1 to 9 of §15.1.
    pub(super) fn header(&self, place: &SegmentPlace) -> Result<AuthenticHeader, Error> {
        let mut source = ReadFrom::new(&self.source, place.offset);
        read_segment_header(&mut source, &self.stream, place.offset, place.before)
    }

    /// Checks that one more link may be followed: that in the segment at `place`.
    pub(super) fn may_follow(&self, place: &SegmentPlace) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-rng-009
        //# A reader MAY refuse with `limit.policy` a chain of links that is longer than a limit
        //# that its caller has set.
        let (followed, most) = self.links;
        if followed < most { Ok(()) } else { Err(fault(place.too_many_links(most))) }
    }

    /// Fetches and opens the terminator frame of the segment with this header, and returns its
    /// link.
    ///
    /// A run must begin in that segment.
    pub(super) fn link(&mut self, header: &AuthenticHeader) -> Result<RunLink, Error> {
        let before = Some(header.header().index.0.into());
        let mut frame = vec![0; self.opener.terminator_len(header)];
        let at = header.offset().plus(header.header().segment_len() - frame.len() as u64);
        let filled = fill(&mut ReadFrom::new(&self.source, at), &mut frame).map_err(source_error(before))?;
        if filled < frame.len() {
            return Err(fault(format::Error::truncated(at.plus(filled as u64), before)));
        }
        let link = self.opener.open_link(header, &frame).map_err(Error::worker)?;
        self.links.0 += 1;
        Ok(link)
    }

    /// Fetches and opens the segment with this header into `contents`: steps 11 to 16.
    ///
    /// They are the entries of an index segment. Those of a data segment have to be unpacked.
    pub(super) fn open(
        &mut self,
        header: &AuthenticHeader,
        contents: &mut BytesMut,
    ) -> Result<OpenedSegment, Error> {
        let mut source = ReadFrom::new(&self.source, header.offset().plus(SEGMENT_HEADER_LEN as u64));
        let before = u64::from(header.header().index.0);
        let wire = read_wire(&mut source, header, before, std::mem::take(&mut self.wire))?;
        let opened = self.opener.open(header, &wire, self.unpacker.payload(header, contents));
        self.wire = wire.try_into_mut().unwrap_or_default();
        opened.map_err(Error::worker)
    }

    /// Completes the plaintext of the segment that was opened into `contents`: step 17.
    pub(super) fn unpack(&mut self, header: &AuthenticHeader, contents: &mut BytesMut) -> Result<(), Error> {
        self.unpacker.unpack(header, contents).map_err(Error::worker)
    }

    /// Fetches the final segment from the end of the stream, and opens it. Returns `None` if there
    /// is none.
    ///
    /// It is fetched in one piece, because it is always 256 bytes long (§9).
    pub(super) fn final_segment(&mut self) -> Result<Option<(AuthenticHeader, OpenedSegment)>, Error> {
        let (body, len) = (self.stream.header().body_offset(), FINAL_SEGMENT_LEN as u64);
        let Some(offset) = self.len.checked_sub(len).map(Offset).filter(|&offset| offset >= body) else {
            return Ok(None);
        };
        let mut bytes = [0; FINAL_SEGMENT_LEN];
        let filled =
            fill(&mut ReadFrom::new(&self.source, offset), &mut bytes).map_err(source_error(None))?;
        let (head, wire) = bytes[..filled].split_at(filled.min(SEGMENT_HEADER_LEN));
        // Bytes that are not authentic may be anything. Only a walk finds their meaning, and the
        // number of segments before them.
        let Ok(Parsed::Complete(header, _)) = self.stream.authenticate(head, offset, 0) else {
            return Ok(None);
        };
        if header.header().kind != SegmentKind::Final {
            return Ok(None);
        }
        let stream = self.stream.header();
        if stream.uniform() {
            // The last data segment may be shorter than the others.
            let full = SegmentPlace::uniform_at(stream, offset);
            let before = full.before + u64::from(full.offset < offset);
            header.check_final(before).map_err(fault)?;
        }
        match self.opener.open(&header, wire, &mut []) {
            // The source has become shorter.
            Err(error) if error.detail() == Detail::Misuse => Ok(None),
            opened => opened.map(|opened| Some((header, opened))).map_err(Error::worker),
        }
    }
}
