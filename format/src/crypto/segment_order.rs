//! §15.2 Order of segments: a sequential reader's checks of headers, before their wires.

use super::{Committed, PendingIndex, RunOrder};
use crate::wire::{HeaderV1, RunLink, SegmentHeader, SegmentKind, segment_at as at};
use crate::{Detail, Error, Offset};

/// Follows index, run, UNIFORM, the declared length and index segments from segment to segment.
#[derive(Clone, Debug)]
pub struct SegmentOrder {
    header: HeaderV1,
    runs: RunOrder,
    short_data_seen: bool,
    plaintext_len: u64,
    offset: Offset,
    pending_index: PendingIndex,
    ended: bool,
}

impl SegmentOrder {
    /// Begins before segment 0.
    #[must_use]
    pub fn new(header: &HeaderV1) -> Self {
        Self::after(header, &Committed::NOTHING)
    }

    /// Resumes after the committed segments of a stream (§19).
    #[must_use]
    pub fn after(header: &HeaderV1, committed: &Committed) -> Self {
        Self {
            header: *header,
            runs: RunOrder::after(committed),
            short_data_seen: committed.has_short_segment(header),
            plaintext_len: committed.plaintext_len,
            offset: header.body_offset().plus(committed.position),
            pending_index: committed.pending_index.clone(),
            ended: false,
        }
    }

    /// Returns the number of admitted segments.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.runs.segments()
    }

    /// Returns the run (R) of the last admitted data or index segment.
    #[must_use]
    pub const fn link(&self) -> &RunLink {
        self.runs.link()
    }

    /// Returns the offset of the next segment, in bytes from the start of the stream.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// Returns the contents of the next index segment, from the segments so far.
    #[must_use]
    pub const fn pending_index(&self) -> &PendingIndex {
        &self.pending_index
    }

    /// Returns true if the final segment has been admitted.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Admits the next segment, whose header was read at `offset` (step 10 of §15.1).
    ///
    /// A reader with the key admits authenticated headers only. A tool without the key follows the
    /// same order (§15.6).
    ///
    /// # Errors
    ///
    /// - `order.segment_index` if another segment belongs here.
    /// - `order.run` if the segment belongs to another run.
    /// - `order.uniform` if it follows a data segment that is not full, in a stream with UNIFORM.
    /// - `limit.stream_plaintext_len` if there is more plaintext than the stream header declares.
    /// - `order.index` if an index segment is missing or too early.
    pub fn admit(&mut self, header: &SegmentHeader, offset: Offset) -> Result<(), Error> {
        self.check(header, offset).map_err(|error| error.in_segment(self.segments()))?;
        self.runs.follow(header);
        self.short_data_seen |=
            header.kind == SegmentKind::Data && header.plaintext_len < self.header.segment_size();
        self.plaintext_len += u64::from(header.plaintext_len);
        self.offset = offset.plus(header.segment_len());
        self.pending_index.follow(&self.header, header);
        self.ended = header.kind == SegmentKind::Final;
        Ok(())
    }

    /// Checks that the input may end here, at `offset` bytes.
    ///
    /// # Errors
    ///
    /// - `truncated`, with the number of admitted segments, unless the last one was the final
    ///   segment (SV2-FIN-004).
    pub const fn end_of_input(&self, offset: Offset) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-fin-004
        //# A reader MUST reject with `truncated` a stream that ends before a final segment, also
        //# where it ends between two segments, and name the number of committed segments as the
        //# number of segments of SV2-ERR-001.
        if self.ended { Ok(()) } else { Err(Error::truncated(offset, Some(self.segments()))) }
    }

    fn check(&self, header: &SegmentHeader, offset: Offset) -> Result<(), Error> {
        let error = |detail, at| Error::new(detail, offset.plus(at));
        self.runs.check(header, offset)?;
        //= spec/stream-v2.md#sv2-ord-004
        //# A sequential reader MUST reject with `order.uniform` a data segment that follows a data
        //# segment of fewer than S plaintext bytes in a stream with UNIFORM.
        if self.header.uniform() && self.short_data_seen && header.kind == SegmentKind::Data {
            return Err(error(Detail::OrderUniform, at::PLAINTEXT_LEN));
        }
        let total = self.plaintext_len + u64::from(header.plaintext_len);
        match self.header.params().plaintext_len {
            //= spec/stream-v2.md#sv2-hdr-018
            //# A reader MUST reject with `limit.stream_plaintext_len` a data segment with which the
            //# plaintext of the stream so far exceeds a plaintext_len other than 2^64 - 1, before
            //# it opens that segment.
            Some(declared) if total > declared => {
                Err(error(Detail::LimitStreamPlaintextLen, at::PLAINTEXT_LEN).between(total, 0, declared))
            }
            //= spec/stream-v2.md#sv2-idx-005
            //# A sequential reader MUST reject with `order.index` a data segment that follows an
            //# index segment of fewer than n entries or n data segments after the last index
            //# segment, and a final segment that follows an index segment and, after it, a data
            //# segment.
            _ if !self.pending_index.allows(&self.header, header.kind) => {
                Err(error(Detail::OrderIndex, at::SEGMENT_INDEX))
            }
            _ => Ok(()),
        }
    }
}
