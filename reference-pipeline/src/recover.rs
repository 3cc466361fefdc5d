//! §19 Recovery: what of an unsealed stream is committed. Nothing is changed here.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::BytesMut;
use stream_v2_format::crypto::{
    Committed, OpenedSegment, Progress, SegmentOpener, SegmentOrder, StreamOpener,
};
use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use stream_v2_format::wire::{JournalRecord, Parsed, SEGMENT_MAGIC, SegmentKind};
use stream_v2_format::{self as format, ErrorKind, Offset, SegmentIndex};

use crate::buffers::resize;
use crate::io::{fill, read_segment, read_wire, source_error};
use crate::{DecryptSegmentInput, Error, Stage};

/// Bytes that are searched at once for the beginning of a segment.
const SEARCH_LEN: usize = 1 << 20;

/// What was found in an output.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The committed segments, the final one included where there is one.
    pub committed: Committed,
    /// Whether the last of them is a final segment: the stream is complete.
    pub sealed: bool,
    /// Bytes of the stream that are committed, header and envelope included. What follows is a torn tail.
    pub stream_len: u64,
    /// The last committed data segment and its plaintext, for comparing it with the source.
    pub last_segment: Option<(SegmentIndex, BytesMut)>,
}

/// Finds the committed segments of `output`, an interrupted writer's stream (§19.2, steps 6 to 8, and §19.3).
///
/// `last_commit` is the journal's, where there is a journal to be used. Without one every segment is read and checked.
///
/// # Errors
/// `malformed.damaged`: more than a torn tail would be lost; `truncated`: the output ends before the last commit, so that the journal
/// is not to be used (SV2-RES-007); `trailing`: bytes follow the final segment; `io.source`.
pub fn recover<R: Read + Seek>(
    output: R,
    stream: &StreamOpener,
    last_commit: Option<&JournalRecord>,
) -> Result<Recovered, Error> {
    let mut recovery = Recovery {
        output,
        stream: stream.clone(),
        opener: SegmentOpener::new(stream),
        wire: BytesMut::new(),
        plaintext: BytesMut::new(),
        spare: BytesMut::new(),
        last: None,
    };
    let start = match last_commit {
        None => Committed::NOTHING,
        Some(record) => recovery.confirm(record)?,
    };
    let recovered = recovery.walk(&start)?;
    if last_commit.is_none() && !recovered.sealed {
        recovery.refuse_damage(&recovered)?;
    }
    Ok(recovered)
}

struct Recovery<R> {
    output: R,
    stream: StreamOpener,
    opener: SegmentOpener,
    wire: BytesMut,
    plaintext: BytesMut,
    spare: BytesMut,
    /// The data segment whose plaintext is in the buffer `plaintext`.
    last: Option<SegmentIndex>,
}

impl<R: Read + Seek> Recovery<R> {
    /// Confirms a commit: the segment that it names is there, whole and genuine.
    fn confirm(&mut self, record: &JournalRecord) -> Result<Committed, Error> {
        let offset = self.stream.header().body_offset().plus(record.position);
        let before = u64::from(record.index.0);
        let damaged = || Error::format(Stage::Source, format::Error::damaged(offset, before));
        self.seek(offset, before)?;
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let filled = fill(&mut self.output, &mut bytes).map_err(source_error(Some(before)))?;
        let header = match self.stream.authenticate(&bytes[..filled], offset, before) {
            Ok(Parsed::Complete(header, _)) => header,
            Ok(Parsed::NeedMore(_)) => {
                let end = offset.plus(filled as u64);
                return Err(Error::format(Stage::Source, format::Error::truncated(end, Some(before))));
            }
            Err(_) => return Err(damaged()),
        };
        let said = header.header();
        if said.index != record.index || said.segment_tag != record.segment_tag {
            return Err(damaged());
        }
        let wire = read_wire(&mut self.output, &header, before, std::mem::take(&mut self.wire))?;
        self.open(&DecryptSegmentInput { header, wire }).map_err(|_| damaged())?;
        std::mem::swap(&mut self.plaintext, &mut self.spare);
        self.last = Some(record.index);
        Ok(Committed::with_segment(record, header.header()))
    }

    /// Reads on from what is committed to the first byte that is not.
    fn walk(&mut self, start: &Committed) -> Result<Recovered, Error> {
        let mut order = SegmentOrder::after(self.stream.header(), start);
        let mut progress = Progress::of_reader_after(&self.stream, start);
        self.seek(order.offset(), start.segments)?;
        loop {
            match self.next(&mut order, &mut progress) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => match error.kind() {
                    // A torn write leaves bytes that are not genuine. Anything else is not a torn write.
                    Some(ErrorKind::Truncated | ErrorKind::Malformed | ErrorKind::Auth) => break,
                    _ => return Err(error),
                },
            }
        }
        let committed = *progress.committed();
        Ok(Recovered {
            committed,
            sealed: progress.ended(),
            stream_len: self.stream.header().body_offset().0 + committed.position,
            last_segment: self.last.map(|index| (index, std::mem::take(&mut self.plaintext))),
        })
    }

    /// Whether there was one more committed segment.
    fn next(&mut self, order: &mut SegmentOrder, progress: &mut Progress) -> Result<bool, Error> {
        let wire = std::mem::take(&mut self.wire);
        let Some(segment) = read_segment(&mut self.output, &self.stream, order, wire)? else {
            return Ok(false);
        };
        let opened = self.open(&segment);
        opened
            .and_then(|opened| progress.opened(&segment.header, &opened))
            .map_err(|error| Error::format(Stage::Worker, error))?;
        if segment.header.header().kind == SegmentKind::Data {
            std::mem::swap(&mut self.plaintext, &mut self.spare);
            self.last = Some(segment.header.header().index);
        }
        self.wire = segment.wire.try_into_mut().unwrap_or_default();
        Ok(true)
    }

    /// Opens a segment into the spare buffer.
    fn open(&mut self, segment: &DecryptSegmentInput) -> Result<OpenedSegment, format::Error> {
        resize(&mut self.spare, segment.header.header().plaintext_len as usize);
        self.opener.open(&segment.header, &segment.wire, &mut self.spare)
    }

    /// Only a torn tail may be dropped: no genuine segment may follow what is committed (SV2-RES-010).
    fn refuse_damage(&mut self, recovered: &Recovered) -> Result<(), Error> {
        let segments = recovered.committed.segments;
        let first = Offset(recovered.stream_len);
        let mut from = match self.genuine_segment_len(first, segments)? {
            Some(len) => first.plus(len),
            None => first.plus(1),
        };
        while let Some(found) = self.find_magic(from, segments)? {
            if self.genuine_segment_len(found, segments)?.is_some() {
                return Err(Error::format(Stage::Source, format::Error::damaged(first, segments)));
            }
            from = found.plus(1);
        }
        Ok(())
    }

    /// The length of the segment whose genuine header stands at `offset`.
    fn genuine_segment_len(&mut self, offset: Offset, segments: u64) -> Result<Option<u64>, Error> {
        self.seek(offset, segments)?;
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let filled = fill(&mut self.output, &mut bytes).map_err(source_error(Some(segments)))?;
        Ok(match self.stream.authenticate(&bytes[..filled], offset, segments) {
            Ok(Parsed::Complete(header, _)) => Some(header.header().segment_len()),
            _ => None,
        })
    }

    /// Where the next segment magic stands, from `offset` on.
    fn find_magic(&mut self, mut offset: Offset, segments: u64) -> Result<Option<Offset>, Error> {
        let mut bytes = vec![0; SEARCH_LEN];
        loop {
            self.seek(offset, segments)?;
            let filled = fill(&mut self.output, &mut bytes).map_err(source_error(Some(segments)))?;
            let magic =
                bytes[..filled].windows(SEGMENT_MAGIC.len()).position(|window| window == SEGMENT_MAGIC);
            if let Some(place) = magic {
                return Ok(Some(offset.plus(place as u64)));
            }
            if filled < SEARCH_LEN {
                return Ok(None);
            }
            offset = offset.plus((filled - SEGMENT_MAGIC.len() + 1) as u64);
        }
    }

    fn seek(&mut self, offset: Offset, segments: u64) -> Result<(), Error> {
        let sought: io::Result<u64> = self.output.seek(SeekFrom::Start(offset.0));
        sought.map(|_| ()).map_err(source_error(Some(segments)))
    }
}
