//! §19.2, §19.7 What a source is compared with where its stream cannot be read back: one value for all plaintext up to each commit, beside the journal.
//!
//! The value after segment n is HMAC(K_journal, "source" || 0x00 || LE32(n) || value before || SHA-256(plaintext of segment n)), and 32 zero bytes before
//! segment 0. `NAME.checks` holds an entry for each commit, of 40 bytes: LE32(n), the value, and the CRC-32C of both. It is this implementation's own.

use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};
use stream_v2_format::SegmentIndex;
use stream_v2_format::crypto::JournalKey;
use stream_v2_format::wire::crc32c;

use crate::output_file::is_absent;
use crate::{OutputFile, StoredFile};

const ENTRY_LEN: usize = 40;
const BOUND_LEN: usize = 36;

/// One value for all plaintext up to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check(pub(crate) [u8; 32]);

impl Check {
    /// Before segment 0.
    pub(crate) const NOTHING: Self = Self([0; 32]);

    /// After one more segment.
    pub(crate) fn follow(&mut self, key: &JournalKey, index: SegmentIndex, plaintext: &[u8]) {
        self.0 = key.source_check(&self.0, index, &Sha256::digest(plaintext).into());
    }
}

/// The file beside a journal.
pub(crate) struct Checks {
    file: Box<dyn StoredFile>,
    /// Where the next entry goes.
    len: u64,
    pub(crate) check: Check,
}

impl Checks {
    /// Begins a file, in the place of one that an earlier run has left.
    pub(crate) fn begin(output: &OutputFile, check: Check) -> io::Result<Self> {
        let path = output.checks();
        output.remove(&path)?;
        let file = output.storage().create(&path)?;
        output.storage().sync_folder(&path)?;
        Ok(Self { file, len: 0, check })
    }

    /// Finds the file with the entry of a commit: nothing before it is needed, and nothing behind it counts.
    pub(crate) fn find(output: &OutputFile, commit: SegmentIndex) -> io::Result<Option<Self>> {
        let mut file = match output.storage().open(&output.checks()) {
            Err(error) if is_absent(&error) => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let entries = bytes.as_chunks::<ENTRY_LEN>().0.iter();
        let found = (1..).zip(entries).filter(|(_, entry)| entry[..4] == commit.0.to_le_bytes());
        let is_whole =
            |entry: &[u8; ENTRY_LEN]| entry[BOUND_LEN..] == crc32c(&entry[..BOUND_LEN]).to_le_bytes();
        let Some((count, entry)) = found.filter(|(_, entry)| is_whole(entry)).last() else { return Ok(None) };
        let mut check = Check::NOTHING;
        check.0.copy_from_slice(&entry[4..BOUND_LEN]);
        Ok(Some(Self { file, len: count * ENTRY_LEN as u64, check }))
    }

    /// Goes on where more is committed than the last commit says.
    pub(crate) fn go_on(mut self, check: Check) -> io::Result<Self> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(Self { check, ..self })
    }

    /// Adds the entry of a commit that is about to be recorded, and makes it durable.
    pub(crate) fn add(&mut self, commit: SegmentIndex) -> io::Result<()> {
        let mut entry = [0; ENTRY_LEN];
        entry[..4].copy_from_slice(&commit.0.to_le_bytes());
        entry[4..BOUND_LEN].copy_from_slice(&self.check.0);
        let crc = crc32c(&entry[..BOUND_LEN]);
        entry[BOUND_LEN..].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all(&entry)?;
        self.file.sync()
    }
}
