//! Recovery: finds the committed part of an unsealed stream (§19). It changes nothing.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::{Bytes, BytesMut};
use stream_v2_format::crypto::{
    AuthenticHeader, Committed, OpenedSegment, PendingIndex, Progress, SegmentOpener, SegmentOrder,
    StreamOpener,
};
use stream_v2_format::limits::{DURABLE_BYTES_MAX, SEGMENT_HEADER_LEN};
use stream_v2_format::wire::{JournalRecord, RunLink, SegmentHeader, SegmentKind};
use stream_v2_format::{self as format, ErrorKind, Offset};

use super::damage::{self, as_damage, damaged, is_damage};
use super::headers::HeadersBefore;
use super::last_segment::LastSegment;
use super::recovered::{JournalState, Recovered};
use super::source_check::Check;
use crate::error::{Error, Stage};
use crate::io::{read_segment, read_segment_header, read_wire, source_error};
use crate::segment::DecryptSegmentInput;
use crate::segment::buffers::resize;
use crate::segment::unpacker::Unpacker;
use crate::source::blocking::fill;

/// Finds the committed segments of the stream of an interrupted writer (§19.2, §19.3).
///
/// With a commit, the segment that it names is read, and everything after it, and without UNIFORM
/// the headers of the segments before it. Without a commit, everything is read. Segments that begin
/// more than 256 MiB before the end were durable before. Only their header and digest frame are
/// read.
///
/// # Errors
///
/// - `malformed.damaged` if more than a torn tail would be lost.
/// - `truncated` if the output ends before the last commit, so that the journal must not be used
///   (SV2-RES-007).
/// - `trailing` if bytes follow the final segment.
/// - `io.source` if a read fails.
pub fn recover<R: Read + Seek>(
    output: R,
    stream: &StreamOpener,
    vouched: JournalState<'_>,
) -> Result<Recovered, Error> {
    recover_checked(output, stream, vouched, None)
}

/// Also follows the `check` of the plaintext that the journal vouches for.
pub(crate) fn recover_checked<R: Read + Seek>(
    output: R,
    stream: &StreamOpener,
    vouched: JournalState<'_>,
    check: Option<Check>,
) -> Result<Recovered, Error> {
    let mut recovery = Recovery { check, ..Recovery::new(output, stream) };
    let start = match vouched {
        JournalState::Committed(record) => recovery.confirm(record)?,
        JournalState::Missing | JournalState::Empty => Committed::NOTHING,
    };
    let has_journal = !matches!(vouched, JournalState::Missing);
    let recorded = has_journal.then(|| stream.header().body_offset().0 + start.position);
    let durable_end = recovery.end()?.saturating_sub(DURABLE_BYTES_MAX);
    let recovered = Recovered { recorded, ..recovery.walk(&start, durable_end)? };
    // Any part of the output after the last durability point may be there. Without a journal, that
    // point is unknown.
    let unknown = !has_journal || recovered.stream_len < durable_end;
    //= spec/stream-v2.md#sv2-res-010
    //# A writer MUST report `malformed.damaged`, and change nothing, where a segment with a valid
    //# segment_tag begins after the first byte that is not part of a committed segment, and either
    //# there is no journal to be used without damaged records, or that byte is more than
    //# DURABLE_BYTES_MAX bytes before the end of the output.
    if unknown && !recovered.sealed {
        let (end, segments) = (Offset(recovered.stream_len), recovered.committed.segments);
        damage::refuse_genuine(&mut recovery.output, &recovery.stream, end, segments)?;
    }
    Ok(recovered)
}

struct Recovery<R> {
    output: R,
    stream: StreamOpener,
    opener: SegmentOpener,
    unpacker: Unpacker,
    wire: BytesMut,
    plaintext: BytesMut,
    spare: BytesMut,
    /// The last committed data segment, and whether its plaintext is in the buffer `plaintext`.
    last: Option<(AuthenticHeader, bool)>,
    /// The index segment after it, if that is the last segment.
    last_index: Option<SegmentHeader>,
    confirmed: Option<LastSegment>,
    check: Option<Check>,
    runs: u64,
}

impl<R: Read + Seek> Recovery<R> {
    fn new(output: R, stream: &StreamOpener) -> Self {
        let (wire, plaintext, spare) = Default::default();
        Self {
            output,
            stream: stream.clone(),
            opener: SegmentOpener::new(stream),
            unpacker: Unpacker::new(stream),
            wire,
            plaintext,
            spare,
            last: None,
            last_index: None,
            confirmed: None,
            check: None,
            runs: 0,
        }
    }

    /// Confirms a commit: the segment that it names is there, whole and genuine (§19.2, step 6).
    fn confirm(&mut self, record: &JournalRecord) -> Result<Committed, Error> {
        let offset = self.stream.header().body_offset().plus(record.position);
        let before = u64::from(record.index.0);
        self.seek(offset, before)?;
        let header = read_segment_header(&mut self.output, &self.stream, offset, before)
            .map_err(|error| as_damage(error, offset, before))?;
        //= spec/stream-v2.md#sv2-res-006
        //# A writer that resumes MUST report `malformed.damaged`, and change nothing, where the
        //# output reaches to the end of the last commit and the segment that it names is not there
        //# or not valid.
        let mut committed = Committed::with_segment(record, header.header(), PendingIndex::EMPTY)
            .ok_or_else(|| damaged(offset, before))?;
        self.open_whole(header)?;
        let (pending_index, data_before) = self.headers_before(record, &header, &committed.run)?;
        if header.header().kind == SegmentKind::Index {
            // It has no plaintext, so the source is compared with the data segment before it.
            self.last = data_before.map(|data| (data, false));
        }
        self.confirmed = (header.header().kind == SegmentKind::Data).then(|| {
            let plaintext = Bytes::copy_from_slice(&self.plaintext);
            LastSegment { header: *header.header(), plaintext }
        });
        committed.pending_index = pending_index;
        Ok(committed)
    }

    /// Returns the input of the next index segment, and the last data segment before the commit.
    ///
    /// That follows from the headers up to and including that of the commit's segment, which was
    /// just opened.
    fn headers_before(
        &mut self,
        record: &JournalRecord,
        named: &AuthenticHeader,
        run: &RunLink,
    ) -> Result<(PendingIndex, Option<AuthenticHeader>), Error> {
        let stream = self.stream.clone();
        let Some(mut headers) = HeadersBefore::of(&stream) else {
            return Ok((PendingIndex::EMPTY, None));
        };
        let (offset, before) = (named.offset(), u64::from(record.index.0));
        let read = |offset: Offset, before, bytes: &mut [u8]| {
            let sought = self.output.seek(SeekFrom::Start(offset.0));
            sought.and_then(|_| fill(&mut self.output, bytes)).map_err(source_error(Some(before)))
        };
        //= spec/stream-v2.md#sv2-res-006
        //# It MUST report the same, unless the error is `unsupported`, where a segment header in
        //# front of the last commit that it walks over fails a check, and where a committed segment
        //# that it reads again for its plaintext is not valid.
        if !headers.walk(record, read, as_damage)? {
            return Err(damaged(offset, before));
        }
        let data_before = headers.last_data;
        let admitted = headers.admit(named, &self.wire);
        admitted.map_err(|error| as_damage(error, offset, before))?;
        //= spec/stream-v2.md#sv2-idx-011
        //# It MUST report `malformed.damaged`, and change nothing, where one is not (SV2-RES-006).
        let pending_index = headers.leading_to(run).ok_or_else(|| damaged(offset, before))?;
        Ok((pending_index, data_before))
    }

    /// Reads from the committed part to the first byte that is not committed.
    ///
    /// Segments that begin before `whole_from` are not read whole.
    fn walk(&mut self, start: &Committed, whole_from: u64) -> Result<Recovered, Error> {
        //= spec/stream-v2.md#sv2-res-027
        //# A writer without a commit MUST take R (§8.3) from its walk, to which SV2-ORD-002,
        //# SV2-ORD-003 and SV2-DIG-005 apply.
        let mut order = SegmentOrder::after(self.stream.header(), start);
        let mut progress = Progress::of_reader_after(&self.stream, start);
        loop {
            self.seek(order.offset(), order.segments())?;
            let whole = order.ended() || order.offset().0 >= whole_from;
            let next = if whole { self.next(&mut order) } else { self.next_ends(&mut order) };
            let taken = next.and_then(|next| match next {
                Some((header, opened)) => {
                    let followed = match whole {
                        true => progress
                            .opened(&header, &opened, &self.spare)
                            .and_then(|()| self.unpacker.unpack(&header, &mut self.spare)),
                        false => progress.opened_tail(&header, &opened),
                    };
                    followed.map_err(Error::worker)?;
                    self.runs += u64::from(header.header().flags.run_start());
                    self.keep(header, whole);
                    self.follow(&header, whole);
                    Ok(true)
                }
                None => Ok(false),
            });
            match taken {
                Ok(true) => {}
                Ok(false) => break,
                // A torn write leaves bytes that are not genuine. Any other fault is not a torn
                // write (SV2-RES-016).
                Err(error) if is_damage(&error) || error.kind() == Some(ErrorKind::Truncated) => break,
                //= spec/stream-v2.md#sv2-res-016
                //# A writer that resumes, or a tool that recovers without the key, MUST report the
                //# error and change nothing where its walk ends with `order`, `unsupported`,
                //# `limit` or `trailing`.
                Err(error) => return Err(error),
            }
        }
        let committed = progress.committed().clone();
        let stream_len = self.stream.header().body_offset().0 + committed.position;
        let sealed = progress.ended();
        let (confirmed, last_index, check) = (self.confirmed.take(), self.last_index, self.check);
        let last_segment = self.last_segment()?;
        Ok(Recovered {
            committed,
            runs: self.runs,
            sealed,
            stream_len,
            confirmed,
            last_segment,
            last_index,
            check,
            recorded: None,
        })
    }

    /// Reads and verifies the next segment whole. Its payload is in the spare buffer.
    fn next(&mut self, order: &mut SegmentOrder) -> Result<Option<(AuthenticHeader, OpenedSegment)>, Error> {
        let wire = std::mem::take(&mut self.wire);
        let Some(segment) = read_segment(&mut self.output, &self.stream, order, wire)? else {
            return Ok(None);
        };
        let opened = self.open(segment)?;
        Ok(Some(opened))
    }

    /// Reads the next segment by its header and the two frames at its end (§19.3).
    fn next_ends(
        &mut self,
        order: &mut SegmentOrder,
    ) -> Result<Option<(AuthenticHeader, OpenedSegment)>, Error> {
        let (offset, before) = (order.offset(), order.segments());
        let header = read_segment_header(&mut self.output, &self.stream, offset, before)?;
        let fault = |error| Error::format(Stage::Source, error);
        order.admit(header.header(), offset).map_err(fault)?;
        let tail_len = self.opener.tail_len(&header);
        self.seek(Offset(order.offset().0 - tail_len as u64), before)?;
        resize(&mut self.wire, tail_len);
        let filled = fill(&mut self.output, &mut self.wire).map_err(source_error(Some(before)))?;
        if filled < tail_len {
            return Err(fault(format::Error::truncated(order.offset(), Some(before))));
        }
        let opened = self.opener.open_tail(&header, &self.wire).map_err(fault)?;
        Ok(Some((header, opened)))
    }

    /// Remembers a committed segment, and its plaintext if there is one.
    fn keep(&mut self, header: AuthenticHeader, whole: bool) {
        match header.header().kind {
            SegmentKind::Data => {
                if whole {
                    std::mem::swap(&mut self.plaintext, &mut self.spare);
                }
                (self.last, self.last_index) = (Some((header, whole)), None);
            }
            SegmentKind::Index => self.last_index = Some(*header.header()),
            _ => {}
        }
    }

    /// Follows the plaintext of a committed segment, as long as all of it is read.
    fn follow(&mut self, header: &AuthenticHeader, whole: bool) {
        let header = header.header();
        if header.kind == SegmentKind::Data {
            self.check = self.check.filter(|_| whole).map(|mut check| {
                check.follow(&(&self.stream).into(), header.index, &self.plaintext);
                check
            });
        }
    }

    /// Returns the last committed data segment with its plaintext.
    fn last_segment(&mut self) -> Result<Option<LastSegment>, Error> {
        let Some((header, whole)) = self.last else { return Ok(None) };
        if !whole {
            let (offset, before) = (header.offset(), u64::from(header.header().index.0));
            self.seek(offset.plus(SEGMENT_HEADER_LEN as u64), before)?;
            self.open_whole(header)?;
        }
        let plaintext = std::mem::take(&mut self.plaintext).freeze();
        Ok(Some(LastSegment { header: *header.header(), plaintext }))
    }

    /// Reads the wire of a committed segment whose header was just read, and verifies it.
    fn open_whole(&mut self, header: AuthenticHeader) -> Result<(), Error> {
        let before = u64::from(header.header().index.0);
        let wire = read_wire(&mut self.output, &header, before, std::mem::take(&mut self.wire))?;
        self.open(DecryptSegmentInput { header, wire })
            .and_then(|_| self.unpacker.unpack(&header, &mut self.spare).map_err(Error::worker))
            .map_err(|error| as_damage(error, header.offset(), before))?;
        self.keep(header, true);
        Ok(())
    }

    /// Opens a segment into the spare buffer, where its plaintext has to be unpacked.
    fn open(&mut self, segment: DecryptSegmentInput) -> Result<(AuthenticHeader, OpenedSegment), Error> {
        let DecryptSegmentInput { header, wire } = segment;
        let payload = self.unpacker.payload(&header, &mut self.spare);
        let opened = self.opener.open(&header, &wire, payload);
        self.wire = wire.try_into_mut().unwrap_or_default();
        opened.map(|opened| (header, opened)).map_err(Error::worker)
    }

    fn end(&mut self) -> Result<u64, Error> {
        self.output.seek(SeekFrom::End(0)).map_err(source_error(None))
    }

    fn seek(&mut self, offset: Offset, segments: u64) -> Result<(), Error> {
        let sought: io::Result<u64> = self.output.seek(SeekFrom::Start(offset.0));
        sought.map(|_| ()).map_err(source_error(Some(segments)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::read_stream_header;
    use crate::observe::Managers;
    use crate::pipeline::EncryptPipeline;
    use crate::sink::WriterSink;
    use std::io::Cursor;
    use stream_v2_format::Detail;
    use stream_v2_format::crypto::ContentKey;

    const SEGMENT: usize = 4096;
    /// Bytes of a segment: header, frame, digest frame, terminator frame.
    const SEGMENT_LEN: usize = 96 + 24 + SEGMENT + 60 + 76;

    fn stream() -> (Vec<u8>, StreamOpener) {
        let key = ContentKey::new([1; 32]);
        let mut pipeline = EncryptPipeline::new(&key);
        (pipeline.params.frame_size_log2, pipeline.params.segment_size) = (12, 4096);
        let mut stream = Vec::new();
        pipeline.run(&[7; 5 * SEGMENT][..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
        let (header, _) = read_stream_header(&mut &stream[..]).unwrap();
        (stream, StreamOpener::new(&header, &key, b"").unwrap())
    }

    /// Checks that only headers and ends are read of all segments that begin before `durable_end`.
    fn walked(bytes: &[u8], opener: &StreamOpener, durable_end: u64) -> Result<Recovered, Error> {
        Recovery::new(Cursor::new(bytes), opener).walk(&Committed::NOTHING, durable_end)
    }

    #[test]
    fn ends_of_segments_tell_as_much_as_whole_ones() {
        let (stream, opener) = stream();
        for cut in
            [128, 129, 128 + SEGMENT_LEN, 128 + 3 * SEGMENT_LEN - 1, 128 + 5 * SEGMENT_LEN, stream.len()]
        {
            let (whole, ends) = (
                walked(&stream[..cut], &opener, 0).unwrap(),
                walked(&stream[..cut], &opener, u64::MAX).unwrap(),
            );
            assert_eq!((whole.committed, whole.sealed), (ends.committed, ends.sealed), "{cut}");
            assert_eq!(whole.last_segment, ends.last_segment);
        }
    }

    #[test]
    fn durable_segments_are_read_at_their_ends_only() {
        let (stream, opener) = stream();
        let cut = &stream[..128 + 4 * SEGMENT_LEN];
        let with_flipped = |place: usize, durable_end| {
            let mut bytes = cut.to_vec();
            bytes[place] ^= 1;
            walked(&bytes, &opener, durable_end).map(|found| found.committed.segments)
        };
        // In the data, in the digest frame, in the header of segment 1.
        let begin = 128 + SEGMENT_LEN;
        assert_eq!(with_flipped(begin + 500, u64::MAX).unwrap(), 4);
        assert_eq!(with_flipped(begin + SEGMENT_LEN - 100, u64::MAX).unwrap(), 1);
        assert_eq!(with_flipped(begin + 50, u64::MAX).unwrap(), 1);
        assert_eq!(with_flipped(begin + 500, 0).unwrap(), 1);
        // The last one is read whole nevertheless, because the source is compared with it.
        let error = with_flipped(128 + 3 * SEGMENT_LEN + 500, u64::MAX).unwrap_err();
        assert_eq!(error.format_error().unwrap().detail(), Detail::MalformedDamaged);
    }
}
