//! §18.1 Journal header: the first 212 bytes of a journal.
//!
//! This file knows structure and checksum; the tag belongs to `crypto`.
//!
//! ```text
//!   0 magic (8) | 8 version u16 | 10 role u8 | 11 reserved (5)
//!  16 stream_header (128)
//! 144 source_len u64 | 152 source_mtime i64
//! 160 journal_salt (16) | 176 header_mac (32) | 208 header_crc32c u32
//! ```

use binrw::binwrite;
use nom::bytes::streaming::tag;
use nom::number::streaming::{le_i64, le_u8, le_u16, le_u64};

use super::JournalRole;
use super::crc32c::crc32c;
use super::encode::{encode, with_mac_and_crc};
use super::outcome::{Step, array};
use crate::limits::STREAM_HEADER_LEN;
use crate::{Detail, Error, Offset};

/// Bytes of a journal header.
pub const JOURNAL_HEADER_LEN: usize = 212;
/// The first 8 bytes of a journal.
pub const JOURNAL_MAGIC: [u8; 8] = [0x89, b'S', b'V', b'J', 0x0D, 0x0A, 0x1A, 0x0A];

const VERSION: u16 = 3;
const BOUND_LEN: usize = 176;
const CRC_AT: usize = 208;
const UNKNOWN_LEN: u64 = u64::MAX;
const UNKNOWN_TIME: i64 = i64::MIN;

/// The fields of a journal header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalHeader {
    /// The role of the journal's owner.
    pub role: JournalRole,
    /// The stream header as it was when the journal was begun.
    pub stream_header: [u8; STREAM_HEADER_LEN],
    /// Bytes of the source, if known.
    pub source_len: Option<u64>,
    /// The time at which the source was last modified, in nanoseconds since 1970-01-01T00:00:00Z.
    pub source_mtime: Option<i64>,
    /// 16 bytes from the operating system's random generator (SV2-JRN-003).
    pub journal_salt: [u8; 16],
}

impl JournalHeader {
    /// Returns the first 176 bytes, which `header_mac` covers.
    #[must_use]
    pub fn bound_bytes(&self) -> [u8; BOUND_LEN] {
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

    /// Returns the 212 bytes of the header, with its `header_mac`.
    #[must_use]
    pub fn to_bytes(&self, header_mac: &[u8; 32]) -> [u8; JOURNAL_HEADER_LEN] {
        with_mac_and_crc(&self.bound_bytes(), header_mac)
    }
}

/// A journal header in the input, well formed but not yet authenticated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct JournalHeaderView {
    /// The parsed header.
    pub header: JournalHeader,
    /// The HMAC under K_journal, 32 bytes.
    pub header_mac: [u8; 32],
}

impl JournalHeaderView {
    /// Parses the first 212 bytes of a journal, all of which must be present (SV2-JRN-006).
    ///
    /// # Errors
    ///
    /// - `journal.header` if a check fails; its offset counts from the beginning of the journal.
    pub fn parse(input: &[u8]) -> Result<Self, Error> {
        let at = |place| Error::new(Detail::JournalHeader, Offset(place));
        let bytes = input.get(..JOURNAL_HEADER_LEN).ok_or(at(input.len() as u64))?;
        if !bytes.starts_with(&JOURNAL_MAGIC) {
            return Err(at(0));
        }
        if bytes[CRC_AT..] != crc32c(&bytes[..CRC_AT]).to_le_bytes() {
            return Err(at(CRC_AT as u64));
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

/// Parses version, role, reserved bytes and the rest. The caller sets the role in the view.
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

const _: () = assert!(BOUND_LEN + 32 == CRC_AT && CRC_AT + 4 == JOURNAL_HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode::tests::forged;
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

    #[test]
    fn what_is_written_is_read() {
        let view = JournalHeaderView::parse(&a_header().to_bytes(&[4; 32])).unwrap();
        assert_eq!((view.header, view.header_mac), (a_header(), [4; 32]));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_seen() {
        let header = a_header().to_bytes(&[4; 32]);
        for cut in 0..header.len() {
            let error = JournalHeaderView::parse(&header[..cut]).unwrap_err();
            assert_eq!((error.detail(), error.offset().0), (Detail::JournalHeader, cut as u64));
        }
        for bit in 0..8 * header.len() {
            let mut flipped = header;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(JournalHeaderView::parse(&flipped).is_err());
        }
    }

    #[test]
    fn unassigned_values_are_refused_at_their_place() {
        let header = a_header().to_bytes(&[4; 32]);
        for (place, value, at) in
            [(0, 0, 0), (8, 2, 8), (8, 4, 8), (10, 0, 10), (10, 3, 10), (11, 1, 11), (15, 9, 11)]
        {
            let error = JournalHeaderView::parse(&forged(header, place, value)).unwrap_err();
            assert_eq!(error.offset().0, at, "{place}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = JournalHeaderView::parse(&bytes);
        }
    }
}
