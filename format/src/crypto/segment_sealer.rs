//! §7, §8, §9 Seals the segments of a run, from one slice into another.

use alloc::vec;
use alloc::vec::Vec;

use super::run_keys::RunKeys;
use super::segment_sealing::{SegmentSealing, misuse};
use super::{Run, SealedSegment, StreamSealer, Transcript};
use crate::limits::{FINAL_SEGMENT_LEN, SEGMENT_HEADER_LEN};
use crate::wire::{
    Codec, DigestAlg, HISTORY_LEN, HeaderV1, RunLink, SegmentHeader, SegmentKind, Trailer, entries_in,
    history_bytes, wire_len,
};
use crate::{Detail, Error, Misuse, Offset, SegmentIndex};

/// Bytes of the wire of every final segment.
const FINAL_WIRE_LEN: usize = FINAL_SEGMENT_LEN - SEGMENT_HEADER_LEN;

/// Seals the segments of one run in ascending order, so that none is sealed twice (SV2-FRM-008).
pub struct SegmentSealer {
    header: HeaderV1,
    run: Run,
    /// The lowest index that may be sealed, or `None` after 2^32 - 1.
    next: Option<SegmentIndex>,
    digest_alg: DigestAlg,
    keys: RunKeys,
}

impl SegmentSealer {
    /// Creates a sealer for one run of `stream`.
    ///
    /// Several sealers of one run may share the work, but no two of them may seal the same segment.
    #[must_use]
    pub fn new(stream: &StreamSealer, run: Run) -> Self {
        let keys = RunKeys::new(stream.keys.clone());
        let (header, next) = (*stream.header(), Some(run.first));
        Self { header, run, next, digest_alg: DigestAlg::HmacSha3OverTags, keys }
    }

    /// Sets the digest algorithm; the default is `HmacSha3OverTags`.
    #[must_use]
    pub fn with_digest_alg(self, digest_alg: DigestAlg) -> Self {
        Self { digest_alg, ..self }
    }

    /// Returns the wire bytes of a data segment with `plaintext_len` bytes of plaintext.
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

    /// Seals `plaintext` (1 to `segment_size` bytes) into `wire`.
    ///
    /// `wire` is [`wire_len`](Self::wire_len) bytes long.
    ///
    /// After an error the content of the wire is undefined, and the index must not be sealed again
    /// in this run.
    ///
    /// # Errors
    ///
    /// - `limit.segment_index` if the stream must end here.
    /// - `misuse` if a slice has another length.
    /// - `misuse` if the index is not above the earlier ones, or is before the run.
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

    /// Begins a data segment, whose plaintext arrives in pieces.
    ///
    /// `plaintext_len` is 1 to `segment_size` bytes.
    ///
    /// # Errors
    ///
    /// - As [`seal_data`](Self::seal_data).
    pub fn begin_data<'s>(
        &'s mut self,
        index: SegmentIndex,
        plaintext_len: usize,
        wire: &'s mut [u8],
    ) -> Result<SegmentSealing<'s>, Error> {
        self.check_index(index)?;
        let payload_len = self.plaintext_len(index, plaintext_len)?;
        let header = self.plan(index, SegmentKind::Data, payload_len);
        self.begin_planned(header, wire)
    }

    /// Seals a data segment of `plaintext_len` bytes, which `codec` has compressed to `payload`.
    ///
    /// `wire` is [`wire_len`](Self::wire_len) of the payload's length. The payload is not checked.
    ///
    /// # Errors
    ///
    /// - As [`seal_data`](Self::seal_data).
    /// - `misuse` if the payload is empty, or not shorter than the plaintext (SV2-COD-001).
    pub fn seal_compressed(
        &mut self,
        index: SegmentIndex,
        codec: Codec,
        plaintext_len: usize,
        payload: &[u8],
        wire: &mut [u8],
    ) -> Result<SealedSegment, Error> {
        self.check_index(index)?;
        let plaintext_len = self.plaintext_len(index, plaintext_len)?;
        let payload_len = u32::try_from(payload.len())
            .ok()
            .filter(|len| codec != Codec::None && (1..plaintext_len).contains(len))
            .ok_or_else(|| {
                let wrong = misuse(Misuse::CodecGains, index);
                wrong.between(payload.len() as u64, 1, u64::from(plaintext_len) - 1)
            })?;
        let plan = self.plan(index, SegmentKind::Data, payload_len);
        let mut sealing = self.begin_planned(SegmentHeader { codec, plaintext_len, ..plan }, wire)?;
        sealing.push(payload)?;
        sealing.finish()
    }

    /// Returns the plaintext_len of a data segment.
    fn plaintext_len(&self, index: SegmentIndex, len: usize) -> Result<u32, Error> {
        let fits = u32::try_from(len).ok().filter(|len| (1..=self.header.segment_size()).contains(len));
        fits.ok_or_else(|| {
            let wrong = misuse(Misuse::PlaintextLen, index);
            wrong.between(len as u64, 1, self.header.segment_size().into())
        })
    }

    /// Begins a data segment with this header.
    fn begin_planned<'s>(
        &'s mut self,
        header: SegmentHeader,
        wire: &'s mut [u8],
    ) -> Result<SegmentSealing<'s>, Error> {
        let index = header.index;
        self.claim(index)?;
        //= spec/stream-v2.md#sv2-dig-004
        //# A writer MUST fill the terminator as §8.3 says.
        let terminator = match self.terminator_len(SegmentKind::Data, index) {
            0 => &[][..],
            _ if index == self.run.first => &self.run.continues,
            _ => &[0; HISTORY_LEN as usize],
        };
        SegmentSealing::begin(&self.header, &mut self.keys, header, terminator, wire)
    }

    /// Seals an index segment.
    ///
    /// `payload` is the result of [`Progress::index_payload`](super::Progress::index_payload).
    ///
    /// `transcript` is T of the segments before it, and `link` the run of the last of them. The
    /// wire is as long as that of a data segment of the same length that begins a run.
    ///
    /// # Errors
    ///
    /// - `limit.segment_index` if the stream must end here.
    /// - `misuse` if no index segment has such a payload (SV2-IDX-003).
    /// - `misuse` if the index is not above the earlier ones.
    pub fn seal_index(
        &mut self,
        index: SegmentIndex,
        payload: &[u8],
        transcript: &Transcript,
        link: &RunLink,
    ) -> Result<(SealedSegment, Vec<u8>), Error> {
        self.check_index(index)?;
        let payload_len = u32::try_from(payload.len())
            .ok()
            .filter(|len| entries_in(&self.header, *len).is_some())
            .ok_or_else(|| misuse(Misuse::IndexPayloadLen, index).with_found(payload.len() as u64))?;
        let mut wire = vec![0; self.wire_len_of(SegmentKind::Index, index, payload_len)];
        let terminator = history_bytes(transcript.bytes(), link);
        let sealed = self.seal(index, SegmentKind::Index, payload, &terminator, &mut wire)?;
        Ok((sealed, wire))
    }

    /// Checks that a data or index segment may have this index (SV2-EPO-002).
    fn check_index(&self, index: SegmentIndex) -> Result<(), Error> {
        let last = self.header.last_segment();
        if index > last {
            let error = Error::new(Detail::LimitSegmentIndex, Offset(0)).in_segment(index.0.into());
            return Err(error.between(index.0.into(), 0, last.0.into()));
        }
        Ok(())
    }

    /// Seals the final segment with `trailer` into `wire` (160 bytes).
    ///
    /// # Errors
    ///
    /// - `misuse` if the wire has another length, or the index is not above the earlier ones.
    pub fn seal_final(
        &mut self,
        index: SegmentIndex,
        trailer: &Trailer,
        wire: &mut [u8],
    ) -> Result<SealedSegment, Error> {
        self.seal(index, SegmentKind::Final, &[], &trailer.to_bytes(), wire)
    }

    /// Returns the bytes of the wire of the final segment.
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
        let payload_len = u32::try_from(payload.len()).map_err(|_| misuse(Misuse::IndexPayloadLen, index))?;
        let header = self.plan(index, kind, payload_len);
        self.claim(index)?;
        let mut sealing = SegmentSealing::begin(&self.header, &mut self.keys, header, terminator, wire)?;
        sealing.push(payload)?;
        sealing.finish()
    }

    /// Claims the index for one sealing. A failed one counts, as its message may be sealed in part.
    fn claim(&mut self, index: SegmentIndex) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-frm-008
        //# A writer MUST NOT seal two different messages under one pair of run_salt and
        //# segment_index.
        match self.next {
            Some(next) if index >= next => {
                self.next = index.next();
                Ok(())
            }
            next => {
                let wrong = misuse(Misuse::SealedTwice, index).with_found(index.0.into());
                Err(next.map_or(wrong, |next| wrong.between(index.0.into(), next.0.into(), u32::MAX.into())))
            }
        }
    }

    /// Returns the header of a segment as far as it is known before sealing.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Allowed;
    use crate::crypto::{ContentKey, RunSalt};
    use crate::wire::{RunLink, StreamParams};

    #[test]
    fn no_index_is_sealed_twice_or_before_the_run() {
        let params = StreamParams { segment_size: 4096, frame_size_log2: 12, ..StreamParams::new([7; 32]) };
        let stream = StreamSealer::new(params, &ContentKey::new([1; 32]), b"").unwrap();
        let run = Run::resuming(RunSalt::new([2; 16]), SegmentIndex(3), Transcript::EMPTY, RunLink::NONE);
        let mut sealer = SegmentSealer::new(&stream, run);
        let mut seal = |index: u32, wire_len: usize| {
            let index = SegmentIndex(index);
            let mut wire = vec![0; wire_len.min(sealer.wire_len(index, 5))];
            sealer.seal_data(index, b"hello", &mut wire).map(|_| ()).map_err(|error| error.rule())
        };
        assert_eq!(seal(2, usize::MAX), Err(Some(Misuse::SealedTwice)));
        assert_eq!(seal(3, usize::MAX), Ok(()));
        assert_eq!(seal(3, usize::MAX), Err(Some(Misuse::SealedTwice)));
        assert_eq!(seal(7, usize::MAX), Ok(()));
        assert_eq!(seal(6, usize::MAX), Err(Some(Misuse::SealedTwice)));
        // A failed sealing counts, too.
        assert_eq!(seal(8, 10), Err(Some(Misuse::WireLen)));
        assert_eq!(seal(8, usize::MAX), Err(Some(Misuse::SealedTwice)));
        assert_eq!(seal(9, usize::MAX), Ok(()));
        let trailer = crate::crypto::Progress::of_writer(&stream).trailer();
        let mut wire = [0; FINAL_WIRE_LEN];
        let again = sealer.seal_final(SegmentIndex(9), &trailer, &mut wire).unwrap_err();
        assert_eq!(again.rule(), Some(Misuse::SealedTwice));
        assert_eq!((again.found(), again.allowed()), (Some(9), Allowed::Between(10, u32::MAX.into())));
        for (len, segment) in [(0, 10), (4097, 10)] {
            let error = sealer.begin_data(SegmentIndex(segment), len, &mut []).err().unwrap();
            assert_eq!(error.rule(), Some(Misuse::PlaintextLen));
            assert_eq!(error.allowed(), Allowed::Between(1, 4096));
        }
        let error = sealer.seal_index(SegmentIndex(10), &[0; 25], &Transcript::EMPTY, &RunLink::NONE);
        assert_eq!(error.unwrap_err().rule(), Some(Misuse::IndexPayloadLen));
        sealer.seal_final(SegmentIndex(10), &trailer, &mut wire).unwrap();
    }
}
