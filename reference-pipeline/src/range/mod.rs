//! Random access to the plaintext: only the segments that cover a range are fetched (§15.5).
//!
//! The end of the stream is read first (`end.rs`). Segments are then found in one of three ways
//! (`locate.rs`), and each is checked against the end or its index segment before it is opened.

mod end;
mod locate;
mod marks;
mod plaintext;
mod segments;
mod sequence;
mod walk;

use std::io::Write;
use std::ops::Range;

use bytes::BytesMut;
use stream_v2_format::crypto::{AuthenticHeader, SegmentPlace, StreamOpener};
use stream_v2_format::wire::HeaderV1;
use stream_v2_format::{self as format, Offset};

use crate::engine::Shutdown;
use crate::error::{Error, Stage};
use crate::io::{read_untorn, source_error};
use crate::pipeline::DecryptPipeline;
use crate::sink::sink_fault;
use crate::source::ReadAt;
use crate::source::read_at::ReadFrom;

use end::End;
use locate::Locator;
use segments::Segments;
use sequence::Sequence;

pub use plaintext::PlaintextReader;

/// The way in which a range reader finds the segments of a range (§15.5).
///
/// It determines the guarantee beyond the authenticity of each segment.
///
/// In every way a sealed stream is read with the guarantee of a sequential reader. Each byte is at
/// its place in the history that ends with the final segment at the end of the input. A stream that
/// was cut off is refused when it is opened, unless it is to be salvaged.
///
/// The ways differ in how much is read on the way, and in the basis of the guarantee. With index
/// segments that is the transcript. Otherwise it is links, each of which names the run of the
/// segment before.
///
/// Segments that are read one after the other, from the first one on, are checked as by a
/// sequential reader. Up to the end, that includes the transcript and all of the trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeBy {
    /// By arithmetic, in a stream with UNIFORM: each segment header is read at its computed place.
    ///
    /// Links are followed from the final segment to the run that holds the range. That takes 172
    /// bytes in two reads for each run after it, and nothing in the last run. In a salvaged stream
    /// each byte is at its place in *some* history. If two runs have sealed a segment of this
    /// number, it is unknown which of them it is from.
    Arithmetic,
    /// By index segments, followed from the final segment backwards.
    ///
    /// The transcript in the trailer binds the last index segment, and index segments name each
    /// other and each data segment.
    Index,
    /// By walking over the segment headers from the first one on, in a stream with neither.
    ///
    /// The walk goes to the range, and to the beginning of the last run. It reads 96 bytes for each
    /// segment on the way, and 76 for each run that begins there. The headers are remembered, so
    /// the next walk begins at the end of the last one. Of more than 65,536 segments only some are
    /// remembered, evenly spaced.
    ///
    /// In a salvaged stream each byte is in a prefix of one history, which a writer may have
    /// abandoned later.
    Headers,
}

/// Reads ranges of the plaintext of a stored stream.
///
/// It fetches only the stream header and its envelope, the final segment, the segments that cover a
/// range, and those that lead to them ([`RangeBy`]).
///
/// It holds one segment, its wire and its plaintext, and at most one index segment, as the
/// authenticated stream header bounds them. It also keeps 20 bytes for each run that it knows.
/// Without UNIFORM it keeps passed places and entries of segments too, up to 65,536 of each.
///
/// Offsets and lengths are in bytes of the plaintext, counted from 0.
///
/// # Examples
///
/// ```
/// use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Managers, WriterSink};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let mut stream = Vec::new();
/// let mut sink = WriterSink::new(&mut stream);
/// EncryptPipeline::new(&key).run(&b"hello, world"[..], &mut sink, Managers::none())?;
///
/// // A file works too, or any other storage with reads at an offset.
/// let mut ranges = DecryptPipeline::new(&key).open_ranges(stream)?;
/// let mut range = Vec::new();
/// ranges.copy_range(7..12, &mut range)?;
/// assert_eq!((ranges.plaintext_len(), &range[..]), (12, &b"world"[..]));
/// # Ok::<(), stream_v2_pipeline::Error>(())
/// ```
pub struct RangeReader<S> {
    segments: Segments<S>,
    end: End,
    locator: Locator,
    sequence: Sequence,
    plaintext: BytesMut,
    /// The place of the plaintext that is held, if there is any.
    held: Option<u64>,
    shutdown: Shutdown,
    /// The fault of the stream, which is reported forever (SV2-REL-003).
    fault: Option<(Stage, format::Error)>,
}

impl DecryptPipeline<'_> {
    /// Opens a stored stream for reading ranges: reads and checks its stream header and its end.
    ///
    /// It uses key, context, [`segment_size_max`](Self::segment_size_max),
    /// [`links_max`](Self::links_max), [`salvage`](Self::salvage) and [`shutdown`](Self::shutdown)
    /// of the pipeline.
    ///
    /// If no final segment is at the end of the stream, its headers are walked over to find the
    /// fault. In a stream with UNIFORM that begins at the last full segment. In a salvage, the part
    /// that is whole by headers and lengths is then the stream (§15.4).
    ///
    /// # Errors
    ///
    /// - the errors of [`open_stream`](Self::open_stream).
    /// - the error of the final segment, or `auth.trailer` if it does not fit the stream.
    /// - `truncated` if there is no final segment.
    /// - `trailing` if bytes follow the final segment.
    /// - `io.source` if a read fails.
    pub fn open_ranges<S: ReadAt>(&self, source: S) -> Result<RangeReader<S>, Error> {
        let stream = read_untorn(|| self.open_stream(&mut ReadFrom::new(&source, Offset(0))))?;
        self.open_ranges_of(stream, source)
    }

    /// Opens a stored stream whose stream header was already read and checked.
    ///
    /// `stream` must be that of `source`.
    ///
    /// # Errors
    ///
    /// - the errors of [`open_ranges`](Self::open_ranges), except for those of the stream header.
    pub fn open_ranges_of<S: ReadAt>(
        &self,
        stream: StreamOpener,
        source: S,
    ) -> Result<RangeReader<S>, Error> {
        let len = source.stream_len().map_err(source_error(None))?;
        let mut segments = Segments::new(source, stream, len, self.links_max);
        //= spec/stream-v2.md#sv2-rng-003
        //= type=implication
        //= reason=Nothing is read by range but with what this returns.
        //# A range reader MUST NOT release plaintext on a length computed from an object's size
        //# before it has verified the final segment.
        let (end, walk) = End::find(&mut segments, self.salvage)?;
        let locator = Locator::new(&segments, &end, walk)?;
        let mut sequence = Sequence::new(segments.stream());
        sequence.end(&end)?;
        let (plaintext, shutdown) = (BytesMut::new(), self.shutdown.clone());
        Ok(RangeReader { segments, end, locator, sequence, plaintext, held: None, shutdown, fault: None })
    }
}

impl<S: ReadAt> RangeReader<S> {
    /// Returns the authenticated stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        self.segments.stream().header()
    }

    /// Returns the bytes of the plaintext.
    ///
    /// That is the total of the final segment, or in a salvage of the whole segments.
    #[must_use]
    pub fn plaintext_len(&self) -> u64 {
        self.end.place().plaintext_begin
    }

    /// Returns the way in which segments are found, which determines the guarantee.
    #[must_use]
    pub const fn by(&self) -> RangeBy {
        self.locator.by()
    }

    /// Returns `truncated.unsealed` in a salvage of a stream without a final segment.
    ///
    /// Callers must report it when they have read everything (SV2-SAL-002).
    #[must_use]
    pub fn unsealed(&self) -> Option<Error> {
        match self.end {
            End::Sealed(_) => None,
            //= spec/stream-v2.md#sv2-sal-002
            //# A reader that salvages MUST release the plaintext of the committed prefix and report
            //# `truncated.unsealed`, never success, where SV2-SEG-001, SV2-SEG-024 or SV2-FIN-004
            //# call for `truncated`.
            End::Unsealed(_, error) => Some(Error::format(Stage::Source, error)),
        }
    }

    /// Reads plaintext from byte `offset` into `buffer`, and returns the number of bytes.
    ///
    /// A read ends at the end of a segment, at the latest.
    ///
    /// 0 is the end of the plaintext, if `buffer` is not empty.
    ///
    /// # Errors
    ///
    /// Errors of the stream are those of §17, with the offset of the segment and the number of
    /// segments before it. They are reported forever: no more of a bad stream is released
    /// (SV2-REL-003).
    ///
    /// - `order.run` if a segment is of another run.
    /// - `order.uniform` if a segment of a stream with UNIFORM has another length than it must
    ///   have.
    /// - `order.transcript` if a run continues another one.
    /// - `limit.policy` if there are too many links.
    /// - `auth.trailer` if the headers end before the plaintext should.
    /// - `auth.index` or `malformed.index` for index segments.
    ///
    /// After two errors the read can be tried again:
    ///
    /// - `io.source` if a read fails.
    /// - an interruption if a shutdown was requested.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let held = if buffer.is_empty() {
            self.unless_bad().map(|()| &[][..])
        } else {
            self.rest_of_segment(offset)
        }?;
        let len = held.len().min(buffer.len());
        buffer[..len].copy_from_slice(&held[..len]);
        Ok(len)
    }

    /// Writes the plaintext of a half-open range of bytes to `sink`, a segment's part at a time.
    ///
    /// Returns the number of bytes. The part of the range beyond the end is left out.
    ///
    /// # Errors
    ///
    /// - the errors of [`read_at`](Self::read_at).
    /// - `io.sink` if `sink` fails.
    ///
    /// Everything written before is verified plaintext.
    pub fn copy_range(&mut self, range: Range<u64>, sink: &mut (impl Write + ?Sized)) -> Result<u64, Error> {
        self.unless_bad()?;
        let mut offset = range.start;
        while offset < range.end {
            let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
            let held = self.rest_of_segment(offset)?;
            let part = &held[..held.len().min(wanted)];
            if part.is_empty() {
                //= spec/stream-v2.md#sv2-rng-011
                //# A range reader MUST give of a range that reaches beyond the end of the plaintext
                //# what is before that end, and report no error for the rest.
                break;
            }
            sink.write_all(part).map_err(|error| sink_fault(None, error))?;
            offset += part.len() as u64;
        }
        Ok(offset - range.start)
    }

    /// Returns the plaintext from byte `offset` to the end of its segment, and nothing beyond the
    /// end.
    fn rest_of_segment(&mut self, offset: u64) -> Result<&[u8], Error> {
        self.unless_bad()?;
        if offset >= self.plaintext_len() {
            return Ok(&[]);
        }
        if self.held_from(offset).is_none() {
            self.held = None;
            let fetched = self.fetch(offset);
            self.fault =
                fetched.as_ref().err().and_then(|error| Some((error.stage(), *error.format_error()?)));
            self.held = Some(fetched?);
        }
        Ok(self.held_from(offset).unwrap_or(&[]))
    }

    fn held_from(&self, offset: u64) -> Option<&[u8]> {
        let before = usize::try_from(offset.checked_sub(self.held?)?).ok()?;
        self.plaintext.get(before..).filter(|rest| !rest.is_empty())
    }

    /// Fetches and opens the segment that holds byte `offset`, and returns the begin of its
    /// plaintext.
    fn fetch(&mut self, offset: u64) -> Result<u64, Error> {
        if self.shutdown.requested() {
            return Err(Error::interrupted(None));
        }
        //= spec/stream-v2.md#sv2-rng-001
        //# A range reader MUST apply steps 1 to 17 of §15.1 to each segment that it opens, in the
        //# form of the table in §15.5: without what compares the segment with the ones before it
        //# (SV2-ORD-002 to SV2-ORD-004, SV2-HDR-018, SV2-DIG-005, SV2-IDX-004, SV2-IDX-005 and,
        //# unless it has seen all segments, SV2-FIN-001).
        let (place, header): (SegmentPlace, AuthenticHeader) =
            self.locator.locate(&mut self.segments, &self.end, offset)?;
        //= spec/stream-v2.md#sv2-fin-001
        //# A sequential reader MUST reject with `auth.trailer` a final segment whose trailer
        //# differs in any field from what the reader has counted and computed.
        // Also here, in case all segments were opened one after the other.
        self.sequence.admit(&place, &header)?;
        let opened = self.segments.open(&header, &mut self.plaintext)?;
        self.sequence.opened(&place, &header, &opened, &self.end)?;
        self.segments.unpack(&header, &mut self.plaintext)?;
        Ok(place.plaintext_begin)
    }

    /// Returns the error that was reported, if there was one.
    fn unless_bad(&self) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-rel-003
        //# A reader that has reported an error MUST report the same error ever after and release
        //# nothing more.
        self.fault.map_or(Ok(()), |(stage, fault)| Err(Error::format(stage, fault)))
    }
}
