//! §15.5 Random access to the plaintext: only the segments that cover a range are fetched.

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
use crate::io::source_error;
use crate::pipeline::DecryptPipeline;
use crate::sink::sink_fault;
use crate::source::ReadAt;
use crate::source::read_at::ReadFrom;

use end::End;
use locate::Locator;
use segments::Segments;
use sequence::Sequence;

pub use plaintext::PlaintextReader;

/// How a range reader finds the segments of a range, and so what it knows of them beyond that each is authentic (§15.5).
///
/// In every way a sealed stream is read with the guarantee of a sequential reader: each byte is at its place in the history that ends with the final segment
/// at the end of the input. A stream that was cut off is refused when it is opened, unless it is to be salvaged. What differs is how much is read on the way,
/// and what the guarantee rests on: by index segments on the transcript, and else on links, each of which names the run of the segment before. As long as
/// segments are read one after the other, from the first one on, they are checked as by a sequential reader; up to the end, with the transcript and all of
/// the trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeBy {
    /// By arithmetic, in a stream with UNIFORM: the segment header is read where it has to be. Links are followed from the final segment to the run that
    /// holds the range: for each run after it, 172 bytes in two reads; in the last run nothing. Of a stream that is salvaged each byte is at its place
    /// in *some* history: where two runs have sealed a segment of this number, nothing tells which of them it is from.
    Arithmetic,
    /// By index segments, followed from the final segment backwards: the transcript in the trailer binds the last index segment, and index segments name
    /// each other and each data segment.
    Index,
    /// By walking over the segment headers from the first one on, in a stream with neither: to the range, and to the beginning of the last run. 96 bytes are
    /// read for each segment on the way, and 76 for each run that begins there. They are remembered: walking on begins where the last walk ended. Of more than
    /// 65,536 segments only some are, evenly. Of a stream that is salvaged each byte is in a prefix of one history, which a writer may have given up later.
    Headers,
}

/// Reads ranges of the plaintext of a stored stream. It fetches the stream header and its envelope, the final segment, the segments that cover a
/// range, and what leads to them ([`RangeBy`]); nothing else.
///
/// It holds one segment, its wire and its plaintext, and at most one index segment, as the authenticated stream header bounds them. Beside these it keeps
/// 20 bytes for each run that it knows, and places that it has passed and entries of segments, up to 65,536 of each; in a stream with UNIFORM neither.
///
/// ```
/// use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Managers, WriterSink};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let mut stream = Vec::new();
/// EncryptPipeline::new(&key).run(&b"hello, world"[..], &mut WriterSink::new(&mut stream), Managers::none())?;
///
/// let mut ranges = DecryptPipeline::new(&key).open_ranges(stream)?; // or a file, or whatever can be read at an offset
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
    /// Where the plaintext that is held begins, if any is.
    held: Option<u64>,
    shutdown: Shutdown,
    /// What the stream was found to be: it is reported ever after (SV2-REL-003).
    fault: Option<(Stage, format::Error)>,
}

impl DecryptPipeline<'_> {
    /// Opens a stored stream for reading ranges: reads and checks its stream header, and its end.
    ///
    /// Of the pipeline key, context, [`segment_size_max`](Self::segment_size_max), [`links_max`](Self::links_max), [`salvage`](Self::salvage) and
    /// [`shutdown`](Self::shutdown) count. A stream at the end of which no final segment stands is walked over by its headers to say why, in a stream with
    /// UNIFORM from the last full one on; in a salvage what is whole then, as far as headers and lengths tell, is the stream (§15.4).
    ///
    /// # Errors
    /// As [`open_stream`](Self::open_stream); the error of the final segment, `auth.trailer` where it does not fit the stream; `truncated` for a stream
    /// without one, `trailing` where something follows it; `io.source`.
    pub fn open_ranges<S: ReadAt>(&self, source: S) -> Result<RangeReader<S>, Error> {
        let stream = self.open_stream(&mut ReadFrom::new(&source, Offset(0)))?;
        self.open_ranges_of(stream, source)
    }

    /// Does the same for a stored stream whose stream header was read and checked: `stream` must be of `source`.
    ///
    /// # Errors
    /// As [`open_ranges`](Self::open_ranges), but for those of the stream header.
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
        //# A range reader MUST NOT release plaintext on a length computed from an object's size before it has
        //# verified the final segment.
        let (end, walk) = End::find(&mut segments, self.salvage)?;
        let locator = Locator::new(&segments, &end, walk)?;
        let mut sequence = Sequence::new(segments.stream());
        sequence.end(&end)?;
        let (plaintext, shutdown) = (BytesMut::new(), self.shutdown.clone());
        Ok(RangeReader { segments, end, locator, sequence, plaintext, held: None, shutdown, fault: None })
    }
}

impl<S: ReadAt> RangeReader<S> {
    /// The authenticated stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        self.segments.stream().header()
    }

    /// Bytes of the plaintext: what the final segment says; in a salvage what the whole segments hold.
    #[must_use]
    pub fn plaintext_len(&self) -> u64 {
        self.end.place().plaintext_begin
    }

    /// How segments are found, and so what is known of them.
    #[must_use]
    pub const fn by(&self) -> RangeBy {
        self.locator.by()
    }

    /// `truncated.unsealed` in a salvage of a stream that has no final segment: what is to be reported when all has been read (SV2-SAL-002).
    #[must_use]
    pub fn unsealed(&self) -> Option<Error> {
        match self.end {
            End::Sealed(_) => None,
            //= spec/stream-v2.md#sv2-sal-002
            //# A reader that salvages MUST release the plaintext of the committed prefix and report
            //# `truncated.unsealed`, never success, where SV2-SEG-001, SV2-SEG-024 or SV2-FIN-004 call for
            //# `truncated`.
            End::Unsealed(_, error) => Some(Error::format(Stage::Source, error)),
        }
    }

    /// Reads plaintext from byte `offset` on into `buffer`, up to the end of a segment; returns how many bytes. 0 is the end of the plaintext, where
    /// `buffer` is not empty.
    ///
    /// # Errors
    /// The error of the segment, as in §17, with its offset and the number of segments before it; `order.run` for one of another run, `order.uniform` in a stream with UNIFORM for one that is not as long as
    /// it has to be, `order.transcript` where a run continues another one, `limit.policy` for too many links, `auth.trailer` where the headers end before the plaintext should, `auth.index` and `malformed.index` by index segments. It is reported ever after:
    /// nothing more of a stream that was found to be bad is released (SV2-REL-003). `io.source`, and an interruption after a shutdown was requested: both can be tried again.
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

    /// Writes the plaintext of a half-open range of bytes to `sink`, a segment's part at a time; returns how many bytes. What of the range is beyond the end is left out.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); what `sink` reports, as `io.sink`. What was written before is plaintext that was verified.
    pub fn copy_range(&mut self, range: Range<u64>, sink: &mut (impl Write + ?Sized)) -> Result<u64, Error> {
        self.unless_bad()?;
        let mut offset = range.start;
        while offset < range.end {
            let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
            let held = self.rest_of_segment(offset)?;
            let part = &held[..held.len().min(wanted)];
            if part.is_empty() {
                //= spec/stream-v2.md#sv2-rng-011
                //# A range reader MUST give of a range that reaches beyond the end of the plaintext what is before
                //# that end, and report no error for the rest.
                break;
            }
            sink.write_all(part).map_err(|error| sink_fault(None, error))?;
            offset += part.len() as u64;
        }
        Ok(offset - range.start)
    }

    /// The plaintext from byte `offset` to the end of its segment; nothing beyond the end.
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

    /// Fetches and opens the segment that holds byte `offset`; returns where its plaintext begins.
    fn fetch(&mut self, offset: u64) -> Result<u64, Error> {
        if self.shutdown.requested() {
            return Err(Error::interrupted(None));
        }
        //= spec/stream-v2.md#sv2-rng-001
        //# A range reader MUST apply steps 1 to 17 of §15.1 to each segment that it opens, in the form of the
        //# table in §15.5: without what compares the segment with the ones before it (SV2-ORD-002 to
        //# SV2-ORD-004, SV2-HDR-018, SV2-DIG-005, SV2-IDX-004, SV2-IDX-005 and, unless it has seen all
        //# segments, SV2-FIN-001).
        let (place, header): (SegmentPlace, AuthenticHeader) =
            self.locator.locate(&mut self.segments, &self.end, offset)?;
        //= spec/stream-v2.md#sv2-fin-001
        //# A sequential reader MUST reject with `auth.trailer` a final segment whose trailer differs in
        //# any field from what the reader has counted and computed.
        // Also here, where all segments were opened one after the other.
        self.sequence.admit(&place, &header)?;
        let opened = self.segments.open(&header, &mut self.plaintext)?;
        self.sequence.opened(&place, &header, &opened, &self.plaintext, &self.end)?;
        Ok(place.plaintext_begin)
    }

    /// The error that was reported, if one was.
    fn unless_bad(&self) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-rel-003
        //# A reader that has reported an error MUST report the same error ever after and release nothing
        //# more.
        self.fault.map_or(Ok(()), |(stage, fault)| Err(Error::format(stage, fault)))
    }
}
