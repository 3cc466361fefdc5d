//! The files of an upload on this machine, for a caller that aborts it at S3.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use stream_v2_pipeline::{Disk, OutputFile, ResumeKeys, Storage};

use super::names::Names;
use super::record::Record;
use crate::multipart::Multipart;

/// The files of one upload on this machine.
///
/// Its owner is kept out as long as this exists.
pub struct Leftover {
    names: Names,
    _record: Record,
}

impl Leftover {
    /// Finds the files of the upload `id` in the folder of [`Upload::new`](super::Upload::new), if
    /// there are any.
    ///
    /// # Errors
    ///
    /// - `WouldBlock` if its owner is using them.
    /// - any error while reading the record.
    pub fn find(bucket: &dyn Multipart, key: &str, id: &str, folder: &Path) -> io::Result<Option<Self>> {
        let name = bucket.name_of(key);
        let names = Names::new(folder, &bucket.place(), &name);
        let disk: Arc<dyn Storage> = Arc::new(Disk::default());
        let record = match Record::open(&disk, &names.record(), &name) {
            Ok(record) => record,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let is_same = record.facts.id.as_deref() == Some(id);
        Ok(is_same.then_some(Self { names, _record: record }))
    }

    /// Removes them: the resume key first (§19.9), then the partial output, its journal, and the
    /// record last.
    ///
    /// Without the record, the rest could not be found.
    ///
    /// # Errors
    ///
    /// - any error of the file system.
    pub fn remove(self) -> io::Result<()> {
        let disk = Disk::default();
        let (stem, keys) = (self.names.stem(), ResumeKeys::new(self.names.folder()));
        OutputFile::new(stem).with_resume_keys(keys).forget_resume_keys()?;
        for path in self.names.all() {
            let is_record = path == self.names.record();
            let removed = if is_record { Record::remove(&disk, &path) } else { disk.remove(&path) };
            match removed {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }
}
