//! The names of an output in S3: the object, and its files on this machine until it is there.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use stream_v2_pipeline::{Storage, StoredFile};

use super::beside::Beside;
use super::names::Role;
use super::record::Record;
use super::staged::Staged;
use super::state::{Shared, UploadNotice};
use crate::encoding::hex;
use crate::errors::is_hidden;
use crate::multipart::{Aborted, Readable, UploadId};

/// An output as a storage.
#[derive(Clone)]
pub(super) struct UploadStorage(pub(super) Arc<Shared>);

impl UploadStorage {
    fn local(&self, path: &Path) -> std::path::PathBuf {
        self.0.names.local(path)
    }

    /// Creates the record of a new upload.
    ///
    /// An existing record is of a run whose partial file is gone. Its upload is given up.
    fn create_record(&self) -> io::Result<Record> {
        let shared = &self.0;
        let (path, name) = (shared.names.record(), shared.name());
        match Record::open(&shared.local, &path, &name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // It was torn when it was created, before any step.
            Err(error) if error.kind() == ErrorKind::InvalidData => Record::remove(&*shared.local, &path)?,
            opened => {
                self.abort(&opened?)?;
                Record::remove(&*shared.local, &path)?;
            }
        }
        let mut mark = [0; 16];
        getrandom::fill(&mut mark).map_err(io::Error::other)?;
        let mark = hex(&mark);
        Record::create(&shared.local, &path, &name, &mark).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => ErrorKind::WouldBlock.into(),
            _ => error,
        })
    }

    /// Aborts the upload of a record.
    ///
    /// If S3 refuses, the upload stays there. Its files here are removed nevertheless, because the
    /// refusal would be the same forever.
    fn abort(&self, record: &Record) -> io::Result<()> {
        let key = &self.0.key;
        let Some(id) = &record.facts.id else { return Ok(()) };
        if let Aborted::Refused(why) = self.0.remote.abort(UploadId { key, id })? {
            self.0.notice(UploadNotice::NotAborted(why));
        }
        Ok(())
    }

    /// Removes the partial file, and then the record, with the upload unless it has become the
    /// object.
    fn remove_partial(&self) -> io::Result<()> {
        let shared = &self.0;
        shared.stop();
        let (partial, path) = (shared.names.partial(), shared.names.record());
        let removed = shared.local.remove(&partial);
        // A partial file without its record could not be resumed.
        match &removed {
            Ok(()) => shared.local.sync_folder(&partial)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => return removed,
        }
        let mut locked = shared.locked();
        let is_complete = locked.as_ref().is_some_and(|state| state.is_complete);
        match locked.as_mut() {
            Some(state) if !is_complete => self.abort(&state.record)?,
            Some(_) => {}
            None => match Record::open(&shared.local, &path, &shared.name()) {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {}
                opened => self.abort(&opened?)?,
            },
        }
        drop(locked);
        match Record::remove(&*shared.local, &path) {
            Err(error) if error.kind() == ErrorKind::NotFound => removed,
            record => record,
        }
    }

    fn publish(&self, from: &Path, replace: bool) -> io::Result<()> {
        let len = self.0.local.open(&self.local(from))?.size()?;
        self.0.complete(len, replace)
    }
}

impl Storage for UploadStorage {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let shared = &self.0;
        match shared.names.role(path)? {
            Role::Object => Err(ErrorKind::Unsupported.into()),
            Role::Journal => Ok(Beside::boxed(shared.local.create(&self.local(path))?, shared)),
            Role::Partial if shared.local.exists(&self.local(path)) => Err(ErrorKind::AlreadyExists.into()),
            Role::Partial => {
                let record = self.create_record()?;
                let file = shared.local.create(&self.local(path))?;
                shared.own(record);
                Ok(Box::new(Staged::new(file, shared, true)))
            }
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        match self.0.names.role(path)? {
            Role::Object => Ok(Box::new(Published::new(self.0.remote.read(&self.0.key)?)?)),
            Role::Journal => Ok(Beside::boxed(self.0.local.open(&self.local(path))?, &self.0)),
            Role::Partial => {
                let file = self.0.local.open(&self.local(path))?;
                Ok(Box::new(Staged::new(file, &self.0, false)))
            }
        }
    }

    fn exists(&self, path: &Path) -> bool {
        match self.0.names.role(path) {
            // A name that cannot be checked may be there.
            Ok(Role::Object) => self.try_exists(path).unwrap_or(true),
            Ok(_) => self.0.local.exists(&self.local(path)),
            Err(_) => false,
        }
    }

    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        match self.0.names.role(path)? {
            Role::Object => match self.0.remote.find(&self.0.key) {
                // The condition decides when the object is created.
                Err(error) if is_hidden(&error) => Ok(false),
                found => found.map(|found| found.is_some()),
            },
            _ => Ok(self.exists(path)),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.0.names.role(to)? {
            // The partial file and the record are removed next.
            Role::Object => self.publish(from, true),
            _ => self.0.local.rename(&self.local(from), &self.local(to)),
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.0.names.role(to)? {
            Role::Object => self.publish(from, false),
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match self.0.names.role(path)? {
            Role::Object => Err(ErrorKind::Unsupported.into()),
            Role::Partial => self.remove_partial(),
            Role::Journal => self.0.local.remove(&self.local(path)),
        }
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // The object is durable once S3 shows it.
        self.0.local.sync_folder(&self.local(path))
    }

    fn has_durable_names(&self) -> bool {
        true
    }

    fn discards_uploaded(&self) -> bool {
        true
    }

    fn is_private(&self) -> bool {
        true
    }

    fn names_at_risk(&self) -> Option<&str> {
        self.0.local.names_at_risk()
    }
}

/// The object, to be read.
struct Published {
    object: Box<dyn Readable>,
    len: u64,
}

impl Published {
    fn new(mut object: Box<dyn Readable>) -> io::Result<Self> {
        let len = object.seek(SeekFrom::End(0))?;
        object.rewind()?;
        Ok(Self { object, len })
    }
}

impl Read for Published {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.object.read(buffer)
    }
}

impl Seek for Published {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.object.seek(to)
    }
}

/// Objects are not changed.
impl Write for Published {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StoredFile for Published {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn is_named(&self, _: &Path) -> io::Result<bool> {
        Ok(true)
    }
}
