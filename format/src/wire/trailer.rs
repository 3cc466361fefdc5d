//! §8.3 and §9: the plaintext of terminators, and the trailer of the final segment.
//!
//! ```text
//! T || R:  0 transcript (32) | 32 link (20)
//! trailer: 0 plaintext total u64 | 8 position u64 | 16 distance to the last index segment u64
//!         24 transcript (32) | 56 link (20)
//! ```

use core::ops::Range;

use binrw::binwrite;

use super::encode::encode;
use super::link::LINK_LEN;
use super::{HeaderV1, RunLink, SegmentKind};

/// Bytes of the trailer.
pub const TRAILER_LEN: u32 = 76;
/// Bytes of the terminator of a data or index segment that has room for a transcript and a link.
pub const HISTORY_LEN: u32 = 52;

/// Returns the plaintext bytes of a segment's terminator: 0, 52 or 76 (§8.3).
#[must_use]
pub const fn terminator_len(stream: &HeaderV1, kind: SegmentKind, run_start: bool) -> u32 {
    match kind {
        SegmentKind::Final => TRAILER_LEN,
        SegmentKind::Index => HISTORY_LEN,
        SegmentKind::Data if run_start || stream.uniform() => HISTORY_LEN,
        SegmentKind::Data => 0,
    }
}

/// Returns T || R of the segments before, the terminator of a segment that names its history.
#[must_use]
pub(crate) fn history_bytes(transcript: &[u8; 32], link: &RunLink) -> [u8; HISTORY_LEN as usize] {
    let mut bytes = [0; HISTORY_LEN as usize];
    let (transcript_place, link_place) = bytes.split_at_mut(transcript.len());
    transcript_place.copy_from_slice(transcript);
    link_place.copy_from_slice(&link.to_bytes());
    bytes
}

/// Returns the link at the end of a terminator, or `None` if the terminator is too short.
#[must_use]
pub(crate) fn link_at_end(terminator: &[u8]) -> Option<RunLink> {
    terminator.last_chunk::<LINK_LEN>().map(RunLink::from_bytes)
}

/// The statements of a final segment about the stream before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Plaintext bytes in all data segments.
    pub plaintext_len: u64,
    /// Bytes from the beginning of the body to the final segment.
    pub position: u64,
    /// Bytes from the last index segment to the final segment; 0 if there is none.
    pub index_distance: u64,
    /// The transcript of all data and index segments.
    pub transcript: [u8; 32],
    /// The run of the last data or index segment; [`RunLink::NONE`] if there is none.
    pub link: RunLink,
}

impl Trailer {
    /// Parses the 76 bytes, for a range reader, which has nothing to compare them with.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; TRAILER_LEN as usize]) -> Self {
        let number = |place: Range<usize>| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[place]);
            u64::from_le_bytes(number)
        };
        let (mut transcript, mut link) = ([0; 32], [0; LINK_LEN]);
        transcript.copy_from_slice(&bytes[24..56]);
        link.copy_from_slice(&bytes[56..]);
        Self {
            plaintext_len: number(0..8),
            position: number(8..16),
            index_distance: number(16..24),
            transcript,
            link: RunLink::from_bytes(&link),
        }
    }

    /// Returns the 76 bytes that the terminator of a final segment seals.
    ///
    /// A reader compares them as a whole (SV2-FIN-001).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TRAILER_LEN as usize] {
        encode(&Bytes {
            plaintext_len: self.plaintext_len,
            position: self.position,
            index_distance: self.index_distance,
            transcript: self.transcript,
            link: self.link.to_bytes(),
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
    link: [u8; LINK_LEN],
}

#[cfg(test)]
mod tests {
    use super::super::{StreamFlags, StreamParams};
    use super::*;
    use crate::SegmentIndex;

    #[test]
    fn terminators_are_as_long_as_the_table_says() {
        let stream =
            |flags| HeaderV1::new(StreamParams { flags, ..StreamParams::new([0; 32]) }, [0; 32], 0).unwrap();
        let (uniform, other) = (stream(StreamFlags::UNIFORM), stream(StreamFlags::NONE));
        for run_start in [false, true] {
            assert_eq!(terminator_len(&other, SegmentKind::Final, run_start), 76);
            assert_eq!(terminator_len(&uniform, SegmentKind::Final, run_start), 76);
            assert_eq!(terminator_len(&uniform, SegmentKind::Data, run_start), 52);
            assert_eq!(terminator_len(&other, SegmentKind::Index, run_start), 52);
        }
        assert_eq!(terminator_len(&other, SegmentKind::Data, true), 52);
        assert_eq!(terminator_len(&other, SegmentKind::Data, false), 0);
    }

    #[test]
    fn written_trailer_reads_back_with_link() {
        let link = RunLink { run_salt: [5; 16], first: SegmentIndex(6) };
        let trailer =
            Trailer { plaintext_len: 1, position: 2, index_distance: 1 << 63, transcript: [4; 32], link };
        let bytes = trailer.to_bytes();
        assert_eq!(Trailer::from_bytes(&bytes), trailer);
        assert_eq!(
            (&bytes[24..56], &bytes[56..72], &bytes[72..]),
            (&[4; 32][..], &[5; 16][..], &[6, 0, 0, 0][..])
        );
        assert_eq!(link_at_end(&bytes), Some(link));
        let history = history_bytes(&[4; 32], &link);
        assert_eq!(history[..], bytes[24..]);
        assert_eq!(link_at_end(&history[..19]), None);
    }
}
