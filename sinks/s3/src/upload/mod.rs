//! An object in S3 as an output: committed bytes are uploaded in parts during the run, and become
//! the object at the end.
//!
//! It is a [`Storage`](stream_v2_pipeline::Storage), so file sink, journal and resuming work on it
//! as on a folder. Bytes that S3 does not have yet are on this machine, in a folder of the caller's
//! choice, like `NAME.partial`. Bytes that S3 has are given up there, as far as the file system
//! can. So a crash costs no more than with files, a part is always sent with the same bytes, and
//! neither memory nor disk grow with the stream.
//!
//! # Assumptions
//!
//! - For the files on this machine, those on a file ([`FileSink`](stream_v2_pipeline::FileSink)).
//!   The folder is on one machine, and owners on other machines are not kept out. If two write one
//!   object, the result is that of the last one to complete, or, if nothing may be replaced, of the
//!   first.
//! - If a server refuses `If-None-Match` ([`UploadNotice::NotAtomic`]), or ignores it, `HeadObject`
//!   just before is the only check. Two writers of one object at the same moment are then not told
//!   apart.
//! - S3 keeps a part once it has answered with its entity tag, until the upload is completed or
//!   aborted. It keeps an object once it shows it.
//! - An object is made at once, of the parts that are named, and carries the mark
//!   (`x-amz-meta-stream-v2-upload`) of its upload. If S3 does not show the mark, the entity tag is
//!   the MD5 of the MD5s.
//!
//! # Steps
//!
//! - Creation. Here: the record, durable, and an empty partial file.
//! - A piece is appended. Here: it is in the partial file.
//! - A durability point. Here: the partial file is durable. The part of it that was durable before,
//!   and so is recorded in the journal, is planned as parts of whole pieces. The plan is in the
//!   record, durable.
//! - The first part. Here: "begins", durable, and then the id of the upload, durable. At S3:
//!   `CreateMultipartUpload`.
//! - A part is sent. Here: its entity tag is in the record. At S3: `UploadPart`, with Content-MD5.
//! - A part is there. Here: "forgets", durable, and its bytes are given up. Of streams without
//!   UNIFORM, segment headers and links of runs (terminator frames of segments with RUN_START)
//!   stay. So does the last commit's segment, and without UNIFORM the one before it too.
//! - Publication. Here: the rest is durable and planned, all parts are there, and "completes" is
//!   durable. At S3: `HeadObject` unless it may replace, `CompleteMultipartUpload`, with
//!   `If-None-Match` unless it may replace, and `HeadObject`.
//! - Cleaning up. Here: the partial file is removed, and then the record.
//! - Giving up. Here: the removal of the partial file is durable. The record is removed after the
//!   upload, also if S3 refuses to abort ([`UploadNotice::NotAborted`]). At S3:
//!   `AbortMultipartUpload`.
//!
//! # Crash table
//!
//! Each item is a moment of a kill or a loss of power, with the state here and at S3, and the
//! action of the next run.
//!
//! - Before the partial file is created. Here: a record. At S3: nothing. The next run removes the
//!   record and begins.
//! - Before the first part is planned. Here: the partial file. At S3: nothing. The next run resumes
//!   as with a file.
//! - After "begins", before the id of the upload is recorded. Here: that line. At S3: perhaps an
//!   upload without parts, which no run knows. The next run begins another upload. The first one is
//!   left to `sv2 uploads`.
//! - A part was planned, or was being sent. Here: its line, and its bytes. At S3: the part, or not.
//!   The next run asks S3 for its parts (`ListParts`). It accepts those with the MD5 of these
//!   bytes, and sends the rest, the same bytes.
//! - A part was there, and its line is not. Here: its bytes, because they are given up after their
//!   line is durable. At S3: the part. The next run does the same.
//! - The record knows a part that S3 does not have. Here: its bytes, or not. At S3: nothing. The
//!   next run sends the part again. If its bytes are given up, it fails with `NotFound`, and the
//!   caller may start over.
//! - After "completes". Here: everything that was not given up. At S3: the upload, or the object.
//!   The next run finds the object by its mark, or completes again.
//! - The answer to that was lost. Here: the same. At S3: the object. The next run finds it.
//! - After the object, before the partial file or the record is removed. Here: one or both of them.
//!   At S3: the object. The next run removes them.
//! - While it is given up. Here: the record, with or without the partial file. At S3: the upload,
//!   or not. The next run that creates the output does the rest, or `sv2 uploads`.

mod beside;
mod completing;
mod facts;
mod leftover;
mod names;
mod parts;
mod reconcile;
mod record;
mod sending;
mod staged;
mod state;
mod storage;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex};

use stream_v2_pipeline::{Disk, OutputFile, Shutdown, Storage};

use self::names::Names;
use self::parts::Cutting;
use self::state::{Noticed, Shared, Told};
use self::storage::UploadStorage;
use crate::client::check_key;
use crate::multipart::Multipart;

pub use leftover::Leftover;
pub use state::UploadNotice;

/// An object to be written, with the settings of its upload.
///
/// [`output`](Self::output) makes an [`OutputFile`] of it, which sinks write and runs resume. Data
/// not yet uploaded is kept in a folder of this machine.
pub struct Upload {
    remote: Arc<dyn Multipart>,
    local: Arc<dyn Storage>,
    names: Names,
    key: String,
    cutting: Cutting,
    lanes: usize,
    shutdown: Shutdown,
    told: Option<Told>,
    noticed: Option<Noticed>,
}

impl Upload {
    /// Creates an upload to the object `key`.
    ///
    /// Data not yet uploaded is kept in `folder`. A missing folder is created, for its owner alone.
    /// Nothing is requested from S3 yet.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if `key` cannot be a key.
    /// - any error while creating the folder.
    pub fn new(bucket: impl Multipart + 'static, key: &str, folder: &Path) -> io::Result<Self> {
        create_private(folder)?;
        Self::with_storage(Arc::new(bucket), Arc::new(Disk::default()), key, folder)
    }

    /// Does the same with another storage in place of the disk, for tests that crash at every
    /// point.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if `key` cannot be a key.
    pub fn with_storage(
        remote: Arc<dyn Multipart>,
        local: Arc<dyn Storage>,
        key: &str,
        folder: &Path,
    ) -> io::Result<Self> {
        let name = remote.name_of(key);
        check_key(key, &name)?;
        let names = Names::new(folder, &remote.place(), &name);
        let (cutting, shutdown) = Default::default();
        Ok(Self {
            remote,
            local,
            names,
            key: key.into(),
            cutting,
            lanes: 4,
            shutdown,
            told: None,
            noticed: None,
        })
    }

    /// Sets the expected number of bytes, which determines the size of parts.
    ///
    /// If it is unknown, parts begin at 8 MiB and grow.
    #[must_use]
    pub const fn expecting(mut self, len: Option<u64>) -> Self {
        self.cutting.expected = len;
        self
    }

    /// Sets how many parts are sent at once, by threads of the output. The default is 4.
    ///
    /// With 0, each call that makes the output durable sends the planned parts.
    #[must_use]
    pub const fn with_lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes;
        self
    }

    /// Sets the least size of parts, for tests with a server that does not require 5 MiB.
    #[must_use]
    pub const fn with_part_len(mut self, least: u64) -> Self {
        self.cutting.first = least;
        self
    }

    /// Obeys the flag of a run: nothing more is sent once it is raised.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = shutdown.clone();
        self
    }

    /// Reports how many bytes S3 has, whenever it has more, from the thread that has sent them.
    #[must_use]
    pub fn telling(mut self, told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Reports notices for the owner. The upload continues.
    #[must_use]
    pub fn noticing(mut self, noticed: impl Fn(UploadNotice) + Send + Sync + 'static) -> Self {
        self.noticed = Some(Box::new(noticed));
        self
    }

    /// Returns the output. It does not replace an object.
    #[must_use]
    pub fn output(self) -> OutputFile {
        let target = self.names.target().to_owned();
        let Self { remote, local, names, key, cutting, lanes, shutdown, told, noticed } = self;
        let (state, changed, stops) = (Mutex::new(None), Condvar::new(), AtomicBool::new(false));
        let shared = Shared {
            remote,
            local,
            names,
            key,
            cutting,
            lanes,
            shutdown,
            told,
            noticed,
            state,
            changed,
            stops,
        };
        OutputFile::stored(Arc::new(UploadStorage(Arc::new(shared))), target)
    }
}

/// Creates the folder for its owner alone, because it holds plaintext during a decryption into S3.
///
/// A folder that others can enter is refused.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).and_then(|()| refuse_open(folder)).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => error,
        kind => io::Error::new(kind, format!("{}: {error}", folder.display())),
    })
}

#[cfg(unix)]
fn refuse_open(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let found = folder.metadata()?;
    let why = match found.mode() & 0o077 {
        _ if found.uid() != rustix::process::geteuid().as_raw() => "belongs to another user",
        0 => return Ok(()),
        _ => "others can enter this folder: chmod 700 keeps them out",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, why))
}

#[cfg(not(unix))]
fn refuse_open(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        create_private(&folder).unwrap();
        create_private(&folder).unwrap();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for mode in [0o755, 0o710, 0o701, 0o1777] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            let error = create_private(&folder).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    }
}
