//! §4 Stream header (`HeaderV1`): the first 128 bytes of every stream.
//!
//! ```text
//!   0 magic (8) | 8 version u16 | 10 suite u16 | 12 flags u16
//!  14 frame_size_log2 u8 | 15 reserved
//!  16 segment_size u32 | 20 epoch_segments u32 | 24 plaintext_len u64
//!  32 stream_salt (32)
//!  64 key_id (16) | 80 header_tag (32)
//! 112 envelope_len u32 | 116 reserved (8) | 124 header_crc32c u32
//! ```

use binrw::binwrite;
use nom::bytes::streaming::{tag, take};
use nom::number::streaming::{le_u8, le_u16, le_u32, le_u64};

use super::outcome::{Parsed, Step, array, complete, fail, outcome};
use super::stream_params::{BOUND_LEN, BoundBytes, PLAINTEXT_LEN_UNKNOWN, STREAM_MAGIC, VERSION};
use super::{StreamFlags, StreamParams, Suite, crc32c::crc32c, encode::encode};
use crate::limits::{ENVELOPE_LEN_MAX, STREAM_HEADER_LEN};
use crate::{Detail, Error, Offset, SegmentIndex};

/// Bytes of the stream header before envelope_len. They do not change if the envelope does.
pub const STREAM_FIXED_LEN: usize = 112;

/// Offsets of the fields, in bytes from the start of the stream.
mod at {
    pub(super) const VERSION: u64 = 8;
    pub(super) const SUITE: u64 = 10;
    pub(super) const FLAGS: u64 = 12;
    pub(super) const ENVELOPE_LEN: u64 = super::STREAM_FIXED_LEN as u64;
    pub(super) const CRC: usize = 124;
}

/// A stream header that obeys every rule that can be checked without a key (§4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderV1 {
    params: StreamParams,
    header_tag: [u8; 32],
    envelope_len: u32,
}

impl HeaderV1 {
    /// Creates a stream header from its parameters, their tag and the length of the envelope.
    ///
    /// `envelope_len` is in bytes, without the CRC.
    ///
    /// # Errors
    ///
    /// - As [`StreamParams::check`].
    /// - `limit.envelope_len` or `malformed.envelope_len` if the length of the envelope is not
    ///   allowed.
    pub fn new(params: StreamParams, header_tag: [u8; 32], envelope_len: u32) -> Result<Self, Error> {
        params.check_limits()?;
        check_envelope_limit(envelope_len)?;
        params.check_multiple()?;
        check_envelope_multiple(envelope_len)?;
        Ok(Self { params, header_tag, envelope_len })
    }

    /// Returns whether two headers are of the same stream: their bytes 0..112 are the same.
    #[must_use]
    pub fn is_same_stream(&self, other: &Self) -> bool {
        self.bound_bytes() == other.bound_bytes() && self.header_tag == other.header_tag
    }

    /// Returns the header of the same stream with an envelope of another length (§12.4).
    ///
    /// Bytes 0..112 stay the same.
    ///
    /// # Errors
    ///
    /// - `limit.envelope_len` or `malformed.envelope_len` if the length is not allowed.
    pub fn with_envelope_len(&self, envelope_len: u32) -> Result<Self, Error> {
        Self::new(self.params, self.header_tag, envelope_len)
    }

    /// Returns the parameters.
    #[must_use]
    pub const fn params(&self) -> &StreamParams {
        &self.params
    }

    /// Returns the 32 bytes of `header_tag`.
    #[must_use]
    pub const fn header_tag(&self) -> &[u8; 32] {
        &self.header_tag
    }

    /// Returns the bytes of the envelope without its CRC; 0 if there is none.
    #[must_use]
    pub const fn envelope_len(&self) -> u32 {
        self.envelope_len
    }

    /// Returns the plaintext bytes of a full data frame, F.
    #[must_use]
    pub const fn frame_size(&self) -> u32 {
        1 << self.params.frame_size_log2
    }

    /// Returns the maximum plaintext bytes of a data segment, S.
    #[must_use]
    pub const fn segment_size(&self) -> u32 {
        self.params.segment_size
    }

    /// Returns true if the flag UNIFORM is set.
    #[must_use]
    pub const fn uniform(&self) -> bool {
        self.params.flags.uniform()
    }

    /// Returns the last index that a data or index segment of this stream may have (§14).
    #[must_use]
    pub const fn last_segment(&self) -> SegmentIndex {
        SegmentIndex::last_allowed(self.params.epoch_segments)
    }

    /// Returns the offset of segment 0, after the stream header, the envelope and its CRC (§3).
    #[must_use]
    pub const fn body_offset(&self) -> Offset {
        let envelope = match self.envelope_len {
            0 => 0,
            len => len as u64 + 4,
        };
        Offset(STREAM_HEADER_LEN as u64 + envelope)
    }

    /// Returns the first 80 bytes, which the key schedule and `header_tag` cover.
    #[must_use]
    pub fn bound_bytes(&self) -> [u8; BOUND_LEN] {
        self.params.bound_bytes()
    }

    /// Returns the 128 bytes of the stream header.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STREAM_HEADER_LEN] {
        let mut bytes: [u8; STREAM_HEADER_LEN] = encode(&HeaderBytes {
            bound: self.params.bound(),
            header_tag: self.header_tag,
            envelope_len: self.envelope_len,
            reserved: 0,
            header_crc32c: 0,
        });
        let crc = crc32c(&bytes[..at::CRC]);
        bytes[at::CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// A stream header in the input: its 128 bytes and their fields.
#[derive(Clone, Copy, Debug)]
pub struct HeaderV1View<'a> {
    bytes: &'a [u8; STREAM_HEADER_LEN],
    header: HeaderV1,
}

impl<'a> HeaderV1View<'a> {
    /// Parses the first 128 bytes of a stream (steps 1 to 8 of §15.1).
    ///
    /// # Errors
    ///
    /// - The error of the first check that fails, at the offset of the field.
    pub fn parse(input: &'a [u8]) -> Result<Parsed<Self>, Error> {
        outcome(raw(input), input, Offset(0))?.and_then(|bytes| {
            let fields = complete(fields(bytes), bytes, Offset(0), Detail::Truncated)?;
            Ok(Self { bytes, header: fields.check(bytes)? })
        })
    }

    /// Returns the 128 bytes as they are in the input.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8; STREAM_HEADER_LEN] {
        self.bytes
    }

    /// Returns the parsed header.
    #[must_use]
    pub const fn header(&self) -> HeaderV1 {
        self.header
    }
}

/// The fields as they are in the input, unchecked.
struct Fields {
    version: u16,
    suite: u16,
    flags: u16,
    frame_size_log2: u8,
    segment_size: u32,
    epoch_segments: u32,
    plaintext_len: u64,
    stream_salt: [u8; 32],
    key_id: [u8; 16],
    header_tag: [u8; 32],
    envelope_len: u32,
    header_crc32c: u32,
}

impl Fields {
    /// Performs steps 3 to 8 of §15.1.
    fn check(&self, bytes: &[u8; STREAM_HEADER_LEN]) -> Result<HeaderV1, Error> {
        //= spec/stream-v2.md#sv2-hdr-003
        //# A reader MUST reject with `malformed.header_crc` a stream header whose header_crc32c
        //# does not match.
        if crc32c(&bytes[..at::CRC]) != self.header_crc32c {
            return Err(Error::new(Detail::MalformedHeaderCrc, Offset(at::CRC as u64)));
        }
        //= spec/stream-v2.md#sv2-hdr-004
        //# A reader MUST reject with `unsupported.version` a version other than 1, and check it
        //# only after header_crc32c.
        if self.version != VERSION {
            return Err(Error::new(Detail::UnsupportedVersion, Offset(at::VERSION))
                .exactly(self.version.into(), VERSION.into()));
        }
        //= spec/stream-v2.md#sv2-hdr-005
        //# A reader MUST reject with `malformed.reserved` a stream header in which byte 15 or any
        //# of the bytes 116..124 is not zero.
        if let Some(place) = (15..16).chain(116..124).find(|&place| bytes[place] != 0) {
            return Err(
                Error::new(Detail::MalformedReserved, Offset(place as u64)).exactly(bytes[place].into(), 0)
            );
        }
        //= spec/stream-v2.md#sv2-hdr-006
        //# A reader MUST reject with `unsupported.suite` a suite that it does not implement.
        let suite = Suite::from_value(self.suite)
            .ok_or(Error::new(Detail::UnsupportedSuite, Offset(at::SUITE)).with_found(self.suite.into()))?;
        //= spec/stream-v2.md#sv2-hdr-007
        //# A reader MUST reject with `unsupported.flags` a stream header with a flag bit set that
        //# §4 does not assign.
        let flags = StreamFlags::from_value(self.flags)
            .ok_or(Error::new(Detail::UnsupportedFlags, Offset(at::FLAGS)).with_found(self.flags.into()))?;
        let params = StreamParams {
            suite,
            flags,
            frame_size_log2: self.frame_size_log2,
            segment_size: self.segment_size,
            epoch_segments: self.epoch_segments,
            plaintext_len: (self.plaintext_len != PLAINTEXT_LEN_UNKNOWN).then_some(self.plaintext_len),
            stream_salt: self.stream_salt,
            key_id: self.key_id,
        };
        HeaderV1::new(params, self.header_tag, self.envelope_len)
    }
}

fn check_envelope_limit(envelope_len: u32) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-hdr-012
    //# A reader MUST reject with `limit.envelope_len` an envelope_len above 65,532.
    if envelope_len > ENVELOPE_LEN_MAX {
        return Err(Error::new(Detail::LimitEnvelopeLen, Offset(at::ENVELOPE_LEN)).between(
            envelope_len.into(),
            0,
            ENVELOPE_LEN_MAX.into(),
        ));
    }
    Ok(())
}

fn check_envelope_multiple(envelope_len: u32) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-hdr-013
    //# A reader MUST reject with `malformed.envelope_len` an envelope_len that is not 0 and does
    //# not leave 4 when divided by 8.
    if envelope_len != 0 && envelope_len % 8 != 4 {
        return Err(Error::new(Detail::MalformedEnvelopeLen, Offset(at::ENVELOPE_LEN))
            .with_found(envelope_len.into()));
    }
    Ok(())
}

fn raw(input: &[u8]) -> Step<'_, &[u8; STREAM_HEADER_LEN]> {
    let (rest, bytes) = take(STREAM_HEADER_LEN)(input)?;
    match bytes.try_into() {
        Ok(bytes) => Ok((rest, bytes)),
        Err(_) => fail(input, Detail::Truncated),
    }
}

fn fields(input: &[u8]) -> Step<'_, Fields> {
    //= spec/stream-v2.md#sv2-hdr-002
    //# A reader MUST reject with `malformed.magic` a stream whose first 8 bytes differ from the
    //# magic.
    let Ok((rest, _)) = tag::<_, _, nom::error::Error<_>>(&STREAM_MAGIC[..])(input) else {
        return fail(input, Detail::MalformedMagic);
    };
    let (rest, version) = le_u16(rest)?;
    let (rest, suite) = le_u16(rest)?;
    let (rest, flags) = le_u16(rest)?;
    let (rest, frame_size_log2) = le_u8(rest)?;
    let (rest, _reserved) = le_u8(rest)?;
    let (rest, segment_size) = le_u32(rest)?;
    let (rest, epoch_segments) = le_u32(rest)?;
    let (rest, plaintext_len) = le_u64(rest)?;
    let (rest, stream_salt) = array(rest)?;
    let (rest, key_id) = array(rest)?;
    let (rest, header_tag) = array(rest)?;
    let (rest, envelope_len) = le_u32(rest)?;
    let (rest, _reserved) = le_u64(rest)?;
    let (rest, header_crc32c) = le_u32(rest)?;
    let fields = Fields {
        version,
        suite,
        flags,
        frame_size_log2,
        segment_size,
        epoch_segments,
        plaintext_len,
        stream_salt,
        key_id,
        header_tag,
        envelope_len,
        header_crc32c,
    };
    Ok((rest, fields))
}

#[binwrite]
#[bw(little)]
struct HeaderBytes {
    bound: BoundBytes,
    header_tag: [u8; 32],
    envelope_len: u32,
    reserved: u64,
    header_crc32c: u32,
}

const _: () = assert!(at::CRC + 4 == STREAM_HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params() -> impl Strategy<Value = StreamParams> {
        (
            any::<bool>(),
            12u8..=20,
            1u32..=64,
            any::<u32>(),
            proptest::option::of(0..u64::MAX),
            any::<[u8; 32]>(),
            any::<[u8; 16]>(),
        )
            .prop_map(
                |(uniform, frame_size_log2, frames, epoch_segments, plaintext_len, stream_salt, key_id)| {
                    StreamParams {
                        suite: Suite::XChaCha20Poly1305,
                        flags: StreamFlags::NONE.with(StreamFlags::UNIFORM, uniform),
                        frame_size_log2,
                        segment_size: frames << frame_size_log2,
                        epoch_segments,
                        plaintext_len,
                        stream_salt,
                        key_id,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn what_is_written_is_parsed_again(params in params(), tag: [u8; 32], envelope in 0u32..=8191) {
            let envelope_len = if envelope == 0 { 0 } else { envelope * 8 - 4 };
            let header = HeaderV1::new(params, tag, envelope_len).unwrap();
            let bytes = header.to_bytes();
            let (view, consumed) = HeaderV1View::parse(&bytes).unwrap().complete().unwrap();
            prop_assert_eq!(view.header(), header);
            prop_assert_eq!(consumed, STREAM_HEADER_LEN);
            prop_assert_eq!(&bytes[..BOUND_LEN], &header.bound_bytes());
        }

        #[test]
        fn a_beginning_needs_exactly_the_rest(params in params(), cut in 0usize..128) {
            let bytes = HeaderV1::new(params, [0; 32], 0).unwrap().to_bytes();
            let Parsed::NeedMore(missing) = HeaderV1View::parse(&bytes[..cut]).unwrap() else { panic!() };
            prop_assert_eq!(missing.get(), 128 - cut);
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = HeaderV1View::parse(&bytes);
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = HeaderV1::new(StreamParams::new([9; 32]), [3; 32], 0).unwrap().to_bytes();
        for bit in 0..8 * STREAM_HEADER_LEN {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = HeaderV1View::parse(&damaged).unwrap_err();
            let expected = if bit < 64 { Detail::MalformedMagic } else { Detail::MalformedHeaderCrc };
            assert_eq!(error.detail(), expected, "bit {bit}");
        }
    }
}
