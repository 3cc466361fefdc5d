//! §7, §8, §9 Sealing one segment, from one slice into another.

use alloc::vec;
use alloc::vec::Vec;

use super::cipher::FramePlace;
use super::digest::DigestState;
use super::run::{RunKeys, SegmentKeys};
use super::{Digest, Run, StreamSealer, Transcript};
use crate::limits::{FINAL_SEGMENT_LEN, SEGMENT_HEADER_LEN};
use crate::wire::{
    BOUND_PREFIX_LEN, Codec, Crc32c, DigestAlg, DigestPlaintext, FRAME_HEADER_LEN, FrameHeader, FrameLayout,
    FrameType, HeaderV1, SegmentHeader, SegmentKind, TAG_LEN, Trailer, entries_in, wire_len,
};
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
        self.check_index(index)?;
        let payload_len = u32::try_from(plaintext.len())
            .ok()
            .filter(|len| (1..=self.header.segment_size()).contains(len))
            .ok_or_else(|| misuse(index, plaintext.len() as u64))?;
        let continues = *self.run.continues.bytes();
        //= spec/stream-v2.md#sv2-dig-004
        //# A writer MUST fill the terminator as §8.3 says.
        let terminator = match self.terminator_len(SegmentKind::Data, index) {
            0 => &[][..],
            _ if index == self.run.first => &continues,
            _ => &[0; 32],
        };
        self.seal(index, SegmentKind::Data, payload_len, Parts { payload: plaintext, terminator }, wire)
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
        let parts = Parts { payload, terminator: transcript.bytes() };
        let sealed = self.seal(index, SegmentKind::Index, payload_len, parts, &mut wire)?;
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
        let terminator = trailer.to_bytes();
        self.seal(index, SegmentKind::Final, 0, Parts { payload: &[], terminator: &terminator }, wire)
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
        payload_len: u32,
        parts: Parts<'_>,
        wire: &mut [u8],
    ) -> Result<SealedSegment, Error> {
        let mut header = self.plan(index, kind, payload_len);
        if wire.len() as u64 != u64::from(header.wire_len) {
            return Err(misuse(index, wire.len() as u64));
        }
        let layout = FrameLayout::new(&self.header, &header);
        let keys = self.keys.for_segment(&header);
        let (digest, wire_crc32c) = seal_frames(keys, &header, layout, parts, wire)?;
        header.wire_crc32c = wire_crc32c;
        header.segment_tag = self.keys.stream().segment.hmac(&[&header.tagged_bytes()]);
        Ok(SealedSegment { header, digest })
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

/// What goes into the frames besides the digest.
struct Parts<'a> {
    payload: &'a [u8],
    terminator: &'a [u8],
}

fn misuse(index: SegmentIndex, found: u64) -> Error {
    Error::new(Detail::Misuse, Offset(0)).in_segment(index.0.into()).found(found)
}

/// Seals all frames of a segment in order, each byte touched while it is in the cache: AEAD, digest, CRC.
fn seal_frames(
    keys: &SegmentKeys,
    header: &SegmentHeader,
    layout: FrameLayout,
    parts: Parts<'_>,
    wire: &mut [u8],
) -> Result<(Digest, u32), Error> {
    let bound_prefix = header.bound_prefix();
    let mut digest = DigestState::new(header.digest_alg, &keys.digest, &bound_prefix);
    let mut frames =
        FrameWriter { keys, bound_prefix: &bound_prefix, index: header.index, frame_index: 0, rest: wire };
    let mut crc = Crc32c::new();
    let mut payload = parts.payload;
    for frame_header in layout.headers().filter(|frame| frame.frame_type == FrameType::Data) {
        let (now, later) = payload.split_at_checked(frame_header.len as usize).unwrap_or((payload, &[]));
        let frame = frames.write(FrameType::Data, now)?;
        digest.data_frame(frame, &frame[frame.len() - TAG_LEN..]);
        crc.update(frame);
        payload = later;
    }
    let digest = digest.finish();
    //= spec/stream-v2.md#sv2-dig-001
    //# A writer MUST put the digest of §8.1 into the digest frame.
    let digest_plaintext = DigestPlaintext { digest_alg: header.digest_alg, digest: digest.0 }.to_bytes();
    crc.update(frames.write(FrameType::Digest, &digest_plaintext)?);
    crc.update(frames.write(FrameType::Terminator, parts.terminator)?);
    Ok((digest, crc.finish()))
}

/// Writes frame after frame into the wire.
struct FrameWriter<'a> {
    keys: &'a SegmentKeys,
    bound_prefix: &'a [u8; BOUND_PREFIX_LEN],
    index: SegmentIndex,
    frame_index: u32,
    rest: &'a mut [u8],
}

impl<'a> FrameWriter<'a> {
    /// Seals `plaintext` as the next frame and returns the frame.
    fn write(&mut self, frame_type: FrameType, plaintext: &[u8]) -> Result<&'a [u8], Error> {
        let wrong = misuse(self.index, plaintext.len() as u64);
        let len = u32::try_from(plaintext.len()).map_err(|_| wrong)?;
        let header = FrameHeader { frame_type, len };
        let rest = core::mem::take(&mut self.rest);
        let (frame, rest) = rest.split_at_mut_checked(header.frame_len()).ok_or(wrong)?;
        let (head, sealed) = frame.split_at_mut(FRAME_HEADER_LEN);
        let (ciphertext, tag) = sealed.split_at_mut(plaintext.len());
        head.copy_from_slice(&header.to_bytes());
        let place = FramePlace {
            segment: self.index,
            frame_index: self.frame_index,
            bound_prefix: self.bound_prefix,
            header,
        };
        //= spec/stream-v2.md#sv2-frm-007
        //# A writer MUST seal each frame under the nonce and the associated data of §7.
        let sealed_tag = self.keys.cipher.seal(&place, plaintext, ciphertext).map_err(|_| wrong)?;
        tag.copy_from_slice(&sealed_tag);
        self.frame_index += 1;
        self.rest = rest;
        Ok(frame)
    }
}
