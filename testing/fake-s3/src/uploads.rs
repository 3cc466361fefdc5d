//! Multipart uploads: beginning, filling and aborting them.

use std::collections::BTreeMap;

use bytes::Bytes;
use s3s::{S3Error, S3Result, s3_error};

use crate::object::{Metadata, Properties, Stored};

const PART_NUMBER_MAX: i32 = 10_000;

/// An upload that is neither completed nor aborted.
pub(crate) struct Unfinished {
    /// `BUCKET/KEY`.
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    pub(crate) properties: Properties,
    /// All the parts that were sent under each number. The last one counts.
    pub(crate) parts: BTreeMap<u16, Vec<Stored>>,
}

/// The result of an upload.
pub(crate) struct Completed {
    pub(crate) name: String,
    pub(crate) parts: Vec<(u16, String)>,
    pub(crate) etag: String,
}

/// All uploads by their ids, which are in the order in which the uploads began.
#[derive(Default)]
pub(crate) struct Uploads {
    pub(crate) unfinished: BTreeMap<String, Unfinished>,
    pub(crate) completed: BTreeMap<String, Completed>,
    begun: u32,
}

pub(crate) fn no_such_upload() -> S3Error {
    s3_error!(NoSuchUpload, "The specified upload does not exist.")
}

impl Uploads {
    /// Begins an upload. Its id has characters that must be escaped in a URL.
    pub(crate) fn begin(&mut self, name: String, metadata: Metadata, properties: Properties) -> String {
        self.begun += 1;
        let id = format!("{:08}.id+/=&%41", self.begun);
        let parts = BTreeMap::new();
        self.unfinished.insert(id.clone(), Unfinished { name, metadata, properties, parts });
        id
    }

    /// Returns the upload of an object.
    pub(crate) fn of(&mut self, name: &str, id: &str) -> S3Result<&mut Unfinished> {
        self.unfinished.get_mut(id).filter(|upload| upload.name == name).ok_or_else(no_such_upload)
    }

    /// Adds a part and returns its ETag.
    pub(crate) fn add(&mut self, name: &str, id: &str, number: i32, bytes: Bytes) -> S3Result<String> {
        let upload = self.of(name, id)?;
        let number = part_number(number)?;
        let part = Stored::new(bytes, Metadata::new());
        let etag = part.etag.clone();
        upload.parts.entry(number).or_default().push(part);
        Ok(etag)
    }

    pub(crate) fn abort(&mut self, name: &str, id: &str) -> S3Result {
        self.of(name, id)?;
        self.unfinished.remove(id);
        Ok(())
    }
}

pub(crate) fn part_number(number: i32) -> S3Result<u16> {
    let is_number = (1..=PART_NUMBER_MAX).contains(&number);
    u16::try_from(number)
        .ok()
        .filter(|_| is_number)
        .ok_or_else(|| s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000"))
}
