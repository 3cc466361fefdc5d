//! §18 Journal: the records that its owner appends, and the checks of an existing journal.

use alloc::sync::Arc;

use super::key_schedule::StreamKeys;
use super::mac::equal;
use super::{StreamOpener, StreamSealer};
use crate::limits::{JOURNAL_RECORDS_MAX, SEGMENT_SIZE_MAX, STREAM_HEADER_LEN};
use crate::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_RECORD_LEN, JournalHeader, JournalHeaderView, JournalRecord,
    JournalRecordType, JournalRecordView, JournalRole, STREAM_FIXED_LEN,
};
use crate::{Detail, Error, Offset, SegmentIndex};

const ROLE_AT: Offset = Offset(10);
const STREAM_HEADER_AT: Offset = Offset(16);
const HEADER_MAC_AT: Offset = Offset(176);

/// The key that authenticates the journals of a stream (K_journal, §18).
///
/// It also holds the stream header that journals repeat. It seals and opens no segment. Cloning
/// shares the keys.
#[derive(Clone)]
pub struct JournalKey {
    keys: Arc<StreamKeys>,
    stream_header: [u8; STREAM_HEADER_LEN],
}

impl From<&StreamSealer> for JournalKey {
    fn from(stream: &StreamSealer) -> Self {
        Self { keys: stream.keys.clone(), stream_header: stream.header_bytes() }
    }
}

impl From<&StreamOpener> for JournalKey {
    fn from(stream: &StreamOpener) -> Self {
        Self { keys: stream.keys.clone(), stream_header: stream.header().to_bytes() }
    }
}

impl JournalKey {
    /// Returns the header of a new journal of this stream.
    #[must_use]
    pub const fn header(
        &self,
        role: JournalRole,
        (source_len, source_mtime): (Option<u64>, Option<i64>),
        journal_salt: [u8; 16],
    ) -> JournalHeader {
        JournalHeader { role, stream_header: self.stream_header, source_len, source_mtime, journal_salt }
    }

    /// Returns the source check after a segment whose plaintext has this SHA-256 (§19.7).
    ///
    /// A source is compared with it if its stream cannot be read back. The value before segment 0
    /// is 32 zero bytes.
    #[must_use]
    pub fn source_check(&self, before: &[u8; 32], index: SegmentIndex, sha256: &[u8; 32]) -> [u8; 32] {
        self.hmac(&[b"source\0", &index.0.to_le_bytes(), before, sha256])
    }

    /// Returns the tag that ties a source check to the commit with this T (SV2-RES-028).
    #[must_use]
    pub fn source_check_tag(&self, transcript: &[u8; 32], value: &[u8; 32]) -> [u8; 32] {
        self.hmac(&[b"commit\0", transcript, value])
    }

    /// Returns true if `tag` ties `value` to the commit with this T. Compares in constant time.
    #[must_use]
    pub fn is_tied(&self, tag: &[u8; 32], transcript: &[u8; 32], value: &[u8; 32]) -> bool {
        equal(&self.source_check_tag(transcript, value), tag)
    }

    fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.keys.journal.hmac(parts)
    }
}

/// A journal that its owner appends to.
///
/// It does no I/O: bytes to parse are arguments, and bytes to write are results.
#[derive(Clone)]
pub struct Journal {
    key: JournalKey,
    header: JournalHeader,
    header_mac: [u8; 32],
    records: u32,
    last: Option<JournalRecord>,
    last_commit: Option<JournalRecord>,
}

impl Journal {
    /// Begins a journal, whose 212 bytes of header are [`header_bytes`](Self::header_bytes).
    #[must_use]
    pub fn begin(key: JournalKey, header: JournalHeader) -> Self {
        let header_mac = key.hmac(&[&header.bound_bytes()]);
        Self { key, header, header_mac, records: 0, last: None, last_commit: None }
    }

    /// Reads an existing journal of an output (§18.3).
    ///
    /// Anything after its last valid record is a torn tail.
    ///
    /// # Errors
    ///
    /// - `journal.header`, `journal.foreign` or `journal.mac` if it must not be used (SV2-JRN-006).
    pub fn read(key: JournalKey, role: JournalRole, bytes: &[u8]) -> Result<Self, Error> {
        let fault = |detail, offset| Err(Error::new(detail, offset));
        //= spec/stream-v2.md#sv2-jrn-006
        //# An owner MUST NOT use a journal that fails one of these checks, which are made in this
        //# order, and report the detail: length 212, magic, header_crc32c, journal_version, an
        //# assigned role and reserved bytes (all `journal.header`); the owner's own role
        //# (`journal.header`); bytes 0..112 of stream_header equal to those of the stream
        //# (`journal.foreign`); header_mac (`journal.mac`).
        let JournalHeaderView { header, header_mac } = JournalHeaderView::parse(bytes)?;
        if header.role != role {
            return fault(Detail::JournalHeader, ROLE_AT);
        }
        if header.stream_header[..STREAM_FIXED_LEN] != key.stream_header[..STREAM_FIXED_LEN] {
            return fault(Detail::JournalForeign, STREAM_HEADER_AT);
        }
        let mut journal = Self::begin(key, header);
        if !equal(&journal.header_mac, &header_mac) {
            return fault(Detail::JournalMac, HEADER_MAC_AT);
        }
        let mut rest = &bytes[JOURNAL_HEADER_LEN..];
        while let Some(record) = journal.next_record(rest) {
            journal.take(record);
            rest = &rest[JOURNAL_RECORD_LEN..];
        }
        Ok(journal)
    }

    /// Returns the record at the beginning of `rest`, or `None` at the journal's end (SV2-JRN-007).
    fn next_record(&self, rest: &[u8]) -> Option<JournalRecord> {
        //= spec/stream-v2.md#sv2-jrn-007
        //# An owner MUST take a journal to end before the first record that is not whole, whose
        //# record_crc32c or record_mac does not match, whose record_type is not assigned, whose
        //# reserved bytes are not zero, whose sequence is not one more than the one before, whose
        //# segment_index, position or plaintext_len is below the one before, whose plaintext_len is
        //# above (segment_index + 1) × 2^26, whose position is above (segment_index + 1) × 2^27, or
        //# whose run_first is above segment_index in a commit or not 0 in an ending.
        let JournalRecordView { record, record_mac } = JournalRecordView::parse(rest)?;
        let follows = self.last.is_none_or(|last| {
            Some(record.sequence) == last.sequence.checked_add(1)
                && record.index >= last.index
                && record.position >= last.position
                && record.plaintext_len >= last.plaintext_len
        });
        (follows && is_possible(&record) && equal(&self.record_mac(&record), &record_mac)).then_some(record)
    }

    fn record_mac(&self, record: &JournalRecord) -> [u8; 32] {
        self.key.hmac(&[&self.header_mac, &record.bound_bytes()])
    }

    fn take(&mut self, record: JournalRecord) {
        self.last = Some(record);
        if record.record_type == JournalRecordType::Commit {
            self.last_commit = self.last;
        }
        self.records = self.records.saturating_add(1);
    }

    /// Returns the key of the journal.
    #[must_use]
    pub const fn key(&self) -> &JournalKey {
        &self.key
    }

    /// Returns the fields of the journal's header.
    #[must_use]
    pub const fn header(&self) -> &JournalHeader {
        &self.header
    }

    /// Returns the 212 bytes of the header.
    #[must_use]
    pub fn header_bytes(&self) -> [u8; JOURNAL_HEADER_LEN] {
        self.header.to_bytes(&self.header_mac)
    }

    /// Returns the bytes of the header and all records.
    ///
    /// A file's bytes after them are a torn tail (SV2-JRN-008).
    #[must_use]
    pub const fn valid_len(&self) -> u64 {
        JOURNAL_HEADER_LEN as u64 + self.records as u64 * JOURNAL_RECORD_LEN as u64
    }

    /// Returns the last commit.
    #[must_use]
    pub const fn last_commit(&self) -> Option<&JournalRecord> {
        self.last_commit.as_ref()
    }

    /// Returns the ending, if it is the last record.
    #[must_use]
    pub fn ending(&self) -> Option<&JournalRecord> {
        self.last.as_ref().filter(|last| last.record_type == JournalRecordType::Ending)
    }

    /// Returns true if the journal must be compacted before the next record (SV2-JRN-005).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.records >= JOURNAL_RECORDS_MAX
    }

    /// Adds a record, sets its sequence, and returns the 136 bytes to append.
    pub fn append(&mut self, record: &JournalRecord) -> [u8; JOURNAL_RECORD_LEN] {
        let sequence = self.last.map_or(0, |last| last.sequence + 1);
        self.push(JournalRecord { sequence, ..*record })
    }

    fn push(&mut self, record: JournalRecord) -> [u8; JOURNAL_RECORD_LEN] {
        self.take(record);
        record.to_bytes(&self.record_mac(&record))
    }

    /// Returns a journal with a fresh `journal_salt` and only the last commit, and that record.
    ///
    /// The bytes are `None` if there is no commit. `source` is the current length and modification
    /// time of the source.
    #[must_use]
    pub fn compacted(
        &self,
        source: (Option<u64>, Option<i64>),
        journal_salt: [u8; 16],
    ) -> (Self, Option<[u8; JOURNAL_RECORD_LEN]>) {
        let header = self.key.header(self.header.role, source, journal_salt);
        let mut journal = Self::begin(self.key.clone(), header);
        let record = self.last_commit.map(|record| journal.push(record));
        (journal, record)
    }
}

/// Returns true if a stream can have this segment, so that no sum overflows (SV2-JRN-007).
fn is_possible(record: &JournalRecord) -> bool {
    let segments = u64::from(record.index.0) + 1;
    let run_first_max = match record.record_type {
        JournalRecordType::Commit => record.index,
        JournalRecordType::Ending => SegmentIndex::FIRST,
    };
    record.plaintext_len <= segments * u64::from(SEGMENT_SIZE_MAX)
        && record.position <= segments * 2 * u64::from(SEGMENT_SIZE_MAX)
        && record.run_first <= run_first_max
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ContentKey;
    use crate::wire::{RunLink, StreamParams, Trailer};
    use std::vec::Vec;

    fn stream(salt: u8) -> (StreamSealer, StreamOpener) {
        let key = ContentKey::new([1; 32]);
        let sealer = StreamSealer::new(StreamParams::new([salt; 32]), &key, b"").unwrap();
        let opener = StreamOpener::new(sealer.header(), &key, b"").unwrap();
        (sealer, opener)
    }

    fn begin(stream: &StreamSealer) -> Journal {
        let key = JournalKey::from(stream);
        let header = key.header(JournalRole::Encrypt, (Some(9), Some(-1)), [9; 16]);
        Journal::begin(key, header)
    }

    fn commit(index: u32) -> JournalRecord {
        JournalRecord {
            sequence: index.into(),
            record_type: JournalRecordType::Commit,
            index: SegmentIndex(index),
            position: u64::from(index) * 1000,
            plaintext_len: u64::from(index + 1) * 900,
            segment_tag: [5; 32],
            transcript: [6; 32],
            run_first: SegmentIndex(index),
        }
    }

    fn written(commits: u32) -> (Vec<u8>, StreamOpener) {
        let (sealer, opener) = stream(0);
        let mut journal = begin(&sealer);
        let mut bytes = journal.header_bytes().to_vec();
        (0..commits).for_each(|index| bytes.extend(journal.append(&commit(index))));
        (bytes, opener)
    }

    #[test]
    fn what_was_appended_is_found() {
        let (bytes, opener) = written(3);
        let mut journal = Journal::read((&opener).into(), JournalRole::Encrypt, &bytes).unwrap();
        assert_eq!(journal.valid_len(), bytes.len() as u64);
        assert_eq!(journal.last_commit(), Some(&commit(2)));
        assert!(journal.ending().is_none());
        let trailer = Trailer {
            plaintext_len: 2700,
            position: 3000,
            index_distance: 0,
            transcript: [6; 32],
            link: RunLink { run_salt: [4; 16], first: SegmentIndex(2) },
        };
        let more = [&bytes[..], &journal.append(&JournalRecord::ending(SegmentIndex(3), &trailer))].concat();
        let journal = Journal::read((&opener).into(), JournalRole::Encrypt, &more).unwrap();
        assert_eq!(journal.ending().map(|record| (record.sequence, record.position)), Some((3, 3000)));
        assert_eq!(journal.last_commit(), Some(&commit(2)));
    }

    #[test]
    fn invalid_tail_ends_journal_before_it() {
        let (bytes, opener) = written(3);
        let two = JOURNAL_HEADER_LEN + 2 * JOURNAL_RECORD_LEN;
        let found =
            |bytes: &[u8]| Journal::read((&opener).into(), JournalRole::Encrypt, bytes).unwrap().valid_len();
        (two..bytes.len()).for_each(|cut| assert_eq!(found(&bytes[..cut]), two as u64));
        let again = [&bytes[..two], &bytes[two - JOURNAL_RECORD_LEN..]].concat();
        assert_eq!(found(&again), two as u64);
        let skipped = [&bytes[..two - JOURNAL_RECORD_LEN], &bytes[two..]].concat();
        assert_eq!(found(&skipped), (two - JOURNAL_RECORD_LEN) as u64);
    }

    #[test]
    fn impossible_record_ends_journal_before_it() {
        let (sealer, opener) = stream(0);
        for record in [
            JournalRecord { plaintext_len: u64::MAX, ..commit(1) },
            JournalRecord { plaintext_len: (2 << 26) + 1, ..commit(1) },
            JournalRecord { position: (2 << 27) + 1, ..commit(1) },
            JournalRecord { run_first: SegmentIndex(2), ..commit(1) },
            JournalRecord { record_type: JournalRecordType::Ending, ..commit(1) },
        ] {
            let mut journal = begin(&sealer);
            let bytes =
                [&journal.header_bytes()[..], &journal.append(&commit(0)), &journal.append(&record)].concat();
            let found = Journal::read((&opener).into(), JournalRole::Encrypt, &bytes).unwrap();
            assert_eq!(found.last_commit(), Some(&commit(0)));
        }
    }

    #[test]
    fn records_of_another_journal_are_ignored() {
        let (bytes, opener) = written(2);
        let (other, record) = Journal::read((&opener).into(), JournalRole::Encrypt, &bytes)
            .unwrap()
            .compacted((None, None), [8; 16]);
        let compacted = [&other.header_bytes()[..], &record.unwrap()].concat();
        let journal = Journal::read((&opener).into(), JournalRole::Encrypt, &compacted).unwrap();
        assert_eq!(journal.last_commit(), Some(&commit(1)));
        let mixed = [&compacted[..JOURNAL_HEADER_LEN], &bytes[JOURNAL_HEADER_LEN..]].concat();
        let journal = Journal::read((&opener).into(), JournalRole::Encrypt, &mixed).unwrap();
        assert_eq!(journal.last_commit(), None);
    }

    #[test]
    fn foreign_journals_and_other_roles_are_named() {
        let (bytes, opener) = written(1);
        let detail = |opener: &StreamOpener, role, bytes: &[u8]| {
            Journal::read(opener.into(), role, bytes).err().unwrap().detail()
        };
        assert_eq!(detail(&opener, JournalRole::Decrypt, &bytes), Detail::JournalHeader);
        assert_eq!(detail(&stream(1).1, JournalRole::Encrypt, &bytes), Detail::JournalForeign);
        let view = JournalHeaderView::parse(&bytes).unwrap();
        let forged = JournalHeader { source_len: None, ..view.header }.to_bytes(&view.header_mac);
        assert_eq!(detail(&opener, JournalRole::Encrypt, &forged), Detail::JournalMac);
    }

    #[test]
    fn is_full_at_its_limit() {
        let (sealer, _) = stream(0);
        let mut journal = begin(&sealer);
        (0..JOURNAL_RECORDS_MAX).for_each(|index| {
            assert!(!journal.is_full());
            journal.append(&commit(index));
        });
        assert!(journal.is_full());
    }

    #[test]
    fn source_checks_differ_for_any_difference() {
        let (key, other) = (JournalKey::from(&stream(0).0), JournalKey::from(&stream(1).0));
        let one = key.source_check(&[0; 32], SegmentIndex(1), &[2; 32]);
        assert_ne!(one, key.source_check(&[0; 32], SegmentIndex(2), &[2; 32]));
        assert_ne!(one, key.source_check(&[1; 32], SegmentIndex(1), &[2; 32]));
        assert_ne!(one, key.source_check(&[0; 32], SegmentIndex(1), &[3; 32]));
        assert_ne!(one, other.source_check(&[0; 32], SegmentIndex(1), &[2; 32]));
    }

    #[test]
    fn checks_are_tied_to_one_commit_of_one_stream() {
        let (key, other) = (JournalKey::from(&stream(0).0), JournalKey::from(&stream(1).0));
        let tag = key.source_check_tag(&[1; 32], &[2; 32]);
        assert!(key.is_tied(&tag, &[1; 32], &[2; 32]));
        assert!(!key.is_tied(&tag, &[3; 32], &[2; 32]));
        assert!(!key.is_tied(&tag, &[1; 32], &[3; 32]));
        assert!(!other.is_tied(&tag, &[1; 32], &[2; 32]));
    }
}
