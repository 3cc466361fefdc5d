//! §18 Journal: its header and its records. Structure and checksums only; the tags belong to `crypto`.
//!
//! ```text
//! header: 0 magic (8) | 8 version u16 | 10 role u8 | 11 reserved (5) | 16 stream_header (128) | 144 source_len u64
//!         152 source_mtime i64 | 160 journal_salt (16) | 176 header_mac (32) | 208 header_crc32c u32
//! record: 0 sequence u64 | 8 record_type u8 | 9 reserved (3) | 12 segment_index u32 | 16 position u64 | 24 plaintext_len u64
//!         32 segment_tag (32) | 64 transcript (32) | 96 run_first u32 | 100 record_mac (32) | 132 record_crc32c u32
//! ```

use binrw::binwrite;
use nom::bytes::streaming::tag;
use nom::number::streaming::{le_i64, le_u8, le_u16, le_u32, le_u64};

use super::crc32c::crc32c;
use super::encode::encode;
use super::header_v1::array;
use super::outcome::Step;
use super::{JournalRecordType, JournalRole, Trailer};
use crate::limits::STREAM_HEADER_LEN;
use crate::{Detail, Error, Offset, SegmentIndex};

/// Bytes of a journal header.
pub const JOURNAL_HEADER_LEN: usize = 212;
/// Bytes of a journal record.
pub const JOURNAL_RECORD_LEN: usize = 136;
/// The first 8 bytes of a journal.
pub const JOURNAL_MAGIC: [u8; 8] = [0x89, b'S', b'V', b'J', 0x0D, 0x0A, 0x1A, 0x0A];

const VERSION: u16 = 3;
const HEADER_BOUND_LEN: usize = 176;
const HEADER_CRC_AT: usize = 208;
const RECORD_BOUND_LEN: usize = 100;
const RECORD_CRC_AT: usize = 132;
const UNKNOWN_LEN: u64 = u64::MAX;
const UNKNOWN_TIME: i64 = i64::MIN;

/// What a journal header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalHeader {
    /// Whose journal it is.
    pub role: JournalRole,
    /// The stream header when the journal was begun.
    pub stream_header: [u8; STREAM_HEADER_LEN],
    /// Bytes of the source, where they are known.
    pub source_len: Option<u64>,
    /// When the source was last modified: nanoseconds since 1970-01-01T00:00:00Z.
    pub source_mtime: Option<i64>,
    /// 16 bytes from the operating system's random generator (SV2-JRN-003).
    pub journal_salt: [u8; 16],
}

impl JournalHeader {
    /// The bytes that header_mac covers: the first 176.
    #[must_use]
    pub fn bound_bytes(&self) -> [u8; HEADER_BOUND_LEN] {
        encode(&HeaderBytes {
            magic: JOURNAL_MAGIC,
            version: VERSION,
            role: self.role.value(),
            reserved: [0; 5],
            stream_header: self.stream_header,
            source_len: self.source_len.unwrap_or(UNKNOWN_LEN),
            source_mtime: self.source_mtime.unwrap_or(UNKNOWN_TIME),
            journal_salt: self.journal_salt,
        })
    }

    /// The 212 bytes of the header, with its header_mac.
    #[must_use]
    pub fn to_bytes(&self, header_mac: &[u8; 32]) -> [u8; JOURNAL_HEADER_LEN] {
        with_mac_and_crc(&self.bound_bytes(), header_mac)
    }
}

#[binwrite]
#[bw(little)]
struct HeaderBytes {
    magic: [u8; 8],
    version: u16,
    role: u8,
    reserved: [u8; 5],
    stream_header: [u8; STREAM_HEADER_LEN],
    source_len: u64,
    source_mtime: i64,
    journal_salt: [u8; 16],
}

/// A journal header in the input, well formed and not yet authentic.
#[derive(Clone, Copy, Debug)]
pub struct JournalHeaderView {
    /// What it says.
    pub header: JournalHeader,
    /// HMAC under K_journal; 32 bytes.
    pub header_mac: [u8; 32],
}

impl JournalHeaderView {
    /// Parses the first 212 bytes of a journal, which must be there (SV2-JRN-006).
    ///
    /// # Errors
    /// `journal.header`; its offset counts from the beginning of the journal.
    pub fn parse(input: &[u8]) -> Result<Self, Error> {
        let at = |place| Error::new(Detail::JournalHeader, Offset(place));
        let bytes = input.get(..JOURNAL_HEADER_LEN).ok_or(at(input.len() as u64))?;
        if !bytes.starts_with(&JOURNAL_MAGIC) {
            return Err(at(0));
        }
        if bytes[HEADER_CRC_AT..] != crc32c(&bytes[..HEADER_CRC_AT]).to_le_bytes() {
            return Err(at(HEADER_CRC_AT as u64));
        }
        let (_, (version, role, reserved, view)) = header(bytes).map_err(|_| at(0))?;
        if version != VERSION {
            return Err(at(8).exactly(version.into(), VERSION.into()));
        }
        let role = JournalRole::from_value(role).ok_or(at(10).between(role.into(), 1, 2))?;
        if reserved != [0; 5] {
            return Err(at(11));
        }
        Ok(Self { header: JournalHeader { role, ..view.header }, ..view })
    }
}

/// Version, role, reserved bytes, and the rest; the role in the view is not yet the stated one.
fn header(input: &[u8]) -> Step<'_, (u16, u8, [u8; 5], JournalHeaderView)> {
    let (rest, _) = tag(&JOURNAL_MAGIC[..])(input)?;
    let (rest, version) = le_u16(rest)?;
    let (rest, role) = le_u8(rest)?;
    let (rest, reserved) = array(rest)?;
    let (rest, stream_header) = array(rest)?;
    let (rest, source_len) = le_u64(rest)?;
    let (rest, source_mtime) = le_i64(rest)?;
    let (rest, journal_salt) = array(rest)?;
    let (rest, header_mac) = array(rest)?;
    let header = JournalHeader {
        role: JournalRole::Encrypt,
        stream_header,
        source_len: Some(source_len).filter(|&len| len != UNKNOWN_LEN),
        source_mtime: Some(source_mtime).filter(|&time| time != UNKNOWN_TIME),
        journal_salt,
    };
    Ok((rest, (version, role, reserved, JournalHeaderView { header, header_mac })))
}

/// What a journal record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// One more than that of the record before.
    pub sequence: u64,
    /// What the record is about.
    pub record_type: JournalRecordType,
    /// The last committed segment; in an ending, the final segment.
    pub index: SegmentIndex,
    /// Where that segment begins, in bytes from the beginning of the body.
    pub position: u64,
    /// Plaintext bytes in the stream, up to and with that segment.
    pub plaintext_len: u64,
    /// Tag of that segment; zero in an ending.
    pub segment_tag: [u8; 32],
    /// T after that segment; in an ending, the T of the trailer.
    pub transcript: [u8; 32],
    /// The first segment of the run that sealed that segment; 0 in an ending.
    pub run_first: SegmentIndex,
}

impl JournalRecord {
    /// An ending: a final segment `index` with this trailer is about to be written, or was verified (§18.2). A journal sets its sequence.
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

    /// The bytes that record_mac covers: the first 100.
    #[must_use]
    pub fn bound_bytes(&self) -> [u8; RECORD_BOUND_LEN] {
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

    /// The 136 bytes of the record, with its record_mac.
    #[must_use]
    pub fn to_bytes(&self, record_mac: &[u8; 32]) -> [u8; JOURNAL_RECORD_LEN] {
        with_mac_and_crc(&self.bound_bytes(), record_mac)
    }
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

/// A journal record in the input, well formed and not yet authentic.
#[derive(Clone, Copy, Debug)]
pub struct JournalRecordView {
    /// What it says.
    pub record: JournalRecord,
    /// HMAC under K_journal; 32 bytes.
    pub record_mac: [u8; 32],
}

impl JournalRecordView {
    /// Parses the record at the beginning of `input`. `None` is where the journal ends: a record that is not whole, whose checksum
    /// does not match, or that is of no assigned type (SV2-JRN-007).
    #[must_use]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let bytes = input.get(..JOURNAL_RECORD_LEN)?;
        if bytes[RECORD_CRC_AT..] != crc32c(&bytes[..RECORD_CRC_AT]).to_le_bytes() {
            return None;
        }
        let (_, (record_type, reserved, view)) = record(bytes).ok()?;
        let record_type = JournalRecordType::from_value(record_type).filter(|_| reserved == [0; 3])?;
        Some(Self { record: JournalRecord { record_type, ..view.record }, ..view })
    }
}

/// Type, reserved bytes, and the rest; the type in the view is not yet the stated one.
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

/// `bound || mac || CRC-32C(bound || mac)`.
fn with_mac_and_crc<const N: usize>(bound: &[u8], mac: &[u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    let (head, crc) = bytes.split_at_mut(N - 4);
    let (bound_place, mac_place) = head.split_at_mut(bound.len());
    bound_place.copy_from_slice(bound);
    mac_place.copy_from_slice(mac);
    crc.copy_from_slice(&crc32c(head).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn a_header() -> JournalHeader {
        JournalHeader {
            role: JournalRole::Decrypt,
            stream_header: [7; STREAM_HEADER_LEN],
            source_len: Some(10),
            source_mtime: None,
            journal_salt: [3; 16],
        }
    }

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
        let view = JournalHeaderView::parse(&a_header().to_bytes(&[4; 32])).unwrap();
        assert_eq!((view.header, view.header_mac), (a_header(), [4; 32]));
        let view = JournalRecordView::parse(&a_record().to_bytes(&[6; 32])).unwrap();
        assert_eq!((view.record, view.record_mac), (a_record(), [6; 32]));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_seen() {
        let (header, record) = (a_header().to_bytes(&[4; 32]), a_record().to_bytes(&[6; 32]));
        for cut in 0..header.len() {
            let error = JournalHeaderView::parse(&header[..cut]).unwrap_err();
            assert_eq!((error.detail(), error.offset().0), (Detail::JournalHeader, cut as u64));
        }
        assert!((0..record.len()).all(|cut| JournalRecordView::parse(&record[..cut]).is_none()));
        for bit in 0..8 * header.len() {
            let mut flipped = header;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(JournalHeaderView::parse(&flipped).is_err());
        }
        for bit in 0..8 * record.len() {
            let mut flipped = record;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(JournalRecordView::parse(&flipped).is_none());
        }
    }

    /// Replaces a byte and makes the checksum fit.
    fn forged<const N: usize>(mut bytes: [u8; N], place: usize, value: u8) -> [u8; N] {
        bytes[place] = value;
        let crc = crc32c(&bytes[..N - 4]).to_le_bytes();
        bytes[N - 4..].copy_from_slice(&crc);
        bytes
    }

    #[test]
    fn what_is_not_assigned_is_refused_where_it_stands() {
        let header = a_header().to_bytes(&[4; 32]);
        for (place, value, at) in
            [(0, 0, 0), (8, 2, 8), (8, 4, 8), (10, 0, 10), (10, 3, 10), (11, 1, 11), (15, 9, 11)]
        {
            let error = JournalHeaderView::parse(&forged(header, place, value)).unwrap_err();
            assert_eq!(error.offset().0, at, "{place}");
        }
        let record = a_record().to_bytes(&[6; 32]);
        for (place, value) in [(8, 0), (8, 3), (9, 1), (11, 1)] {
            assert!(JournalRecordView::parse(&forged(record, place, value)).is_none(), "{place}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = JournalHeaderView::parse(&bytes);
            let _ = JournalRecordView::parse(&bytes);
        }
    }
}
