//! §6 Segment header: 96 bytes before every wire.
//!
//! ```text
//!  0 magic (4) | 4 segment_index u32 | 8 kind u8 | 9 codec u8 | 10 digest_alg u16
//! 12 flags u16 | 14 reserved u16
//! 16 key_epoch u32 | 20 data_frames u32 | 24 frame_count u32 | 28 plaintext_len u32
//! 32 payload_len u32 | 36 wire_len u32 | 40 run_salt (16)
//! 56 wire_crc32c u32 | 60 segment_tag (32) | 92 header_crc32c u32
//! ```
//!
//! Bytes 0..56 are the bound prefix. `segment_rules` has the rules for the fields in one stream.

use binrw::binwrite;
use nom::bytes::streaming::{tag, take};
use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::outcome::{Parsed, Step, array, complete, fail, outcome};
use super::{Codec, DigestAlg, SegmentFlags, SegmentKind, crc32c::crc32c, encode::encode};
use crate::limits::SEGMENT_HEADER_LEN;
use crate::{Detail, Error, KeyEpoch, Offset, SegmentIndex};

/// The first 4 bytes of every segment.
pub const SEGMENT_MAGIC: [u8; 4] = *b"SV2S";
/// Bytes of a segment header that are known before sealing and bound to every frame.
pub const BOUND_PREFIX_LEN: usize = 56;
/// Bytes of a segment header that `segment_tag` covers.
pub(crate) const TAGGED_LEN: usize = 60;

/// Offsets of the fields, in bytes from the start of the segment.
pub(crate) mod at {
    pub(crate) const SEGMENT_INDEX: u64 = 4;
    pub(crate) const KIND: u64 = 8;
    pub(crate) const CODEC: u64 = 9;
    pub(crate) const DIGEST_ALG: u64 = 10;
    pub(crate) const FLAGS: u64 = 12;
    pub(crate) const KEY_EPOCH: u64 = 16;
    pub(crate) const DATA_FRAMES: u64 = 20;
    pub(crate) const FRAME_COUNT: u64 = 24;
    pub(crate) const PLAINTEXT_LEN: u64 = 28;
    pub(crate) const PAYLOAD_LEN: u64 = 32;
    pub(crate) const WIRE_LEN: u64 = 36;
    pub(crate) const WIRE_CRC: u64 = 56;
    pub(crate) const SEGMENT_TAG: u64 = 60;
    pub(super) const CRC: usize = 92;
}

/// The fields of a segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The segment's index in the stream.
    pub index: SegmentIndex,
    /// Data, index or final.
    pub kind: SegmentKind,
    /// The compression of the plaintext.
    pub codec: Codec,
    /// The input and algorithm of the digest.
    pub digest_alg: DigestAlg,
    /// REKEY and RUN_START.
    pub flags: SegmentFlags,
    /// The key epoch in which the frames are sealed.
    pub key_epoch: KeyEpoch,
    /// The number of data frames.
    pub data_frames: u32,
    /// The number of all frames.
    pub frame_count: u32,
    /// Plaintext bytes of the stream in this segment.
    pub plaintext_len: u32,
    /// Bytes sealed in the data frames.
    pub payload_len: u32,
    /// Bytes after this header.
    pub wire_len: u32,
    /// The 16 random bytes of the writer run.
    pub run_salt: [u8; 16],
    /// CRC-32C of the wire.
    pub wire_crc32c: u32,
    /// The tag over the first 60 bytes of the header, 32 bytes.
    pub segment_tag: [u8; 32],
}

impl SegmentHeader {
    /// Returns the bytes of the whole segment, header and wire.
    #[must_use]
    pub const fn segment_len(&self) -> u64 {
        SEGMENT_HEADER_LEN as u64 + self.wire_len as u64
    }

    /// Returns the first 56 bytes: associated data of frames, and the digest's first input.
    #[must_use]
    pub fn bound_prefix(&self) -> [u8; BOUND_PREFIX_LEN] {
        encode(&self.prefix())
    }

    /// Returns the first 60 bytes, which `segment_tag` covers.
    #[must_use]
    pub(crate) fn tagged_bytes(&self) -> [u8; TAGGED_LEN] {
        encode(&TaggedBytes { prefix: self.prefix(), wire_crc32c: self.wire_crc32c })
    }

    /// Returns the 96 bytes of the segment header.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let tagged = TaggedBytes { prefix: self.prefix(), wire_crc32c: self.wire_crc32c };
        let mut bytes: [u8; SEGMENT_HEADER_LEN] =
            encode(&SegmentBytes { tagged, segment_tag: self.segment_tag, header_crc32c: 0 });
        let crc = crc32c(&bytes[..at::CRC]);
        bytes[at::CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn prefix(&self) -> PrefixBytes {
        PrefixBytes {
            magic: SEGMENT_MAGIC,
            segment_index: self.index.0,
            kind: self.kind.value(),
            codec: self.codec.value(),
            digest_alg: self.digest_alg.value(),
            flags: self.flags.value(),
            reserved: 0,
            key_epoch: self.key_epoch.0,
            data_frames: self.data_frames,
            frame_count: self.frame_count,
            plaintext_len: self.plaintext_len,
            payload_len: self.payload_len,
            wire_len: self.wire_len,
            run_salt: self.run_salt,
        }
    }
}

/// A segment header in the input: its 96 bytes and their fields.
#[derive(Clone, Copy, Debug)]
pub struct SegmentHeaderView<'a> {
    bytes: &'a [u8; SEGMENT_HEADER_LEN],
    header: SegmentHeader,
}

impl<'a> SegmentHeaderView<'a> {
    /// Parses the segment header at `offset` (steps 1 to 6 of §15.1).
    ///
    /// There are `segments_before` segments before it.
    ///
    /// # Errors
    ///
    /// - The error of the first check that fails, at the offset of the field.
    pub fn parse(input: &'a [u8], offset: Offset, segments_before: u64) -> Result<Parsed<Self>, Error> {
        let header = outcome(raw(input), input, offset)?.and_then(|bytes| {
            let fields = complete(fields(bytes), bytes, offset, Detail::Truncated)?;
            Ok(Self { bytes, header: fields.check(bytes, offset)? })
        });
        header.map_err(|error| error.in_segment(segments_before))
    }

    /// Returns the 96 bytes as they are in the input.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8; SEGMENT_HEADER_LEN] {
        self.bytes
    }

    /// Returns the parsed header.
    #[must_use]
    pub const fn header(&self) -> SegmentHeader {
        self.header
    }
}

/// The fields as they are in the input, unchecked.
struct Fields {
    segment_index: u32,
    kind: u8,
    codec: u8,
    digest_alg: u16,
    flags: u16,
    key_epoch: u32,
    data_frames: u32,
    frame_count: u32,
    plaintext_len: u32,
    payload_len: u32,
    wire_len: u32,
    run_salt: [u8; 16],
    wire_crc32c: u32,
    segment_tag: [u8; 32],
    header_crc32c: u32,
}

impl Fields {
    /// Performs steps 3 to 6 of §15.1.
    fn check(&self, bytes: &[u8; SEGMENT_HEADER_LEN], offset: Offset) -> Result<SegmentHeader, Error> {
        //= spec/stream-v2.md#sv2-seg-003
        //# A reader MUST reject with `malformed.header_crc` a segment header whose header_crc32c
        //# does not match.
        if crc32c(&bytes[..at::CRC]) != self.header_crc32c {
            return Err(Error::new(Detail::MalformedHeaderCrc, offset.plus(at::CRC as u64)));
        }
        //= spec/stream-v2.md#sv2-seg-004
        //# A reader MUST reject with `malformed.reserved` a segment header in which bytes 14..16
        //# are not zero.
        if let Some(place) = (14..16).find(|&place| bytes[place] != 0) {
            return Err(Error::new(Detail::MalformedReserved, offset.plus(place as u64))
                .exactly(bytes[place].into(), 0));
        }
        let unsupported =
            |detail, at, value: u32| Error::new(detail, offset.plus(at)).with_found(value.into());
        //= spec/stream-v2.md#sv2-seg-005
        //# A reader MUST reject with `unsupported.kind` a kind that §20.2 does not list, and never
        //# skip such a segment.
        let kind = SegmentKind::from_value(self.kind).ok_or(unsupported(
            Detail::UnsupportedKind,
            at::KIND,
            self.kind.into(),
        ))?;
        //= spec/stream-v2.md#sv2-seg-006
        //# A reader MUST reject with `unsupported.codec` a codec that it does not implement.
        let codec = Codec::implemented(self.codec).ok_or(unsupported(
            Detail::UnsupportedCodec,
            at::CODEC,
            self.codec.into(),
        ))?;
        //= spec/stream-v2.md#sv2-seg-007
        //# A reader MUST reject with `unsupported.digest_alg` a digest_alg that it does not
        //# implement.
        let digest_alg = DigestAlg::from_value(self.digest_alg).ok_or(unsupported(
            Detail::UnsupportedDigestAlg,
            at::DIGEST_ALG,
            self.digest_alg.into(),
        ))?;
        //= spec/stream-v2.md#sv2-seg-008
        //# A reader MUST reject with `unsupported.flags` a segment header with a flag bit set that
        //# §6 does not assign.
        let flags = SegmentFlags::from_value(self.flags).ok_or(unsupported(
            Detail::UnsupportedFlags,
            at::FLAGS,
            self.flags.into(),
        ))?;
        Ok(SegmentHeader {
            index: SegmentIndex(self.segment_index),
            kind,
            codec,
            digest_alg,
            flags,
            key_epoch: KeyEpoch(self.key_epoch),
            data_frames: self.data_frames,
            frame_count: self.frame_count,
            plaintext_len: self.plaintext_len,
            payload_len: self.payload_len,
            wire_len: self.wire_len,
            run_salt: self.run_salt,
            wire_crc32c: self.wire_crc32c,
            segment_tag: self.segment_tag,
        })
    }
}

fn raw(input: &[u8]) -> Step<'_, &[u8; SEGMENT_HEADER_LEN]> {
    let (rest, bytes) = take(SEGMENT_HEADER_LEN)(input)?;
    match bytes.try_into() {
        Ok(bytes) => Ok((rest, bytes)),
        Err(_) => fail(input, Detail::Truncated),
    }
}

fn fields(input: &[u8]) -> Step<'_, Fields> {
    //= spec/stream-v2.md#sv2-seg-002
    //# A reader MUST reject with `malformed.magic` a segment header that does not begin with the
    //# segment magic.
    let Ok((rest, _)) = tag::<_, _, nom::error::Error<_>>(&SEGMENT_MAGIC[..])(input) else {
        return fail(input, Detail::MalformedMagic);
    };
    let (rest, segment_index) = le_u32(rest)?;
    let (rest, kind) = le_u8(rest)?;
    let (rest, codec) = le_u8(rest)?;
    let (rest, digest_alg) = le_u16(rest)?;
    let (rest, flags) = le_u16(rest)?;
    let (rest, _reserved) = le_u16(rest)?;
    let (rest, key_epoch) = le_u32(rest)?;
    let (rest, data_frames) = le_u32(rest)?;
    let (rest, frame_count) = le_u32(rest)?;
    let (rest, plaintext_len) = le_u32(rest)?;
    let (rest, payload_len) = le_u32(rest)?;
    let (rest, wire_len) = le_u32(rest)?;
    let (rest, run_salt) = array(rest)?;
    let (rest, wire_crc32c) = le_u32(rest)?;
    let (rest, segment_tag) = array(rest)?;
    let (rest, header_crc32c) = le_u32(rest)?;
    let fields = Fields {
        segment_index,
        kind,
        codec,
        digest_alg,
        flags,
        key_epoch,
        data_frames,
        frame_count,
        plaintext_len,
        payload_len,
        wire_len,
        run_salt,
        wire_crc32c,
        segment_tag,
        header_crc32c,
    };
    Ok((rest, fields))
}

#[binwrite]
#[bw(little)]
struct PrefixBytes {
    magic: [u8; 4],
    segment_index: u32,
    kind: u8,
    codec: u8,
    digest_alg: u16,
    flags: u16,
    reserved: u16,
    key_epoch: u32,
    data_frames: u32,
    frame_count: u32,
    plaintext_len: u32,
    payload_len: u32,
    wire_len: u32,
    run_salt: [u8; 16],
}

#[binwrite]
#[bw(little)]
struct TaggedBytes {
    prefix: PrefixBytes,
    wire_crc32c: u32,
}

#[binwrite]
#[bw(little)]
struct SegmentBytes {
    tagged: TaggedBytes,
    segment_tag: [u8; 32],
    header_crc32c: u32,
}

const _: () = assert!(at::CRC + 4 == SEGMENT_HEADER_LEN);
const _: () = assert!(at::WIRE_CRC == BOUND_PREFIX_LEN as u64 && at::SEGMENT_TAG == TAGGED_LEN as u64);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Headers whose values are registered and implemented, whether or not they fit together.
    pub(in crate::wire) fn headers() -> impl Strategy<Value = SegmentHeader> {
        let enums = (
            prop::sample::select(&[SegmentKind::Data, SegmentKind::Index, SegmentKind::Final][..]),
            any::<bool>(),
            0u16..4,
        );
        (enums, any::<[u32; 7]>(), any::<[u8; 16]>(), any::<u32>(), any::<[u8; 32]>()).prop_map(
            |((kind, alg, flags), numbers, run_salt, wire_crc32c, segment_tag)| SegmentHeader {
                index: SegmentIndex(numbers[0]),
                kind,
                codec: Codec::None,
                digest_alg: if alg { DigestAlg::HmacSha3OverTags } else { DigestAlg::Sha3OverFrames },
                flags: SegmentFlags::from_value(flags).unwrap(),
                key_epoch: KeyEpoch(numbers[1]),
                data_frames: numbers[2],
                frame_count: numbers[3],
                plaintext_len: numbers[4],
                payload_len: numbers[5],
                wire_len: numbers[6],
                run_salt,
                wire_crc32c,
                segment_tag,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_parsed_again(header in headers(), offset in 0u64..1 << 50) {
            let bytes = header.to_bytes();
            let (view, consumed) = SegmentHeaderView::parse(&bytes, Offset(offset), 3).unwrap().complete().unwrap();
            prop_assert_eq!(view.header(), header);
            prop_assert_eq!(consumed, SEGMENT_HEADER_LEN);
            prop_assert_eq!(&bytes[..BOUND_PREFIX_LEN], &header.bound_prefix());
            prop_assert_eq!(&bytes[..TAGGED_LEN], &header.tagged_bytes());
        }

        #[test]
        fn every_flipped_bit_is_found_at_its_place(header in headers(), bit in 0usize..96 * 8) {
            let mut bytes = header.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = SegmentHeaderView::parse(&bytes, Offset(1000), 3).unwrap_err();
            let expected = if bit < 32 { (Detail::MalformedMagic, 1000) } else { (Detail::MalformedHeaderCrc, 1092) };
            prop_assert_eq!((error.detail(), error.offset().0, error.segment()), (expected.0, expected.1, Some(3)));
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = SegmentHeaderView::parse(&bytes, Offset(0), 0);
        }
    }
}
