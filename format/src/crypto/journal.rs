//! §18 Journal: what its owner appends, and what of a journal that is found can be believed.

use alloc::sync::Arc;

use super::key_schedule::StreamKeys;
use super::mac::equal;
use super::{StreamOpener, StreamSealer, Transcript};
use crate::limits::JOURNAL_RECORDS_MAX;
use crate::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_RECORD_LEN, JournalHeader, JournalHeaderView, JournalRecord,
    JournalRecordType, JournalRecordView, JournalRole, Trailer,
};
use crate::{Detail, Error, Offset, SegmentIndex};

/// Bytes of the stream header that an exchanged envelope leaves alone.
const SAME_LEN: usize = 112;
const ROLE_AT: Offset = Offset(10);
const STREAM_HEADER_AT: Offset = Offset(16);
const HEADER_MAC_AT: Offset = Offset(176);

/// What a segment of the source was, under K_journal: 32 bytes (§18.2).
#[must_use]
pub fn fingerprint(stream: &StreamSealer, index: SegmentIndex, plaintext: &[u8]) -> [u8; 32] {
    stream.keys.journal.hmac(&[b"source\0", &index.0.to_le_bytes(), plaintext])
}

/// What a record says, without its place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    record_type: JournalRecordType,
    index: SegmentIndex,
    position: u64,
    plaintext_len: u64,
    segment_tag: [u8; 32],
    transcript: Transcript,
    fingerprint: [u8; 32],
}

impl JournalEntry {
    /// The output is durable up to and with the segment that begins at `position`; `plaintext_len` bytes and `transcript` stand for
    /// all segments up to it. `fingerprint` is zero for a reader.
    #[must_use]
    pub const fn commit(
        index: SegmentIndex,
        segment_tag: [u8; 32],
        position: u64,
        plaintext_len: u64,
        transcript: Transcript,
        fingerprint: [u8; 32],
    ) -> Self {
        let record_type = JournalRecordType::Commit;
        Self { record_type, index, position, plaintext_len, segment_tag, transcript, fingerprint }
    }

    /// The final segment `index` with this trailer is about to be written.
    #[must_use]
    pub const fn ending(index: SegmentIndex, trailer: &Trailer) -> Self {
        Self {
            record_type: JournalRecordType::Ending,
            index,
            position: trailer.position,
            plaintext_len: trailer.plaintext_len,
            segment_tag: [0; 32],
            transcript: Transcript::from_bytes(trailer.transcript),
            fingerprint: [0; 32],
        }
    }

    const fn at(&self, sequence: u64) -> JournalRecord {
        JournalRecord {
            sequence,
            record_type: self.record_type,
            index: self.index,
            position: self.position,
            plaintext_len: self.plaintext_len,
            segment_tag: self.segment_tag,
            transcript: *self.transcript.bytes(),
            fingerprint: self.fingerprint,
        }
    }
}

/// A journal that its owner appends to. It holds no bytes: they come in, and go out to be written.
#[derive(Clone)]
pub struct Journal {
    keys: Arc<StreamKeys>,
    header: JournalHeader,
    header_mac: [u8; 32],
    records: u32,
    last: Option<JournalRecord>,
    last_commit: Option<JournalRecord>,
    len: u64,
}

impl Journal {
    /// Begins a journal; its 212 bytes of header are [`header_bytes`](Self::header_bytes).
    #[must_use]
    pub fn begin(stream: &StreamSealer, header: JournalHeader) -> Self {
        let keys = stream.keys.clone();
        let header_mac = keys.journal.hmac(&[&header.bound_bytes()]);
        let len = JOURNAL_HEADER_LEN as u64;
        Self { keys, header, header_mac, records: 0, last: None, last_commit: None, len }
    }

    /// Reads a journal that was found beside an output of `stream` (§18.3). What follows its last valid record is a torn tail.
    ///
    /// # Errors
    /// `journal.header`, `journal.foreign`, `journal.mac`: it is not to be used (SV2-JRN-006).
    pub fn read(stream: &StreamOpener, role: JournalRole, bytes: &[u8]) -> Result<Self, Error> {
        let fault = |detail, offset| Err(Error::new(detail, offset));
        let JournalHeaderView { header, header_mac } = JournalHeaderView::parse(bytes)?;
        if header.role != role {
            return fault(Detail::JournalHeader, ROLE_AT);
        }
        if header.stream_header[..SAME_LEN] != stream.header().to_bytes()[..SAME_LEN] {
            return fault(Detail::JournalForeign, STREAM_HEADER_AT);
        }
        let mut journal = Self::begin(&StreamSealer::resuming(stream), header);
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

    /// The record at the beginning of `rest`, where the journal does not end there (SV2-JRN-007).
    fn next_record(&self, rest: &[u8]) -> Option<JournalRecord> {
        let JournalRecordView { record, record_mac } = JournalRecordView::parse(rest)?;
        let follows = self.last.is_none_or(|last| {
            Some(record.sequence) == last.sequence.checked_add(1)
                && record.index >= last.index
                && record.position >= last.position
                && record.plaintext_len >= last.plaintext_len
        });
        (follows && equal(&self.record_mac(&record), &record_mac)).then_some(record)
    }

    fn record_mac(&self, record: &JournalRecord) -> [u8; 32] {
        self.keys.journal.hmac(&[&self.header_mac, &record.bound_bytes()])
    }

    fn take(&mut self, record: JournalRecord) {
        self.last = Some(record);
        if record.record_type == JournalRecordType::Commit {
            self.last_commit = self.last;
        }
        self.records = self.records.saturating_add(1);
        self.len += JOURNAL_RECORD_LEN as u64;
    }

    /// What the journal's header says.
    #[must_use]
    pub const fn header(&self) -> &JournalHeader {
        &self.header
    }

    /// The 212 bytes of the header.
    #[must_use]
    pub fn header_bytes(&self) -> [u8; JOURNAL_HEADER_LEN] {
        self.header.to_bytes(&self.header_mac)
    }

    /// Bytes of the header and all records: what follows them in a file is a torn tail (SV2-JRN-008).
    #[must_use]
    pub const fn valid_len(&self) -> u64 {
        self.len
    }

    /// The last commit.
    #[must_use]
    pub const fn last_commit(&self) -> Option<&JournalRecord> {
        self.last_commit.as_ref()
    }

    /// The ending, where it is the last record.
    #[must_use]
    pub fn ending(&self) -> Option<&JournalRecord> {
        self.last.as_ref().filter(|last| last.record_type == JournalRecordType::Ending)
    }

    /// Whether the journal is to be compacted before the next record (SV2-JRN-005).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.records >= JOURNAL_RECORDS_MAX
    }

    /// Takes in an entry and returns the 164 bytes that are to be appended.
    pub fn append(&mut self, entry: &JournalEntry) -> [u8; JOURNAL_RECORD_LEN] {
        let record = entry.at(self.last.map_or(0, |last| last.sequence + 1));
        self.take(record);
        record.to_bytes(&self.record_mac(&record))
    }

    /// A journal with a fresh `journal_salt` that holds the last commit alone, and the bytes of its record, if there is one.
    #[must_use]
    pub fn compacted(&self, journal_salt: [u8; 16]) -> (Self, Option<[u8; JOURNAL_RECORD_LEN]>) {
        let header = JournalHeader { journal_salt, ..self.header };
        let header_mac = self.keys.journal.hmac(&[&header.bound_bytes()]);
        let (records, len) = (0, JOURNAL_HEADER_LEN as u64);
        let mut journal =
            Self { keys: self.keys.clone(), header, header_mac, records, last: None, last_commit: None, len };
        let bytes = self.last_commit.map(|record| {
            journal.take(record);
            record.to_bytes(&journal.record_mac(&record))
        });
        (journal, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ContentKey;
    use crate::wire::StreamParams;
    use std::vec::Vec;

    fn stream(salt: u8) -> (StreamSealer, StreamOpener) {
        let key = ContentKey::new([1; 32]);
        let sealer = StreamSealer::new(StreamParams::new([salt; 32]), &key, b"").unwrap();
        let opener = StreamOpener::new(sealer.header(), &key, b"").unwrap();
        (sealer, opener)
    }

    fn begin(stream: &StreamSealer) -> Journal {
        let header = JournalHeader {
            role: JournalRole::Encrypt,
            stream_header: stream.header_bytes(),
            source_len: Some(9),
            source_mtime: Some(-1),
            journal_salt: [9; 16],
        };
        Journal::begin(stream, header)
    }

    fn commit(index: u32) -> JournalEntry {
        JournalEntry {
            record_type: JournalRecordType::Commit,
            index: SegmentIndex(index),
            position: u64::from(index) * 1000,
            plaintext_len: u64::from(index + 1) * 900,
            segment_tag: [5; 32],
            transcript: Transcript::from_bytes([6; 32]),
            fingerprint: [7; 32],
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
        let mut journal = Journal::read(&opener, JournalRole::Encrypt, &bytes).unwrap();
        assert_eq!(journal.valid_len(), bytes.len() as u64);
        assert_eq!(journal.last_commit(), Some(&commit(2).at(2)));
        assert!(journal.ending().is_none());
        let trailer = Trailer { plaintext_len: 2700, position: 3000, index_distance: 0, transcript: [6; 32] };
        let more = [&bytes[..], &journal.append(&JournalEntry::ending(SegmentIndex(3), &trailer))].concat();
        let journal = Journal::read(&opener, JournalRole::Encrypt, &more).unwrap();
        assert_eq!(journal.ending().map(|record| (record.sequence, record.position)), Some((3, 3000)));
        assert_eq!(journal.last_commit(), Some(&commit(2).at(2)));
    }

    #[test]
    fn a_torn_altered_or_repeated_tail_ends_the_journal_before_it() {
        let (bytes, opener) = written(3);
        let two = JOURNAL_HEADER_LEN + 2 * JOURNAL_RECORD_LEN;
        let found = |bytes: &[u8]| Journal::read(&opener, JournalRole::Encrypt, bytes).unwrap().valid_len();
        (two..bytes.len()).for_each(|cut| assert_eq!(found(&bytes[..cut]), two as u64));
        let again = [&bytes[..two], &bytes[two - JOURNAL_RECORD_LEN..]].concat();
        assert_eq!(found(&again), two as u64);
        let skipped = [&bytes[..two - JOURNAL_RECORD_LEN], &bytes[two..]].concat();
        assert_eq!(found(&skipped), (two - JOURNAL_RECORD_LEN) as u64);
    }

    #[test]
    fn records_of_another_journal_of_the_same_stream_do_not_count() {
        let (bytes, opener) = written(2);
        let (other, record) =
            Journal::read(&opener, JournalRole::Encrypt, &bytes).unwrap().compacted([8; 16]);
        let compacted = [&other.header_bytes()[..], &record.unwrap()].concat();
        let journal = Journal::read(&opener, JournalRole::Encrypt, &compacted).unwrap();
        assert_eq!(journal.last_commit(), Some(&commit(1).at(1)));
        let mixed = [&compacted[..JOURNAL_HEADER_LEN], &bytes[JOURNAL_HEADER_LEN..]].concat();
        let journal = Journal::read(&opener, JournalRole::Encrypt, &mixed).unwrap();
        assert_eq!(journal.last_commit(), None);
    }

    #[test]
    fn foreign_journals_and_other_roles_are_named() {
        let (bytes, opener) = written(1);
        let detail = |opener: &StreamOpener, role, bytes: &[u8]| {
            Journal::read(opener, role, bytes).err().unwrap().detail()
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
    fn fingerprints_tell_segments_and_bytes_apart() {
        let (sealer, _) = stream(0);
        let one = fingerprint(&sealer, SegmentIndex(1), b"plain");
        assert_ne!(one, fingerprint(&sealer, SegmentIndex(2), b"plain"));
        assert_ne!(one, fingerprint(&sealer, SegmentIndex(1), b"plane"));
        assert_ne!(one, fingerprint(&stream(1).0, SegmentIndex(1), b"plain"));
    }
}
