//! §4 Stream parameters: the choices of a writer's caller.
//!
//! Together with magic and version they are the first 80 bytes of a stream.

use binrw::binwrite;

use super::{StreamFlags, Suite, encode::encode};
use crate::limits::{
    FRAME_SIZE_LOG2_MAX, FRAME_SIZE_LOG2_MIN, SEGMENT_SIZE_MAX, SUITE2_EPOCH_SEGMENTS, SUITE2_RUN_BYTES_MAX,
};
use crate::{Detail, Error, Offset};

/// The first 8 bytes of every stream.
pub const STREAM_MAGIC: [u8; 8] = *b"\x89SV2\r\n\x1a\n";
/// The version that this edition writes and reads.
pub(super) const VERSION: u16 = 1;
/// Bytes of the stream header that the key schedule and `header_tag` cover (§5).
pub(crate) const BOUND_LEN: usize = 80;
/// The value of an unknown `plaintext_len`.
pub(super) const PLAINTEXT_LEN_UNKNOWN: u64 = u64::MAX;

/// Offsets of the fields, in bytes from the start of the stream.
mod at {
    pub(super) const FRAME_SIZE_LOG2: u64 = 14;
    pub(super) const SEGMENT_SIZE: u64 = 16;
    pub(super) const EPOCH_SEGMENTS: u64 = 20;
}

/// The parameters of a stream, which the caller of a writer chooses.
///
/// `header_tag` authenticates them.
///
/// # Examples
///
/// ```
/// use stream_v2_format::wire::{Suite, StreamParams};
///
/// let params = StreamParams::new([7; 32]).with_frame_size_log2(12).with_segment_size(1 << 16);
/// assert_eq!((params.suite, params.segment_size), (Suite::XChaCha20Poly1305, 65_536));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamParams {
    /// AEAD, key schedule and tags.
    pub suite: Suite,
    /// UNIFORM, or no flag.
    pub flags: StreamFlags,
    /// Plaintext bytes of a full data frame, as a power of two: 12 to 24.
    pub frame_size_log2: u8,
    /// Maximum plaintext bytes of a data segment: a multiple of the frame size, at most 2^26.
    pub segment_size: u32,
    /// Segments in a key epoch; 0 is a single epoch.
    pub epoch_segments: u32,
    /// Plaintext bytes of the whole stream, if known at the start.
    pub plaintext_len: Option<u64>,
    /// 32 bytes from the operating system's random generator.
    pub stream_salt: [u8; 32],
    /// 16 bytes that name the content key; not secret.
    pub key_id: [u8; 16],
}

impl StreamParams {
    /// Creates the default parameters.
    ///
    /// They are suite 0x0001, UNIFORM, frames of 64 KiB, segments of 1 MiB, a single epoch and
    /// unknown length.
    #[must_use]
    pub const fn new(stream_salt: [u8; 32]) -> Self {
        Self {
            suite: Suite::XChaCha20Poly1305,
            flags: StreamFlags::UNIFORM,
            frame_size_log2: 16,
            segment_size: 1 << 20,
            epoch_segments: 0,
            plaintext_len: None,
            stream_salt,
            key_id: [0; 16],
        }
    }

    /// Sets the suite.
    #[must_use]
    pub const fn with_suite(self, suite: Suite) -> Self {
        Self { suite, ..self }
    }

    /// Sets the flags.
    #[must_use]
    pub const fn with_flags(self, flags: StreamFlags) -> Self {
        Self { flags, ..self }
    }

    /// Sets or clears the flag UNIFORM.
    #[must_use]
    pub const fn with_uniform(self, uniform: bool) -> Self {
        self.with_flags(StreamFlags::NONE.with(StreamFlags::UNIFORM, uniform))
    }

    /// Sets the frame size, as a power of two: 12 to 24, for 4 KiB to 16 MiB.
    #[must_use]
    pub const fn with_frame_size_log2(self, frame_size_log2: u8) -> Self {
        Self { frame_size_log2, ..self }
    }

    /// Sets the segment size, in bytes: a multiple of the frame size, at most 2^26.
    #[must_use]
    pub const fn with_segment_size(self, segment_size: u32) -> Self {
        Self { segment_size, ..self }
    }

    /// Sets the number of segments in a key epoch; 0 is a single epoch.
    #[must_use]
    pub const fn with_epoch_segments(self, epoch_segments: u32) -> Self {
        Self { epoch_segments, ..self }
    }

    /// Sets the number of plaintext bytes of the whole stream, or `None` if unknown.
    #[must_use]
    pub const fn with_plaintext_len(self, plaintext_len: Option<u64>) -> Self {
        Self { plaintext_len, ..self }
    }

    /// Sets the stream salt.
    #[must_use]
    pub const fn with_stream_salt(self, stream_salt: [u8; 32]) -> Self {
        Self { stream_salt, ..self }
    }

    /// Sets the 16 bytes that name the content key.
    #[must_use]
    pub const fn with_key_id(self, key_id: [u8; 16]) -> Self {
        Self { key_id, ..self }
    }

    /// Returns the default `epoch_segments` of a writer (SV2-HDR-011).
    ///
    /// With suite 0x0001 it is 0, a single epoch. With suite 0x0002 it is 65,536, or the number of
    /// segments of this size that one key may seal if that is smaller.
    #[must_use]
    pub fn default_epoch(&self) -> u32 {
        match self.suite {
            Suite::XChaCha20Poly1305 => 0,
            Suite::Aes256Gcm => {
                let segments = SUITE2_RUN_BYTES_MAX / u64::from(self.segment_size.max(1));
                u32::try_from(segments).map_or(SUITE2_EPOCH_SEGMENTS, |most| most.min(SUITE2_EPOCH_SEGMENTS))
            }
        }
    }

    /// Checks the parameters (step 7 and the first half of step 8 of §15.1).
    ///
    /// # Errors
    ///
    /// - `limit.frame_size`, `limit.segment_size` or `limit.epoch_segments` if that field is out of
    ///   range.
    /// - `malformed.segment_size` if `segment_size` is not a multiple of the frame size.
    pub fn check(&self) -> Result<(), Error> {
        self.check_limits()?;
        self.check_multiple()
    }

    pub(super) fn check_limits(&self) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-hdr-008
        //# A reader MUST reject with `limit.frame_size` a frame_size_log2 below 12 or above 24.
        if !(FRAME_SIZE_LOG2_MIN..=FRAME_SIZE_LOG2_MAX).contains(&self.frame_size_log2) {
            return Err(Error::new(Detail::LimitFrameSize, Offset(at::FRAME_SIZE_LOG2)).between(
                self.frame_size_log2.into(),
                FRAME_SIZE_LOG2_MIN.into(),
                FRAME_SIZE_LOG2_MAX.into(),
            ));
        }
        let frame_size = 1 << self.frame_size_log2;
        //= spec/stream-v2.md#sv2-hdr-009
        //# A reader MUST reject with `limit.segment_size` a segment_size below F or above 2^26.
        if !(frame_size..=SEGMENT_SIZE_MAX).contains(&self.segment_size) {
            return Err(Error::new(Detail::LimitSegmentSize, Offset(at::SEGMENT_SIZE)).between(
                self.segment_size.into(),
                frame_size.into(),
                SEGMENT_SIZE_MAX.into(),
            ));
        }
        //= spec/stream-v2.md#sv2-hdr-011
        //# Where suite is 0x0002, a reader MUST reject with `limit.epoch_segments` an
        //# epoch_segments of 0, and one for which epoch_segments × segment_size is above 2^40.
        let epoch_max = SUITE2_RUN_BYTES_MAX / u64::from(self.segment_size);
        if self.suite == Suite::Aes256Gcm && !(1..=epoch_max).contains(&self.epoch_segments.into()) {
            return Err(Error::new(Detail::LimitEpochSegments, Offset(at::EPOCH_SEGMENTS)).between(
                self.epoch_segments.into(),
                1,
                epoch_max,
            ));
        }
        Ok(())
    }

    pub(super) fn check_multiple(&self) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-hdr-010
        //# A reader MUST reject with `malformed.segment_size` a segment_size that is not a multiple
        //# of F.
        if !self.segment_size.is_multiple_of(1 << self.frame_size_log2) {
            return Err(Error::new(Detail::MalformedSegmentSize, Offset(at::SEGMENT_SIZE))
                .with_found(self.segment_size.into()));
        }
        Ok(())
    }

    /// Returns the first 80 bytes, which the key schedule and `header_tag` cover (§5).
    #[must_use]
    pub(crate) fn bound_bytes(&self) -> [u8; BOUND_LEN] {
        encode(&self.bound())
    }

    pub(super) fn bound(&self) -> BoundBytes {
        BoundBytes {
            magic: STREAM_MAGIC,
            version: VERSION,
            suite: self.suite.value(),
            flags: self.flags.value(),
            frame_size_log2: self.frame_size_log2,
            reserved: 0,
            segment_size: self.segment_size,
            epoch_segments: self.epoch_segments,
            plaintext_len: self.plaintext_len.unwrap_or(PLAINTEXT_LEN_UNKNOWN),
            stream_salt: self.stream_salt,
            key_id: self.key_id,
        }
    }
}

#[binwrite]
#[bw(little)]
pub(super) struct BoundBytes {
    magic: [u8; 8],
    version: u16,
    suite: u16,
    flags: u16,
    frame_size_log2: u8,
    reserved: u8,
    segment_size: u32,
    epoch_segments: u32,
    plaintext_len: u64,
    stream_salt: [u8; 32],
    key_id: [u8; 16],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_epoch_fits_every_segment_size() {
        let mut params = StreamParams::new([0; 32]);
        assert_eq!(params.default_epoch(), 0);
        params.suite = Suite::Aes256Gcm;
        assert!(params.check().is_err());
        for (segment_size, epoch) in [
            (1 << 16, 65_536),
            (1 << 20, 65_536),
            (1 << 24, 65_536),
            ((1 << 24) + (1 << 16), 65_280),
            (1 << 26, 16_384),
        ] {
            params.segment_size = segment_size;
            params.epoch_segments = params.default_epoch();
            assert_eq!(params.epoch_segments, epoch);
            params.check().unwrap();
            params.epoch_segments += 1;
            assert_eq!(params.check().is_ok(), segment_size < 1 << 24, "{segment_size}");
        }
    }
}
