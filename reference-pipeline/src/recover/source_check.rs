//! The check of a source whose stream cannot be read back (§19.2, §19.7).
//!
//! It is one value for all plaintext up to each commit, kept next to the journal.
//!
//! The value after segment n is HMAC(K_journal, "source" || 0x00 || LE32(n) || value before ||
//! SHA-256(plaintext of segment n)), and 32 zero bytes before segment 0.
//!
//! `NAME.checks` holds an entry of 72 bytes for each commit. An entry consists of LE32(n), the
//! value, a tie to the T of the commit, and the CRC-32C of all that. The file is this
//! implementation's own.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use sha2::{Digest, Sha256};
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::JournalKey;
use stream_v2_format::wire::{JournalRecord, crc32c};

use crate::storage::{OutputFile, StoredFile};

const ENTRY_LEN: usize = 72;
const VALUE: Range<usize> = 4..36;
const TAG: Range<usize> = 36..68;
const BOUND_LEN: usize = 68;

/// One value for all plaintext up to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check(pub(crate) [u8; 32]);

impl Check {
    /// The value before segment 0.
    pub(crate) const NOTHING: Self = Self([0; 32]);

    /// Adds one more segment.
    pub(crate) fn follow(&mut self, key: &JournalKey, index: SegmentIndex, plaintext: &[u8]) {
        self.0 = key.source_check(&self.0, index, &Sha256::digest(plaintext).into());
    }
}

/// The file next to a journal.
pub(crate) struct Checks {
    file: Box<dyn StoredFile>,
    /// The place of the next entry.
    len: u64,
    pub(crate) check: Check,
}

impl Checks {
    /// Begins a file, and replaces that of an earlier run.
    pub(crate) fn begin(output: &OutputFile, check: Check) -> io::Result<Self> {
        let path = output.checks();
        output.remove(&path)?;
        let file = output.storage().create(&path)?;
        output.storage().sync_folder(&path)?;
        Ok(Self { file, len: 0, check })
    }

    /// Finds the file with the entry of a commit.
    ///
    /// Nothing before the entry is needed, and nothing behind it counts.
    pub(crate) fn find(
        output: &OutputFile,
        key: &JournalKey,
        commit: &JournalRecord,
    ) -> io::Result<Option<Self>> {
        let Some(mut file) = output.open_if_there(&output.checks())? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let entries = bytes.as_chunks::<ENTRY_LEN>().0.iter();
        let found = (1..).zip(entries).filter_map(|(count, entry)| Some((count, value(entry, key, commit)?)));
        let Some((count, value)) = found.last() else { return Ok(None) };
        Ok(Some(Self { file, len: count * ENTRY_LEN as u64, check: Check(value) }))
    }

    /// Continues the file if more is committed than the last commit names.
    pub(crate) fn go_on(mut self, check: Check) -> io::Result<Self> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(Self { check, ..self })
    }

    /// Adds the entry of a commit that is about to be recorded, and makes it durable.
    pub(crate) fn add(
        &mut self,
        key: &JournalKey,
        commit: SegmentIndex,
        transcript: &[u8; 32],
    ) -> io::Result<()> {
        let mut entry = [0; ENTRY_LEN];
        entry[..4].copy_from_slice(&commit.0.to_le_bytes());
        entry[VALUE].copy_from_slice(&self.check.0);
        entry[TAG].copy_from_slice(&key.source_check_tag(transcript, &self.check.0));
        let crc = crc32c(&entry[..BOUND_LEN]);
        entry[BOUND_LEN..].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all(&entry)?;
        self.file.sync()
    }
}

/// Returns the value of an entry, if it is whole and of exactly this commit.
fn value(entry: &[u8; ENTRY_LEN], key: &JournalKey, commit: &JournalRecord) -> Option<[u8; 32]> {
    let is_whole = entry[BOUND_LEN..] == crc32c(&entry[..BOUND_LEN]).to_le_bytes();
    let (mut value, mut tag) = ([0; 32], [0; 32]);
    value.copy_from_slice(&entry[VALUE]);
    tag.copy_from_slice(&entry[TAG]);
    //= spec/stream-v2.md#sv2-res-028
    //# An owner MUST NOT use a value for plaintext that was given up with another commit than the
    //# one whose T it is bound to.
    let is_of_commit =
        entry[..4] == commit.index.0.to_le_bytes() && key.is_tied(&tag, &commit.transcript, &value);
    (is_whole && is_of_commit).then_some(value)
}

#[cfg(test)]
mod tests {
    use stream_v2_format::crypto::{ContentKey, StreamSealer};
    use stream_v2_format::wire::{JournalRecordType, StreamParams};

    use super::*;

    fn commit(index: u32, transcript: [u8; 32]) -> JournalRecord {
        let index = SegmentIndex(index);
        let (record_type, run_first) = (JournalRecordType::Commit, SegmentIndex::FIRST);
        let (sequence, position, plaintext_len, segment_tag) = (0, 0, 0, [0; 32]);
        JournalRecord {
            sequence,
            record_type,
            index,
            position,
            plaintext_len,
            segment_tag,
            transcript,
            run_first,
        }
    }

    /// Two branches have each committed segment 3, and storage keeps both files.
    //= spec/stream-v2.md#sv2-res-028
    //= type=test
    //# An owner MUST NOT use a value for plaintext that was given up with another commit than the
    //# one whose T it is bound to.
    #[test]
    fn a_value_is_used_with_its_own_commit_only() {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFile::new(folder.path().join("out"));
        let stream = StreamSealer::new(StreamParams::new([7; 32]), &ContentKey::new([1; 32]), b"").unwrap();
        let key = JournalKey::from(&stream);
        let (own, other) = (commit(3, [5; 32]), commit(3, [6; 32]));
        let mut checks = Checks::begin(&output, Check([1; 32])).unwrap();
        checks.add(&key, SegmentIndex(2), &[4; 32]).unwrap();
        checks.check = Check([2; 32]);
        checks.add(&key, own.index, &own.transcript).unwrap();
        let found = |commit: JournalRecord| {
            Checks::find(&output, &key, &commit).unwrap().map(|found| (found.check, found.len))
        };
        assert_eq!(found(own), Some((Check([2; 32]), 144)));
        assert_eq!(found(commit(2, [4; 32])), Some((Check([1; 32]), 72)));
        assert_eq!(found(other), None);
        assert_eq!(found(commit(2, [5; 32])), None);
        // The value of another branch, with the tie of this one.
        let mut bytes = std::fs::read(output.checks()).unwrap();
        bytes[72..][VALUE].fill(9);
        let crc = crc32c(&bytes[72..][..BOUND_LEN]);
        bytes[72 + BOUND_LEN..].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(output.checks(), &bytes).unwrap();
        assert_eq!(found(own), None);
    }
}
