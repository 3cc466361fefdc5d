//! An object in S3 as an output: what is committed is uploaded in parts while the run goes on, and becomes the object at the end.
//!
//! It is a [`Storage`](stream_v2_pipeline::Storage), so that file sink, journal and resuming work on it as on a folder. What S3 does not have yet stands on this
//! machine, in a folder of the caller's choice, as `NAME.partial` would; what S3 has is given up there, as far as the file system can. So a crash costs no
//! more than with files, a part is always sent with the same bytes, and neither memory nor disk grow with the stream.
//!
//! # Assumptions
//! - Those on a file ([`FileSink`](stream_v2_pipeline::FileSink)), for what stands on this machine. The folder is on one machine: owners on other ones are not kept out,
//!   and of two that write one object the one that completes last is there, or, where nothing may be replaced, the first.
//! - A server that refuses `If-None-Match` ([`UploadNotice::NotAtomic`]), or does not look at it,
//!   is asked with `HeadObject` just before. Two that write one object at the same moment are then
//!   not told apart.
//! - S3 keeps a part once it has answered with its entity tag, until the upload is completed or aborted; and an object once it shows it.
//! - An object is made at once, of the parts that are named, and carries the mark (`x-amz-meta-stream-v2-upload`) that its upload was begun with. Where S3
//!   shows no such thing, the entity tag is the MD5 of the MD5s.
//!
//! # Steps
//! | step | on this machine | at S3 |
//! |---|---|---|
//! | created | the record, durable; the partial file, empty | |
//! | a piece is appended | in the partial file | |
//! | a durability point | the partial file is durable; what was durable, and so recorded in the journal, before, is planned as parts of whole pieces, in the record, durable | |
//! | the first part | "begins", durable; what S3 calls the upload, durable | `CreateMultipartUpload` |
//! | a part | its entity tag, in the record | `UploadPart`, with Content-MD5 |
//! | a part is there | "forgets", durable; its bytes are given up, but for segment headers and links of runs (terminator frames of segments with RUN_START) of streams without UNIFORM, and the last commit's segment (without UNIFORM the one before it too) | |
//! | published | the rest is durable and planned; all parts are there; "completes", durable | unless it may replace, `HeadObject`; `CompleteMultipartUpload`, with `If-None-Match` unless it may replace; `HeadObject` |
//! | cleared away | the partial file is removed, and then the record | |
//! | given up | the partial file is removed, durable; after the upload the record, also if S3 refuses to abort ([`UploadNotice::NotAborted`]) | `AbortMultipartUpload` |
//!
//! # Crash table
//! | killed, or power lost | here | at S3 | who goes on |
//! |---|---|---|---|
//! | before the partial file is created | a record | nothing | removes it and begins |
//! | before the first part is planned | the partial file | nothing | as with a file |
//! | after "begins", before what S3 calls the upload is recorded | that line | perhaps an upload without parts, which nobody knows | begins another upload; the first is one for `sv2 uploads` |
//! | a part was planned, or was on its way | its line, and its bytes | the part, or not | asks S3 which parts it has (`ListParts`): takes what has the MD5 of these bytes, and sends the rest, the same bytes |
//! | a part was there, and its line is not | its bytes: they are given up after their line is durable | the part | the same |
//! | the record knows a part that S3 does not have | its bytes, or not | nothing | sends it again; where its bytes are given up: `NotFound`, and starting over is up to the caller |
//! | after "completes" | everything but what was given up | the upload, or the object | finds the object by its mark, or completes again |
//! | the answer to that was lost | the same | the object | finds it |
//! | after the object, before the partial file or the record is removed | one or both of them | the object | removes them |
//! | while it is given up | the record, with or without the partial file | the upload, or not | whoever creates the output again, or `sv2 uploads` |

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

/// An object that is to be written.
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
    /// The object `key`, with what is not uploaded yet in a folder of this machine, which is created where it is not there, for its owner alone.
    ///
    /// # Errors
    /// `InvalidInput` for what cannot be a key, and whatever creating the folder reports. Nothing is asked of S3 yet.
    pub fn new(bucket: impl Multipart + 'static, key: &str, folder: &Path) -> io::Result<Self> {
        create_private(folder)?;
        Self::with_storage(Arc::new(bucket), Arc::new(Disk::default()), key, folder)
    }

    /// The same with another storage in the place of the disk, for tests that crash at every point.
    ///
    /// # Errors
    /// `InvalidInput` for what cannot be a key.
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

    /// How many bytes are expected, so that parts are as large as it takes; 8 MiB and growing where that is not known.
    #[must_use]
    pub const fn expecting(mut self, len: Option<u64>) -> Self {
        self.cutting.expected = len;
        self
    }

    /// How many parts are sent at once, by threads of the output; 4 by default. With 0 each call that makes it durable sends what there is.
    #[must_use]
    pub const fn with_lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes;
        self
    }

    /// Parts as small as a server takes that does not ask for 5 MiB: for tests.
    #[must_use]
    pub const fn with_part_len(mut self, least: u64) -> Self {
        self.cutting.first = least;
        self
    }

    /// Heeds the flag of a run: nothing more is sent once it is raised.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = shutdown.clone();
        self
    }

    /// Tells how many bytes S3 has, whenever it has more, from the thread that has sent them.
    #[must_use]
    pub fn telling(mut self, told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Tells what its owner should know, though the upload goes on.
    #[must_use]
    pub fn noticing(mut self, noticed: impl Fn(UploadNotice) + Send + Sync + 'static) -> Self {
        self.noticed = Some(Box::new(noticed));
        self
    }

    /// The output. It replaces nothing.
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

/// Creates the folder for its owner alone: plaintext that is decrypted into S3 is in it for a while. One that others can enter is refused.
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
