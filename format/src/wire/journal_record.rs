//! §18.2 Journal record: 136 bytes for each commit, and for an ending.
//!
//! This file knows structure and checksum; the tag belongs to `crypto`.
//!
//! ```text
//!   0 sequence u64 | 8 record_type u8 | 9 reserved (3) | 12 segment_index u32
//!  16 position u64 | 24 plaintext_len u64
//!  32 segment_tag (32) | 64 transcript (32) | 96 run_first u32
//! 100 record_mac (32) | 132 record_crc32c u32
//! ```

use binrw::binwrite;
use nom::number::streaming::{le_u8, le_u32, le_u64};

use super::crc32c::crc32c;
use super::encode::{encode, with_mac_and_crc};
use super::outcome::{Step, array};
use super::{JournalRecordType, Trailer};
use crate::SegmentIndex;

/// Bytes of a journal record.
pub const JOURNAL_RECORD_LEN: usize = 136;

const BOUND_LEN: usize = 100;
const CRC_AT: usize = 132;

/// The fields of a journal record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// One more than that of the previous record.
    pub sequence: u64,
    /// Commit or ending.
    pub record_type: JournalRecordType,
    /// The last committed segment; in an ending, the final segment.
    pub index: SegmentIndex,
    /// The position of that segment, in bytes from the beginning of the body.
    pub position: u64,
    /// Plaintext bytes in the stream, up to and including that segment.
    pub plaintext_len: u64,
    /// The tag of that segment; zero in an ending.
    pub segment_tag: [u8; 32],
    /// The transcript (T) after that segment; in an ending, that of the trailer.
    pub transcript: [u8; 32],
    /// The first segment of the run that sealed that segment; 0 in an ending.
    pub run_first: SegmentIndex,
}

impl JournalRecord {
    /// Returns an ending (§18.2).
    ///
    /// A final segment `index` with this trailer is about to be written, or was verified.
    ///
    /// The journal sets the sequence.
    #[must_use]
    pub const fn ending(index: SegmentIndex, trailer: &Trailer) -> Self {
        Self {
            sequence: 0,
            record_type: JournalRecordType::Ending,
            index,
            position: trailer.position,
            plaintext_len: trailer.plaintext_len,
            segment_tag: [0; 32],
            transcript: trailer.transcript,
            run_first: SegmentIndex::FIRST,
        }
    }

    /// Returns the first 100 bytes, which `record_mac` covers.
    #[must_use]
    pub fn bound_bytes(&self) -> [u8; BOUND_LEN] {
        encode(&RecordBytes {
            sequence: self.sequence,
            record_type: self.record_type.value(),
            reserved: [0; 3],
            segment_index: self.index.0,
            position: self.position,
            plaintext_len: self.plaintext_len,
            segment_tag: self.segment_tag,
            transcript: self.transcript,
            run_first: self.run_first.0,
        })
    }

    /// Returns the 136 bytes of the record, with its `record_mac`.
    #[must_use]
    pub fn to_bytes(&self, record_mac: &[u8; 32]) -> [u8; JOURNAL_RECORD_LEN] {
        with_mac_and_crc(&self.bound_bytes(), record_mac)
    }
}

/// A journal record in the input, well formed but not yet authenticated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct JournalRecordView {
    /// The parsed record.
    pub record: JournalRecord,
    /// The HMAC under K_journal, 32 bytes.
    pub record_mac: [u8; 32],
}

impl JournalRecordView {
    /// Parses the record at the beginning of `input`.
    ///
    /// Returns `None` at the end of the journal. The journal ends at a record that is incomplete,
    /// has a wrong checksum or is of no assigned type (SV2-JRN-007).
    #[must_use]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let bytes = input.get(..JOURNAL_RECORD_LEN)?;
        if bytes[CRC_AT..] != crc32c(&bytes[..CRC_AT]).to_le_bytes() {
            return None;
        }
        let (_, (record_type, reserved, view)) = record(bytes).ok()?;
        let record_type = JournalRecordType::from_value(record_type).filter(|_| reserved == [0; 3])?;
        Some(Self { record: JournalRecord { record_type, ..view.record }, ..view })
    }
}

/// Parses type, reserved bytes and the rest. The caller sets the type in the view.
fn record(input: &[u8]) -> Step<'_, (u8, [u8; 3], JournalRecordView)> {
    let (rest, sequence) = le_u64(input)?;
    let (rest, record_type) = le_u8(rest)?;
    let (rest, reserved) = array(rest)?;
    let (rest, segment_index) = le_u32(rest)?;
    let (rest, position) = le_u64(rest)?;
    let (rest, plaintext_len) = le_u64(rest)?;
    let (rest, segment_tag) = array(rest)?;
    let (rest, transcript) = array(rest)?;
    let (rest, run_first) = le_u32(rest)?;
    let (rest, record_mac) = array(rest)?;
    let record = JournalRecord {
        sequence,
        record_type: JournalRecordType::Commit,
        index: SegmentIndex(segment_index),
        position,
        plaintext_len,
        segment_tag,
        transcript,
        run_first: SegmentIndex(run_first),
    };
    Ok((rest, (record_type, reserved, JournalRecordView { record, record_mac })))
}

#[binwrite]
#[bw(little)]
//= spec/stream-v2.md#sv2-jrn-004
//= type=implication
//= reason=No field of a journal has room for one.
//# and MUST NOT store a nonce or any other state of a cipher in a journal for later use.
struct RecordBytes {
    sequence: u64,
    record_type: u8,
    reserved: [u8; 3],
    segment_index: u32,
    position: u64,
    plaintext_len: u64,
    segment_tag: [u8; 32],
    transcript: [u8; 32],
    run_first: u32,
}

const _: () = assert!(BOUND_LEN + 32 == CRC_AT && CRC_AT + 4 == JOURNAL_RECORD_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode::tests::forged;
    use proptest::prelude::*;

    fn a_record() -> JournalRecord {
        JournalRecord {
            sequence: 5,
            record_type: JournalRecordType::Ending,
            index: SegmentIndex(9),
            position: 1 << 40,
            plaintext_len: 77,
            segment_tag: [1; 32],
            transcript: [2; 32],
            run_first: SegmentIndex(8),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let view = JournalRecordView::parse(&a_record().to_bytes(&[6; 32])).unwrap();
        assert_eq!((view.record, view.record_mac), (a_record(), [6; 32]));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_seen() {
        let record = a_record().to_bytes(&[6; 32]);
        assert!((0..record.len()).all(|cut| JournalRecordView::parse(&record[..cut]).is_none()));
        for bit in 0..8 * record.len() {
            let mut flipped = record;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(JournalRecordView::parse(&flipped).is_none());
        }
    }

    #[test]
    fn unassigned_values_are_refused() {
        let record = a_record().to_bytes(&[6; 32]);
        for (place, value) in [(8, 0), (8, 3), (9, 1), (11, 1)] {
            assert!(JournalRecordView::parse(&forged(record, place, value)).is_none(), "{place}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = JournalRecordView::parse(&bytes);
        }
    }
}
