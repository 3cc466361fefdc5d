//! The resume key of an output (§19.9): when it is kept, found and removed.

use std::io::{self, ErrorKind, SeekFrom};
use std::path::PathBuf;

use stream_v2_format::crypto::ResumeKey;
use stream_v2_format::wire::{JOURNAL_MAGIC, STREAM_MAGIC};

use super::{KeptKey, OutputFile, ResumeKeys, StoredFile};

/// The place of stream_salt in a stream header, and of the stream header in a journal.
const SALT_AT: u64 = 32;
const STREAM_HEADER_AT: u64 = 16;

impl OutputFile {
    /// Keeps the resume keys of streams that are written here in a folder of this user (§19.9).
    ///
    /// By default none are kept, and none are found.
    #[must_use]
    pub fn with_resume_keys(mut self, keys: ResumeKeys) -> Self {
        self.resume_keys = Some(keys);
        self
    }

    /// Returns whether a new stream keeps a resume key, if it needs one.
    pub(crate) fn keeps_resume_key(&self) -> bool {
        self.resume_keys.as_ref().is_some_and(ResumeKeys::keeps)
    }

    /// Returns the same output for the files of one stream, whose resume key it removes with them.
    pub(crate) fn of_stream(&self, stream_salt: &[u8; 32]) -> Self {
        let mut output = self.clone();
        output.stream_salt = Some(*stream_salt);
        output
    }

    /// Returns the output's absolute path, or its address.
    pub(crate) fn address(&self) -> Vec<u8> {
        self.storage().address(self.target()).into_os_string().into_encoded_bytes()
    }

    pub(crate) fn keep_resume_key(&self, key: &ResumeKey) -> io::Result<()> {
        self.resume_keys.as_ref().map_or(Ok(()), |keys| keys.keep(key))
    }

    pub(crate) fn find_resume_key(&self, stream_salt: &[u8; 32]) -> io::Result<Option<ResumeKey>> {
        self.resume_keys.as_ref().map_or(Ok(None), |keys| keys.find(stream_salt))
    }

    /// Removes the resume key of its stream durably, if it may have one.
    pub(crate) fn remove_resume_key(&self) -> io::Result<()> {
        match (&self.resume_keys, &self.stream_salt) {
            (Some(keys), Some(stream_salt)) => keys.remove(stream_salt, true),
            _ => Ok(()),
        }
    }

    /// Removes the resume keys of the streams that a partial file and a journal are of.
    ///
    /// This is the first step of giving up an output. What is not a stream or a journal has none.
    ///
    /// # Errors
    ///
    /// - any error of the file system. Nothing else was changed then.
    pub fn forget_resume_keys(&self) -> io::Result<()> {
        let open = |path: PathBuf| self.open_if_there(&path);
        let (mut partial, mut journal) = (open(self.partial())?, open(self.journal())?);
        self.forget_resume_keys_of(partial.as_deref_mut(), journal.as_deref_mut())
    }

    pub(super) fn forget_resume_keys_of(
        &self,
        partial: Option<&mut (dyn StoredFile + 'static)>,
        journal: Option<&mut (dyn StoredFile + 'static)>,
    ) -> io::Result<()> {
        let Some(keys) = &self.resume_keys else { return Ok(()) };
        //= spec/stream-v2.md#sv2-res-021
        //# A writer that gives up an output MUST remove its resume key durably first.
        // Without a journal the name of the partial file may not be durable, and it was not given
        // up before.
        let again = journal.is_some();
        salts_in(partial, journal)?.iter().flatten().try_for_each(|salt| keys.remove(salt, again))
    }
}

impl KeptKey {
    /// Returns whether the partial file or the journal of an output is of the stream of this key.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    pub fn belongs_to(&self, output: &OutputFile) -> io::Result<bool> {
        let open = |path: PathBuf| output.open_if_there(&path);
        let (mut partial, mut journal) = (open(output.partial())?, open(output.journal())?);
        let salts = salts_in(partial.as_deref_mut(), journal.as_deref_mut())?;
        let name = self.path.file_name().unwrap_or_default();
        Ok(salts.iter().flatten().any(|salt| name == ResumeKey::file_name(salt).as_str()))
    }
}

/// Returns the salts of the streams that a partial file and a journal are of.
fn salts_in(
    partial: Option<&mut (dyn StoredFile + 'static)>,
    journal: Option<&mut (dyn StoredFile + 'static)>,
) -> io::Result<[Option<[u8; 32]>; 2]> {
    let of_journal = STREAM_HEADER_AT + SALT_AT;
    Ok([
        partial.map_or(Ok(None), |file| salt_in(file, &STREAM_MAGIC, SALT_AT))?,
        journal.map_or(Ok(None), |file| salt_in(file, &JOURNAL_MAGIC, of_journal))?,
    ])
}

/// Returns the stream_salt at an offset of a file that begins with this magic, if it is so long.
fn salt_in(file: &mut dyn StoredFile, magic: &[u8; 8], at: u64) -> io::Result<Option<[u8; 32]>> {
    let mut read = |at, bytes: &mut [u8]| {
        file.seek(SeekFrom::Start(at))?;
        match file.read_exact(bytes) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| true),
        }
    };
    let (mut begin, mut salt) = ([0; 8], [0; 32]);
    let is_whole = read(0, &mut begin)? && begin == *magic && read(at, &mut salt)?;
    Ok(is_whole.then_some(salt))
}
