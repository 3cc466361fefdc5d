//! §8.2, §9 The progress of a stream: transcript, totals and position, and the expected trailer.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::key_schedule::StreamKeys;
use super::mac::equal;
use super::{
    AuthenticHeader, Committed, Digest, OpenedSegment, SealedSegment, StreamOpener, StreamSealer, Transcript,
};
use crate::wire::{
    Codec, HISTORY_LEN, HeaderV1, IndexView, RunLink, SegmentHeader, SegmentKind, Trailer, history_bytes,
};
use crate::{Detail, Error, Misuse};

/// Follows the segments of a stream in order, for its writer or for a sequential reader.
#[derive(Clone)]
pub struct Progress {
    keys: Arc<StreamKeys>,
    header: HeaderV1,
    committed: Committed,
    /// True if a data segment that is not full was followed.
    short: bool,
    ended: bool,
}

impl Progress {
    /// Begins before segment 0 of a stream that is being written.
    #[must_use]
    pub fn of_writer(stream: &StreamSealer) -> Self {
        Self::of_writer_after(stream, &Committed::NOTHING)
    }

    /// Begins before segment 0 of a stream that is being read.
    #[must_use]
    pub fn of_reader(stream: &StreamOpener) -> Self {
        Self::of_reader_after(stream, &Committed::NOTHING)
    }

    /// Resumes after the committed segments of a stream that is being written (§19).
    #[must_use]
    pub fn of_writer_after(stream: &StreamSealer, committed: &Committed) -> Self {
        Self::new(stream.keys.clone(), *stream.header(), committed.clone())
    }

    /// Resumes after the committed segments of a stream that is being read (§19).
    #[must_use]
    pub fn of_reader_after(stream: &StreamOpener, committed: &Committed) -> Self {
        Self::new(stream.keys.clone(), *stream.header(), committed.clone())
    }

    const fn new(keys: Arc<StreamKeys>, header: HeaderV1, committed: Committed) -> Self {
        let short = committed.has_short_segment(&header);
        Self { keys, header, committed, short, ended: false }
    }

    /// Returns the segments so far, including the final one.
    #[must_use]
    pub const fn committed(&self) -> &Committed {
        &self.committed
    }

    /// Returns true if the final segment was followed.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Returns the transcript (T) of the segments so far.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.committed.transcript
    }

    /// Returns the run (R) of the last data or index segment, which is the link of the next one.
    #[must_use]
    pub const fn link(&self) -> &RunLink {
        &self.committed.run
    }

    /// Returns the number of segments so far.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.committed.segments
    }

    /// Returns the plaintext bytes in the segments so far.
    #[must_use]
    pub const fn plaintext_len(&self) -> u64 {
        self.committed.plaintext_len
    }

    /// Returns the bytes of the body so far.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.committed.position
    }

    /// Returns the payload of an index segment, if one must be written now.
    ///
    /// `ends` says that no data segment follows (SV2-IDX-001).
    #[must_use]
    pub fn index_payload(&self, ends: bool) -> Option<Vec<u8>> {
        let uncovered = &self.committed.pending_index;
        //= spec/stream-v2.md#sv2-idx-001
        //# A writer of index segments MUST write one as soon as n data segments are uncovered, one
        //# before the final segment if any data segment is uncovered then, and no others.
        let due = uncovered.is_full(&self.header) || ends && !uncovered.is_empty();
        //= spec/stream-v2.md#sv2-idx-002
        //# An index segment MUST hold one entry for each data segment since the index segment
        //# before it, or since the beginning of the stream.
        (due && !self.header.uniform()).then(|| uncovered.payload())
    }

    /// Returns the trailer of a final segment that comes next.
    #[must_use]
    pub fn trailer(&self) -> Trailer {
        Trailer {
            plaintext_len: self.committed.plaintext_len,
            position: self.committed.position,
            index_distance: self.committed.pending_index.distance(),
            transcript: *self.committed.transcript.bytes(),
            link: self.committed.run,
        }
    }

    /// Follows the next sealed segment, which may then be written.
    ///
    /// # Errors
    ///
    /// - `misuse` for an index segment, or for a data segment after one that is not full, if the
    ///   stream has UNIFORM (SV2-HDR-016).
    /// - `misuse` for a data or final segment if an index segment is due (SV2-IDX-001).
    /// - `misuse` for another `digest_alg` than before (SV2-DIG-008).
    pub fn sealed(&mut self, sealed: &SealedSegment) -> Result<(), Error> {
        let header = &sealed.header;
        //= spec/stream-v2.md#sv2-hdr-016
        //# Where the flag UNIFORM is set, a writer MUST NOT write an index segment, a codec other
        //# than 0, or a data segment of fewer than S plaintext bytes before another data segment.
        let not_uniform = match header.kind {
            SegmentKind::Data if self.short => Some(Misuse::ShortSegment),
            SegmentKind::Data if header.codec != Codec::None => Some(Misuse::UniformWithCodec),
            SegmentKind::Index => Some(Misuse::UniformWithIndex),
            SegmentKind::Data | SegmentKind::Final => None,
        };
        let misplaced = self.committed.pending_index.refusal(&self.header, header.kind);
        //= spec/stream-v2.md#sv2-dig-008
        //# A writer MUST use one digest_alg in all segments of a stream, index segments and the
        //# final one included, and where it resumes that of the last committed segment.
        let other_digest = self.committed.digest_alg.is_some_and(|alg| alg != header.digest_alg);
        let rule = not_uniform
            .filter(|_| self.header.uniform())
            .or(misplaced)
            .or(other_digest.then_some(Misuse::DigestAlgChanged));
        if let Some(rule) = rule {
            return Err(Error::misuse(rule).in_segment(self.committed.segments));
        }
        self.advance(header, &sealed.digest);
        Ok(())
    }

    /// Follows the next opened segment (steps 16 and 17 of §15.1).
    ///
    /// `payload` is that of an index segment, and of another segment it is not looked at. A data
    /// segment may then be decompressed, if it has a codec, and its plaintext released.
    ///
    /// # Errors
    ///
    /// - `order.transcript` if a run or an index segment continues another history.
    /// - `auth.trailer` if the final segment does not match the stream before it.
    /// - `malformed.index` if an index segment does not describe the data segments before it.
    /// - `misuse` if the payload of an index segment has another length.
    pub fn opened(
        &mut self,
        authentic: &AuthenticHeader,
        opened: &OpenedSegment,
        payload: &[u8],
    ) -> Result<(), Error> {
        let header = authentic.header();
        self.check_terminator(authentic, opened)?;
        if header.kind == SegmentKind::Index {
            if payload.len() != header.payload_len as usize {
                let misuse = authentic.misuse(Misuse::PayloadLen);
                return Err(misuse.exactly(payload.len() as u64, header.payload_len.into()));
            }
            let view = IndexView::parse(payload, authentic.payload_offset())?;
            //= spec/stream-v2.md#sv2-idx-004
            //# A sequential reader MUST reject with `malformed.index` an index segment whose
            //# distance, previous or entries differ from the segments that it has seen.
            if !self.committed.pending_index.is_described_by(&view) {
                let at = authentic.payload_offset().0 - authentic.offset().0;
                return Err(authentic.error(Detail::MalformedIndex, at));
            }
        }
        self.advance(header, &opened.digest);
        Ok(())
    }

    /// Follows a segment of which only the last two frames were opened (§19.3).
    ///
    /// It is like [`opened`](Self::opened), but does not check the payload of an index segment,
    /// which the resuming writer itself has written.
    ///
    /// # Errors
    ///
    /// - `order.transcript` if a run or an index segment continues another history.
    /// - `auth.trailer` if the final segment does not match the stream before it.
    pub fn opened_tail(&mut self, authentic: &AuthenticHeader, opened: &OpenedSegment) -> Result<(), Error> {
        self.check_terminator(authentic, opened)?;
        self.advance(authentic.header(), &opened.digest);
        Ok(())
    }

    fn check_terminator(&self, authentic: &AuthenticHeader, opened: &OpenedSegment) -> Result<(), Error> {
        let header = authentic.header();
        let continues = header.kind == SegmentKind::Index || header.flags.run_start();
        let at = authentic.terminator_at(opened.terminator().len());
        if header.kind == SegmentKind::Final {
            //= spec/stream-v2.md#sv2-fin-001
            //# A sequential reader MUST reject with `auth.trailer` a final segment whose trailer
            //# differs in any field from what the reader has counted and computed.
            if !equal(opened.terminator(), &self.trailer().to_bytes()) || !self.is_declared_len() {
                return Err(authentic.error(Detail::AuthTrailer, at));
            }
        } else if continues && !equal(opened.terminator(), &self.history()) {
            //= spec/stream-v2.md#sv2-dig-005
            //# A sequential reader MUST reject with `order.transcript` an index segment, or a data
            //# segment with RUN_START, whose terminator differs from T_(i-1) || R_(i-1) of the
            //# segments before it.
            return Err(authentic.error(Detail::OrderTranscript, at));
        }
        Ok(())
    }

    /// Returns T || R of the segments so far.
    fn history(&self) -> [u8; HISTORY_LEN as usize] {
        history_bytes(self.committed.transcript.bytes(), &self.committed.run)
    }

    fn is_declared_len(&self) -> bool {
        //= spec/stream-v2.md#sv2-fin-002
        //# A reader MUST reject with `auth.trailer` a final segment whose plaintext total differs
        //# from a plaintext_len of the stream header other than 2^64 - 1.
        self.header.params().plaintext_len.is_none_or(|declared| declared == self.committed.plaintext_len)
    }

    fn advance(&mut self, header: &SegmentHeader, digest: &Digest) {
        self.ended = header.kind == SegmentKind::Final;
        if !self.ended {
            self.committed.transcript =
                self.committed.transcript.then(&self.keys.chain, header.index, digest);
            self.committed.run = self.committed.run.then(header);
            self.committed.digest_alg = Some(header.digest_alg);
        }
        self.short |= header.kind == SegmentKind::Data && header.plaintext_len < self.header.segment_size();
        self.committed.segments += 1;
        self.committed.plaintext_len += u64::from(header.plaintext_len);
        self.committed.position += header.segment_len();
        self.committed.pending_index.follow(&self.header, header);
    }
}
