//! Walks over a stream without a key: checks structure and checksums, never authenticity (§15.6).

use std::io::{self, Read, Seek, SeekFrom};

use stream_v2_format::crypto::SegmentOrder;
use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use stream_v2_format::wire::{
    FrameLayout, Frames, HeaderV1, Parsed, SegmentHeader, SegmentHeaderView, check_segment, crc32c,
};
use stream_v2_format::{self as format, Offset};

use crate::error::{Error, Stage};
use crate::io::{read_own_header, read_stream_header, read_untorn, source_error};
use crate::source::blocking::fill;

/// Sets how much of each segment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkDepth {
    /// Headers only: the wires are skipped, and only their presence is checked.
    Headers,
    /// Headers and wires: every checksum and every frame header is checked.
    Wires,
}

/// One segment as it is in the stream. Nothing about it is authentic.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WalkedSegment {
    /// Offset of the segment, in bytes from the start of the stream.
    pub offset: Offset,
    /// Its header.
    pub header: SegmentHeader,
    /// Number of runs that begin before the one that its header names.
    pub run: u64,
}

/// Moves a source forward by so many bytes, or to its end, which some sources know. Returns the
/// number of bytes.
type Skip<R> = fn(&mut R, u64, u64) -> io::Result<u64>;

/// Walks over the segments of a stream in order. After an error it yields nothing more.
pub struct KeylessWalk<R> {
    source: R,
    depth: WalkDepth,
    end: u64,
    skip: Skip<R>,
    header: HeaderV1,
    envelope_bytes: Vec<u8>,
    order: SegmentOrder,
    runs: u64,
    wire: Vec<u8>,
    /// The error that ended the walk, which is reported forever (SV2-REL-003).
    fault: Option<format::Error>,
}

impl<R: Read + Seek> KeylessWalk<R> {
    /// Reads the stream header and its envelope, and skips wires by seeking.
    ///
    /// # Errors
    ///
    /// - the errors of [`read_stream_header`].
    pub fn seeking(source: R) -> Result<Self, Error> {
        Self::seeking_with(source, None)
    }

    /// Does the same as [`seeking`](Self::seeking), perhaps with a detached envelope of the stream
    /// (§12.4). The stream's own one is not checked then.
    ///
    /// # Errors
    ///
    /// - the errors of [`read_stream_header`], or those of [`read_own_header`].
    /// - `key.detached_envelope` if the detached envelope is that of another stream.
    pub fn seeking_with(mut source: R, detached: Option<&DetachedEnvelope>) -> Result<Self, Error> {
        let begin = source.stream_position().map_err(source_error(None))?;
        let end = end_of(&mut source).map_err(source_error(None))?;
        let read = read_untorn(|| {
            source.seek(SeekFrom::Start(begin)).map_err(source_error(None))?;
            read_header(&mut source, detached)
        })?;
        Ok(Self::begin(source, read, WalkDepth::Headers, end, skip_by_seeking))
    }
}

impl<R: Read> KeylessWalk<R> {
    /// Reads the stream header and its envelope, and reads wires at every depth.
    ///
    /// # Errors
    ///
    /// - the errors of [`read_stream_header`].
    pub fn reading(source: R, depth: WalkDepth) -> Result<Self, Error> {
        Self::reading_with(source, depth, None)
    }

    /// Does the same as [`reading`](Self::reading), perhaps with a detached envelope of the stream.
    ///
    /// # Errors
    ///
    /// - the errors of [`seeking_with`](KeylessWalk::seeking_with).
    pub fn reading_with(
        mut source: R,
        depth: WalkDepth,
        detached: Option<&DetachedEnvelope>,
    ) -> Result<Self, Error> {
        let read = read_header(&mut source, detached)?;
        Ok(Self::begin(source, read, depth, u64::MAX, skip_by_reading))
    }

    fn begin(source: R, read: (HeaderV1, Vec<u8>), depth: WalkDepth, end: u64, skip: Skip<R>) -> Self {
        let (header, envelope_bytes) = read;
        Self {
            source,
            depth,
            end,
            skip,
            header,
            envelope_bytes,
            order: SegmentOrder::new(&header),
            runs: 0,
            wire: Vec::new(),
            fault: None,
        }
    }

    /// Returns the stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        &self.header
    }

    /// Returns the envelope and its CRC, or nothing if there is none.
    #[must_use]
    pub fn envelope_bytes(&self) -> &[u8] {
        &self.envelope_bytes
    }

    /// Returns the number of segments that were walked over.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.order.segments()
    }

    /// Returns the number of runs that have begun in them, by their headers.
    ///
    /// The order of runs is in links, and links are sealed.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns the next segment, or `None` after the final segment and at the end of the input.
    ///
    /// # Errors
    ///
    /// - the errors of steps 1 to 8, 10 to 13 and 18 of §15.1.
    /// - `io.source` if a read fails.
    pub fn next_segment(&mut self) -> Result<Option<WalkedSegment>, Error> {
        //= spec/stream-v2.md#sv2-rel-003
        //# A reader that has reported an error MUST report the same error ever after and release
        //# nothing more.
        if let Some(fault) = self.fault {
            return Err(Error::format(Stage::Source, fault));
        }
        let next = self.walk_on();
        self.fault = next.as_ref().err().and_then(Error::format_error).copied();
        next
    }

    fn walk_on(&mut self) -> Result<Option<WalkedSegment>, Error> {
        let (offset, before) = (self.order.offset(), self.order.segments());
        let fault = |error| Error::format(Stage::Source, error);
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let wanted = if self.order.ended() { 1 } else { SEGMENT_HEADER_LEN };
        let filled = fill(&mut self.source, &mut bytes[..wanted]).map_err(source_error(Some(before)))?;
        if self.order.ended() && filled > 0 {
            return Err(fault(format::Error::trailing(offset, before)));
        }
        if filled == 0 {
            return self.order.end_of_input(offset).map(|()| None).map_err(fault);
        }
        let header = match SegmentHeaderView::parse(&bytes[..filled], offset, before).map_err(fault)? {
            Parsed::Complete(view, _) => view.header(),
            Parsed::NeedMore(_) => {
                return Err(fault(format::Error::truncated(offset.plus(filled as u64), Some(before))));
            }
        };
        check_segment(&self.header, &header, offset, before).map_err(fault)?;
        self.order.admit(&header, offset).map_err(fault)?;
        self.pass_wire(&header, offset, before)?;
        self.runs += u64::from(header.flags.run_start());
        Ok(Some(WalkedSegment { offset, header, run: self.runs.saturating_sub(1) }))
    }

    /// Reads or skips the wire of a segment.
    fn pass_wire(&mut self, header: &SegmentHeader, offset: Offset, before: u64) -> Result<(), Error> {
        let io_error = source_error(Some(before));
        let fault = |error: format::Error| Error::format(Stage::Source, error);
        let wire_offset = offset.plus(SEGMENT_HEADER_LEN as u64);
        // Bounded by the stream header's segment_size: check_segment derives wire_len from it.
        let len = header.wire_len as usize;
        let present = match self.depth {
            WalkDepth::Wires => {
                self.wire.resize(len, 0);
                fill(&mut self.source, &mut self.wire).map_err(io_error)? as u64
            }
            WalkDepth::Headers => (self.skip)(&mut self.source, len as u64, self.end).map_err(io_error)?,
        };
        if present < len as u64 {
            return Err(fault(format::Error::truncated(wire_offset.plus(present), Some(before))));
        }
        if self.depth == WalkDepth::Wires {
            if crc32c(&self.wire) != header.wire_crc32c {
                return Err(fault(format::Error::wire_crc(offset, before)));
            }
            Frames::check(&self.wire, FrameLayout::new(&self.header, header), offset, before)
                .map_err(fault)?;
        }
        Ok(())
    }
}

/// Reads a stream header and its envelope, which is checked unless there is a detached one.
fn read_header(
    source: &mut impl Read,
    detached: Option<&DetachedEnvelope>,
) -> Result<(HeaderV1, Vec<u8>), Error> {
    let Some(detached) = detached else { return read_stream_header(source) };
    let read = read_own_header(source)?;
    detached.check_stream(&read.0).map_err(|error| Error::format(Stage::Source, error))?;
    Ok(read)
}

/// Returns the end of the source, in bytes from its beginning. A file that grows is read up to this
/// end.
fn end_of(source: &mut impl Seek) -> io::Result<u64> {
    let here = source.stream_position()?;
    let end = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(here))?;
    Ok(end)
}

fn skip_by_seeking<R: Seek>(source: &mut R, len: u64, end: u64) -> io::Result<u64> {
    let here = source.stream_position()?;
    let target = here.saturating_add(len).min(end);
    source.seek(SeekFrom::Start(target))?;
    Ok(target.saturating_sub(here))
}

fn skip_by_reading<R: Read>(source: &mut R, len: u64, _: u64) -> io::Result<u64> {
    io::copy(&mut source.take(len), &mut io::sink())
}
