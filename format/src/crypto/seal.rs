//! §7, §8, §9 Sealing the segments of a run, from one slice into another.

use alloc::vec;
use alloc::vec::Vec;

use super::run::RunKeys;
use super::sealing::{SegmentSealing, misuse};
use super::{Digest, Run, StreamSealer, Transcript};
use crate::limits::{FINAL_SEGMENT_LEN, SEGMENT_HEADER_LEN};
use crate::wire::{Codec, DigestAlg, HeaderV1, SegmentHeader, SegmentKind, Trailer, entries_in, wire_len};
use crate::{Detail, Error, Offset, SegmentIndex};

/// Bytes of the wire of every final segment.
const FINAL_WIRE_LEN: usize = FINAL_SEGMENT_LEN - SEGMENT_HEADER_LEN;

/// A segment whose wire is complete: its header, and the digest that enters the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// The segment header.
    pub header: SegmentHeader,
    /// D of the segment.
    pub digest: Digest,
}

/// Seals the segments of one run, in any order and each at most once (SV2-FRM-008).
pub struct SegmentSealer {
    header: HeaderV1,
    run: Run,
    digest_alg: DigestAlg,
    keys: RunKeys,
}

impl SegmentSealer {
    /// A sealer for one run of `stream`. Several sealers of one run may share the work.
    #[must_use]
    pub fn new(stream: &StreamSealer, run: Run) -> Self {
        let keys = RunKeys::new(stream.keys.clone());
        Self { header: *stream.header(), run, digest_alg: DigestAlg::HmacSha3OverTags, keys }
    }

    /// Chooses what the digest is computed over; the default is `HmacSha3OverTags`.
    #[must_use]
    pub fn with_digest_alg(self, digest_alg: DigestAlg) -> Self {
        Self { digest_alg, ..self }
    }

    /// Bytes of the wire of a data segment with `plaintext_len` bytes of plaintext.
    #[must_use]
    pub fn wire_len(&self, index: SegmentIndex, plaintext_len: u32) -> usize {
        self.wire_len_of(SegmentKind::Data, index, plaintext_len)
    }

    fn wire_len_of(&self, kind: SegmentKind, index: SegmentIndex, payload_len: u32) -> usize {
        let run_start = index == self.run.first;
        #[expect(clippy::cast_possible_truncation, reason = "below 2^27, as segment_size is at most 2^26")]
        let len = wire_len(&self.header, kind, run_start, payload_len) as usize;
        len
    }

    /// Seals `plaintext` (1 to segment_size bytes) into `wire`, which is [`wire_len`](Self::wire_len) bytes long.
    ///
    /// After an error the wire's content is undefined, and the index must not be sealed again in this run.
    ///
    /// # Errors
    /// `limit.segment_index` where the stream must end, `misuse` for slices of another length.
    pub fn seal_data(
        &mut self,
        index: SegmentIndex,
        plaintext: &[u8],
        wire: &mut [u8],
    ) -> Result<SealedSegment, Error> {
        let mut sealing = self.begin_data(index, plaintext.len(), wire)?;
        sealing.push(plaintext)?;
        sealing.finish()
    }

    /// Begins a data segment of `plaintext_len` bytes (1 to segment_size), whose plaintext comes piece by piece.
    ///
    /// # Errors
    /// As of [`seal_data`](Self::seal_data).
    pub fn begin_data<'s>(
        &'s mut self,
        index: SegmentIndex,
        plaintext_len: usize,
        wire: &'s mut [u8],
    ) -> Result<SegmentSealing<'s>, Error> {
        self.check_index(index)?;
        let payload_len = u32::try_from(plaintext_len)
            .ok()
            .filter(|len| (1..=self.header.segment_size()).contains(len))
            .ok_or_else(|| misuse(index, plaintext_len as u64))?;
        let header = self.plan(index, SegmentKind::Data, payload_len);
        //= spec/stream-v2.md#sv2-dig-004
        //# A writer MUST fill the terminator as §8.3 says.
        let terminator = match self.terminator_len(SegmentKind::Data, index) {
            0 => &[][..],
            _ if index == self.run.first => self.run.continues.bytes(),
            _ => &[0; 32],
        };
        SegmentSealing::begin(&self.header, &mut self.keys, header, terminator, wire)
    }

    /// Seals an index segment with the `payload` that [`Progress::index_payload`](super::Progress::index_payload) gives, after the segments
    /// whose T is `transcript`. Its wire is as long as that of a data segment of that length which begins a run.
    ///
    /// # Errors
    /// `limit.segment_index` where the stream must end, `misuse` for a payload that no index segment has (SV2-IDX-003).
    pub fn seal_index(
        &mut self,
        index: SegmentIndex,
        payload: &[u8],
        transcript: &Transcript,
    ) -> Result<(SealedSegment, Vec<u8>), Error> {
        self.check_index(index)?;
        let payload_len = u32::try_from(payload.len())
            .ok()
            .filter(|len| entries_in(&self.header, *len).is_some())
            .ok_or_else(|| misuse(index, payload.len() as u64))?;
        let mut wire = vec![0; self.wire_len_of(SegmentKind::Index, index, payload_len)];
        let sealed = self.seal(index, SegmentKind::Index, payload, transcript.bytes(), &mut wire)?;
        Ok((sealed, wire))
    }

    /// Whether a data or index segment may have this index (SV2-EPO-002).
    fn check_index(&self, index: SegmentIndex) -> Result<(), Error> {
        let last = self.header.last_segment();
        if index > last {
            let error = Error::new(Detail::LimitSegmentIndex, Offset(0)).in_segment(index.0.into());
            return Err(error.between(index.0.into(), 0, last.0.into()));
        }
        Ok(())
    }

    /// Seals the final segment with `trailer` into `wire` (140 bytes).
    ///
    /// # Errors
    /// `misuse` for a wire of another length.
    pub fn seal_final(
        &mut self,
        index: SegmentIndex,
        trailer: &Trailer,
        wire: &mut [u8],
    ) -> Result<SealedSegment, Error> {
        self.seal(index, SegmentKind::Final, &[], &trailer.to_bytes(), wire)
    }

    /// Bytes of the wire of the final segment.
    #[must_use]
    pub const fn final_wire_len() -> usize {
        FINAL_WIRE_LEN
    }

    fn terminator_len(&self, kind: SegmentKind, index: SegmentIndex) -> u32 {
        crate::wire::terminator_len(&self.header, kind, index == self.run.first)
    }

    fn seal(
        &mut self,
        index: SegmentIndex,
        kind: SegmentKind,
        payload: &[u8],
        terminator: &[u8],
        wire: &mut [u8],
    ) -> Result<SealedSegment, Error> {
        let payload_len = u32::try_from(payload.len()).map_err(|_| misuse(index, payload.len() as u64))?;
        let header = self.plan(index, kind, payload_len);
        let mut sealing = SegmentSealing::begin(&self.header, &mut self.keys, header, terminator, wire)?;
        sealing.push(payload)?;
        sealing.finish()
    }

    /// The header of a segment as far as it is known before sealing.
    fn plan(&self, index: SegmentIndex, kind: SegmentKind, payload_len: u32) -> SegmentHeader {
        let epoch_segments = self.header.params().epoch_segments;
        //= spec/stream-v2.md#sv2-epo-001
        //# A writer MUST set key_epoch and REKEY as §13 says.
        let flags = self.run.flags(index, epoch_segments);
        let data_frames = payload_len.div_ceil(self.header.frame_size());
        #[expect(clippy::cast_possible_truncation, reason = "below 2^27, as segment_size is at most 2^26")]
        let wire_len = wire_len(&self.header, kind, flags.run_start(), payload_len) as u32;
        SegmentHeader {
            index,
            kind,
            //= spec/stream-v2.md#sv2-cod-006
            //= type=implication
            //= reason=A writer that compresses is not built.
            //# A writer MUST NOT compress unless the caller asked for it.
            codec: Codec::None,
            digest_alg: self.digest_alg,
            flags,
            key_epoch: index.key_epoch(epoch_segments),
            data_frames,
            frame_count: data_frames + 2,
            plaintext_len: if kind == SegmentKind::Data { payload_len } else { 0 },
            payload_len,
            wire_len,
            run_salt: *self.run.salt.bytes(),
            wire_crc32c: 0,
            segment_tag: [0; 32],
        }
    }
}
