//! §6, §13 and §14: the allowed values of a segment header's fields, given the stream header.

use super::segment_header::at;
use super::{Codec, HeaderV1, SegmentHeader, SegmentKind, entries_in, terminator_len};
use crate::limits::{FRAME_OVERHEAD, KEY_EPOCH_MAX};
use crate::wire::DIGEST_PLAINTEXT_LEN;
use crate::{Detail, Error, Offset, SegmentIndex};

/// Checks a segment header at `offset` (steps 7 and 8 of §15.1).
///
/// There are `segments_before` segments before it.
///
/// A kind or codec that this crate does not implement is not checked here, as the parser rejects
/// it.
///
/// # Errors
///
/// - The error of the first rule that the header breaks, at the offset of the field.
pub fn check_segment(
    stream: &HeaderV1,
    header: &SegmentHeader,
    offset: Offset,
    segments_before: u64,
) -> Result<(), Error> {
    let rules = Rules { stream, header, offset };
    rules
        .limits()
        .and_then(|()| rules.kind())
        .and_then(|()| rules.flags_and_epoch())
        .and_then(|()| rules.lengths())
        .map_err(|error| error.in_segment(segments_before))
}

/// Returns the wire_len of a segment with this payload: all of its frames, in bytes (§6).
#[must_use]
pub fn wire_len(stream: &HeaderV1, kind: SegmentKind, run_start: bool, payload_len: u32) -> u64 {
    let data_frames = u64::from(payload_len.div_ceil(stream.frame_size()));
    let overhead = FRAME_OVERHEAD as u64 * (data_frames + 2);
    let closing = u64::from(DIGEST_PLAINTEXT_LEN) + u64::from(terminator_len(stream, kind, run_start));
    u64::from(payload_len) + overhead + closing
}

struct Rules<'a> {
    stream: &'a HeaderV1,
    header: &'a SegmentHeader,
    offset: Offset,
}

impl Rules<'_> {
    fn error(&self, detail: Detail, at: u64) -> Error {
        Error::new(detail, self.offset.plus(at))
    }

    /// Checks limits (step 7 of §15.1).
    fn limits(&self) -> Result<(), Error> {
        let (stream, header) = (self.stream, self.header);
        let last = stream.last_segment();
        let size = stream.segment_size();
        //= spec/stream-v2.md#sv2-seg-009
        //# A reader MUST reject with `limit.segment_index` a data or index segment whose
        //# segment_index is above the last one that §14 allows.
        if header.kind != SegmentKind::Final && header.index > last {
            let error = self.error(Detail::LimitSegmentIndex, at::SEGMENT_INDEX);
            return Err(error.between(header.index.0.into(), 0, last.0.into()));
        }
        //= spec/stream-v2.md#sv2-seg-010
        //# A reader MUST reject with `limit.key_epoch` a key_epoch above 65,535.
        at_most(header.key_epoch.0, KEY_EPOCH_MAX, self.error(Detail::LimitKeyEpoch, at::KEY_EPOCH))?;
        //= spec/stream-v2.md#sv2-seg-011
        //# A reader MUST reject with `limit.plaintext_len` a plaintext_len above S.
        at_most(header.plaintext_len, size, self.error(Detail::LimitPlaintextLen, at::PLAINTEXT_LEN))?;
        //= spec/stream-v2.md#sv2-seg-012
        //# A reader MUST reject with `limit.payload_len` a payload_len above S.
        at_most(header.payload_len, size, self.error(Detail::LimitPayloadLen, at::PAYLOAD_LEN))
    }

    /// Checks kind and codec (step 8 of §15.1).
    fn kind(&self) -> Result<(), Error> {
        let kind = self.header.kind;
        //= spec/stream-v2.md#sv2-seg-013
        //# A reader MUST reject with `malformed.kind` an index segment in a stream with UNIFORM.
        if self.stream.uniform() && kind == SegmentKind::Index {
            return Err(self.error(Detail::MalformedKind, at::KIND).with_found(kind.value().into()));
        }
        //= spec/stream-v2.md#sv2-seg-014
        //# A reader MUST reject with `malformed.codec` a codec other than 0 in an index segment, in
        //# a final segment, or in a stream with UNIFORM.
        if (self.stream.uniform() || kind != SegmentKind::Data) && self.header.codec != Codec::None {
            let found = self.header.codec.value();
            return Err(self.error(Detail::MalformedCodec, at::CODEC).exactly(found.into(), 0));
        }
        Ok(())
    }

    /// Checks flags and `key_epoch` (step 8 of §15.1).
    fn flags_and_epoch(&self) -> Result<(), Error> {
        let header = self.header;
        let epoch_segments = self.stream.params().epoch_segments;
        //= spec/stream-v2.md#sv2-seg-015
        //# A reader MUST reject with `malformed.flags` a segment of segment_index 0 without
        //# RUN_START, wherever it stands.
        let run_start_missing = header.index == SegmentIndex::FIRST && !header.flags.run_start();
        //= spec/stream-v2.md#sv2-seg-016
        //# A reader MUST reject with `malformed.flags` a segment in which REKEY is set and §13 does
        //# not call for it, or is not set and §13 calls for it.
        if run_start_missing || header.flags.rekey() != header.index.begins_epoch(epoch_segments) {
            return Err(self
                .error(Detail::MalformedFlags, at::FLAGS)
                .with_found(header.flags.value().into()));
        }
        let epoch = header.index.key_epoch(epoch_segments);
        //= spec/stream-v2.md#sv2-seg-017
        //# A reader MUST reject with `malformed.key_epoch` a key_epoch that differs from the value
        //# in §13.
        exactly(header.key_epoch.0, epoch.0.into(), self.error(Detail::MalformedKeyEpoch, at::KEY_EPOCH))
    }

    /// Checks lengths and counts (step 8 of §15.1).
    fn lengths(&self) -> Result<(), Error> {
        let (stream, header) = (self.stream, self.header);
        //= spec/stream-v2.md#sv2-seg-018
        //# A reader MUST reject with `malformed.plaintext_len` a plaintext_len of 0 in a data
        //# segment, and one other than 0 in an index or final segment.
        if (header.kind == SegmentKind::Data) != (header.plaintext_len > 0) {
            let error = self.error(Detail::MalformedPlaintextLen, at::PLAINTEXT_LEN);
            return Err(error.with_found(header.plaintext_len.into()));
        }
        if !self.payload_len_fits() {
            let error = self.error(Detail::MalformedPayloadLen, at::PAYLOAD_LEN);
            return Err(error.with_found(header.payload_len.into()));
        }
        //= spec/stream-v2.md#sv2-seg-020
        //# A reader MUST reject with `malformed.data_frames` a data_frames that differs from
        //# ceil(payload_len / F).
        let data_frames = header.payload_len.div_ceil(stream.frame_size());
        exactly(
            header.data_frames,
            data_frames.into(),
            self.error(Detail::MalformedDataFrames, at::DATA_FRAMES),
        )?;
        //= spec/stream-v2.md#sv2-seg-021
        //# A reader MUST reject with `malformed.frame_count` a frame_count that differs from
        //# data_frames + 2.
        let frame_count = u64::from(data_frames) + 2;
        exactly(header.frame_count, frame_count, self.error(Detail::MalformedFrameCount, at::FRAME_COUNT))?;
        //= spec/stream-v2.md#sv2-seg-022
        //# A reader MUST reject with `malformed.wire_len` a wire_len that differs from payload_len
        //# + 24 × frame_count + 36 + terminator_len.
        let wire_len = wire_len(stream, header.kind, header.flags.run_start(), header.payload_len);
        exactly(header.wire_len, wire_len, self.error(Detail::MalformedWireLen, at::WIRE_LEN))
    }

    fn payload_len_fits(&self) -> bool {
        let (payload, plaintext) = (self.header.payload_len, self.header.plaintext_len);
        match self.header.kind {
            //= spec/stream-v2.md#sv2-seg-019
            //# A reader MUST reject with `malformed.payload_len` a payload_len that differs from
            //# plaintext_len in a data segment of codec 0,
            SegmentKind::Data if self.header.codec == Codec::None => payload == plaintext,
            //= spec/stream-v2.md#sv2-seg-019
            //# that is 0 or not below plaintext_len in a data segment of another codec,
            SegmentKind::Data => (1..plaintext).contains(&payload),
            //= spec/stream-v2.md#sv2-seg-019
            //# that is not 0 in a final segment,
            SegmentKind::Final => payload == 0,
            //= spec/stream-v2.md#sv2-seg-019
            //# or that §11 does not allow in an index segment.
            //= spec/stream-v2.md#sv2-idx-003
            //# A reader MUST reject with `malformed.payload_len` an index segment whose payload_len
            //# is not 24 + 24 × k for a k from 1 to n.
            SegmentKind::Index => entries_in(self.stream, payload).is_some(),
        }
    }
}

fn at_most(found: u32, limit: u32, error: Error) -> Result<(), Error> {
    if found > limit { Err(error.between(found.into(), 0, limit.into())) } else { Ok(()) }
}

fn exactly(found: u32, derived: u64, error: Error) -> Result<(), Error> {
    if u64::from(found) == derived { Ok(()) } else { Err(error.exactly(found.into(), derived)) }
}

#[cfg(test)]
mod tests {
    use super::super::{SegmentFlags, StreamParams};
    use super::*;
    use crate::KeyEpoch;
    use proptest::prelude::*;

    fn stream(flags: super::super::StreamFlags, epoch_segments: u32) -> HeaderV1 {
        let params = StreamParams {
            flags,
            frame_size_log2: 12,
            segment_size: 8192,
            epoch_segments,
            ..StreamParams::new([0; 32])
        };
        HeaderV1::new(params, [0; 32], 0).unwrap()
    }

    fn full_segment(index: u32) -> SegmentHeader {
        let flags = SegmentFlags::NONE.with(SegmentFlags::RUN_START, index == 0);
        SegmentHeader {
            index: SegmentIndex(index),
            kind: SegmentKind::Data,
            codec: Codec::None,
            digest_alg: super::super::DigestAlg::HmacSha3OverTags,
            flags,
            key_epoch: KeyEpoch(0),
            data_frames: 2,
            frame_count: 4,
            plaintext_len: 8192,
            payload_len: 8192,
            wire_len: 8192 + 4 * 24 + 36 + if index == 0 { 52 } else { 0 },
            run_salt: [0; 16],
            wire_crc32c: 0,
            segment_tag: [0; 32],
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        let stream = stream(super::super::StreamFlags::NONE, 0);
        let good = full_segment(1);
        assert_eq!(check_segment(&stream, &good, Offset(0), 1), Ok(()));
        let faults: [(SegmentHeader, Detail); 10] = [
            (SegmentHeader { index: SegmentIndex(u32::MAX), ..good }, Detail::LimitSegmentIndex),
            (SegmentHeader { key_epoch: KeyEpoch(65_536), ..good }, Detail::LimitKeyEpoch),
            (SegmentHeader { plaintext_len: 8193, ..good }, Detail::LimitPlaintextLen),
            (SegmentHeader { payload_len: 8193, ..good }, Detail::LimitPayloadLen),
            (SegmentHeader { flags: SegmentFlags::REKEY, ..good }, Detail::MalformedFlags),
            (SegmentHeader { key_epoch: KeyEpoch(1), ..good }, Detail::MalformedKeyEpoch),
            (SegmentHeader { plaintext_len: 0, ..good }, Detail::MalformedPlaintextLen),
            (SegmentHeader { payload_len: 8191, ..good }, Detail::MalformedPayloadLen),
            (SegmentHeader { data_frames: 3, ..good }, Detail::MalformedDataFrames),
            (SegmentHeader { frame_count: 3, ..good }, Detail::MalformedFrameCount),
        ];
        for (header, detail) in faults {
            assert_eq!(check_segment(&stream, &header, Offset(0), 1).unwrap_err().detail(), detail);
        }
    }

    #[test]
    fn uniform_streams_have_segments_of_one_size() {
        let uniform = stream(super::super::StreamFlags::UNIFORM, 0);
        let first = wire_len(&uniform, SegmentKind::Data, true, 8192);
        assert_eq!(first, wire_len(&uniform, SegmentKind::Data, false, 8192));
        assert_eq!(first, 8192 + 24 * 4 + 36 + 52);
    }

    proptest! {
        #[test]
        fn accepted_fields_are_within_stream_header(header in super::super::segment_header::tests::headers()) {
            let stream = stream(super::super::StreamFlags::NONE, 0);
            if check_segment(&stream, &header, Offset(0), 0).is_ok() {
                prop_assert!(header.wire_len <= 8192 + 24 * 4 + 36 + 76);
            }
        }
    }
}
