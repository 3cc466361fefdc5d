//! §8.3 and §9: the plaintext of terminators, and the trailer of the final segment.
//!
//! ```text
//! 0 plaintext total u64 | 8 position u64 | 16 distance to the last index segment u64 | 24 transcript (32)
//! ```

use core::ops::Range;

use binrw::binwrite;

use super::encode::encode;
use super::{HeaderV1, SegmentKind};

/// Bytes of the trailer.
pub const TRAILER_LEN: u32 = 56;
/// Bytes of the terminator of a data or index segment that has room for a transcript.
pub(crate) const TRANSCRIPT_LEN: u32 = 32;

/// Plaintext bytes of the terminator of a segment (§8.3): 0, 32 or 56.
#[must_use]
pub const fn terminator_len(stream: &HeaderV1, kind: SegmentKind, run_start: bool) -> u32 {
    match kind {
        SegmentKind::Final => TRAILER_LEN,
        SegmentKind::Index => TRANSCRIPT_LEN,
        SegmentKind::Data if run_start || stream.uniform() => TRANSCRIPT_LEN,
        SegmentKind::Data => 0,
    }
}

/// What a final segment says about the stream before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Plaintext bytes in all data segments.
    pub plaintext_len: u64,
    /// Bytes from the beginning of the body to the final segment.
    pub position: u64,
    /// Bytes from the last index segment to the final segment; 0 where there is none.
    pub index_distance: u64,
    /// The transcript of all data and index segments.
    pub transcript: [u8; 32],
}

impl Trailer {
    /// What the 56 bytes say, for a range reader, which has nothing to compare them with.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; TRAILER_LEN as usize]) -> Self {
        let number = |place: Range<usize>| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[place]);
            u64::from_le_bytes(number)
        };
        let mut transcript = [0; 32];
        transcript.copy_from_slice(&bytes[24..]);
        Self {
            plaintext_len: number(0..8),
            position: number(8..16),
            index_distance: number(16..24),
            transcript,
        }
    }

    /// The 56 bytes that the terminator of a final segment seals. A reader compares them as a whole (SV2-FIN-001).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TRAILER_LEN as usize] {
        encode(&Bytes {
            plaintext_len: self.plaintext_len,
            position: self.position,
            index_distance: self.index_distance,
            transcript: self.transcript,
        })
    }
}

#[binwrite]
#[bw(little)]
struct Bytes {
    plaintext_len: u64,
    position: u64,
    index_distance: u64,
    transcript: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::super::{StreamFlags, StreamParams};
    use super::*;

    #[test]
    fn terminators_are_as_long_as_the_table_says() {
        let stream =
            |flags| HeaderV1::new(StreamParams { flags, ..StreamParams::new([0; 32]) }, [0; 32], 0).unwrap();
        let (uniform, other) = (stream(StreamFlags::UNIFORM), stream(StreamFlags::NONE));
        for run_start in [false, true] {
            assert_eq!(terminator_len(&other, SegmentKind::Final, run_start), 56);
            assert_eq!(terminator_len(&uniform, SegmentKind::Final, run_start), 56);
            assert_eq!(terminator_len(&uniform, SegmentKind::Data, run_start), 32);
            assert_eq!(terminator_len(&other, SegmentKind::Index, run_start), 32);
        }
        assert_eq!(terminator_len(&other, SegmentKind::Data, true), 32);
        assert_eq!(terminator_len(&other, SegmentKind::Data, false), 0);
    }

    #[test]
    fn what_is_written_is_read() {
        let trailer = Trailer { plaintext_len: 1, position: 2, index_distance: 1 << 63, transcript: [4; 32] };
        assert_eq!(Trailer::from_bytes(&trailer.to_bytes()), trailer);
    }
}
