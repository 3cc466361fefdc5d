//! What uploads ask of S3, in the words of its documentation, and what they believe of the answers.

use std::io::{self, Read, Seek};

/// An upload that S3 has begun: the key of the object that it is to become, and what S3 calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadId<'a> {
    /// The key of the object.
    pub key: &'a str,
    /// What S3 has given.
    pub id: &'a str,
}

/// The bytes of one part, to be read as often as it takes.
pub trait PartBody {
    /// Bytes.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their MD5, 16 bytes: the server compares it with what has arrived.
    fn md5(&self) -> [u8; 16];

    /// Their SHA-256, 32 bytes: the request is signed with it.
    fn sha256(&self) -> [u8; 32];

    /// All of them, from the first one on.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// An object under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes.
    pub len: u64,
    /// Its entity tag, as S3 gives it: with quotation marks.
    pub etag: String,
    /// What its upload was marked with, where it was one of this crate.
    pub mark: Option<String>,
}

/// A part that S3 lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, from 1.
    pub number: u16,
    /// Bytes.
    pub len: u64,
    /// Its entity tag, as S3 gives it.
    pub etag: String,
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The key of the object that it was to become.
    pub key: String,
    /// What the key may be instead: not every server says whether the keys of a list are encoded.
    pub otherwise: Option<String>,
    /// What S3 calls it.
    pub id: String,
    /// When it was begun: nanoseconds since 1970-01-01T00:00:00Z, where S3 says it.
    pub begun: Option<i64>,
}

/// What aborting an upload has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aborted {
    /// S3 says that it has aborted it.
    Now,
    /// S3 does not know it under this key: it was completed, aborted or has expired before.
    Before,
    /// S3 refuses, and would do so again: the credentials may not abort uploads, or the server
    /// cannot. This is why.
    Refused(String),
}

/// An object that is read.
pub trait Readable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Readable for T {}

/// A bucket, as far as uploads need it. [`Bucket`](super::Bucket) asks a server, and tries again what fails for a passing reason; tests that crash at
/// every call bring another one.
///
/// Errors are those of the module. None of the calls changes anything where it fails for good, but for one whose answer was lost: then nobody knows.
pub trait Multipart: Send + Sync {
    /// How messages call an object: `s3://BUCKET/KEY`.
    fn name_of(&self, key: &str) -> String;

    /// What tells this bucket from those of the same name elsewhere: the URL of its S3.
    fn place(&self) -> String;

    /// The object under a key (`HeadObject`).
    ///
    /// # Errors
    /// Those of the module; one for which [`is_hidden`](super::is_hidden) holds if S3 does not say
    /// whether there is one.
    fn find(&self, key: &str) -> io::Result<Option<Found>>;

    /// Finds out whether an object can be created under a key, on the condition that there is none,
    /// by a request that changes nothing (`CompleteMultipartUpload` of an upload that does not
    /// exist).
    ///
    /// # Errors
    /// `Unsupported` if the server refuses the condition; `PermissionDenied` and those of the
    /// module.
    fn tries_condition(&self, _key: &str) -> io::Result<()> {
        Ok(())
    }

    /// Opens the object under a key for reading.
    ///
    /// # Errors
    /// `NotFound`, and those of the module.
    fn read(&self, key: &str) -> io::Result<Box<dyn Readable>>;

    /// Begins an upload, marked so that the object tells of which upload it is (`CreateMultipartUpload`). Returns what S3 calls it.
    ///
    /// # Errors
    /// Those of the module.
    fn begin(&self, key: &str, mark: &str) -> io::Result<String>;

    /// Uploads a part (`UploadPart`). Returns its entity tag.
    ///
    /// # Errors
    /// `NotFound` where there is no such upload, and those of the module.
    fn send(&self, upload: UploadId<'_>, number: u16, part: &dyn PartBody) -> io::Result<String>;

    /// The parts that S3 has (`ListParts`), perhaps some of them twice; `None` where it does not know the upload (any more).
    ///
    /// # Errors
    /// Those of the module.
    fn parts(&self, upload: UploadId<'_>) -> io::Result<Option<Vec<Listed>>>;

    /// Makes the object of the parts with these entity tags, number 1 first (`CompleteMultipartUpload`), in the place of another one only where it may.
    ///
    /// # Errors
    /// `AlreadyExists`; `Unsupported` if the server does not know the condition; `ResourceBusy` if
    /// another request for the object is under way; those of the module. Whatever is reported, the
    /// object may be there.
    fn complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> io::Result<()>;

    /// Makes an object of no bytes, with that mark, in the place of another one only where it may (`PutObject`): not every server makes one of parts.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    fn put_empty(&self, key: &str, mark: &str, replace: bool) -> io::Result<()>;

    /// Aborts an upload, with its parts (`AbortMultipartUpload`).
    ///
    /// # Errors
    /// Those of the module.
    fn abort(&self, upload: UploadId<'_>) -> io::Result<Aborted>;

    /// Shows the uploads of keys that begin in this way and were neither completed nor aborted
    /// (`ListMultipartUploads`), page after page: no more than one is in memory.
    ///
    /// # Errors
    /// Those of the module, and what `visit` returns.
    fn each_unfinished(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Vec<Unfinished>) -> io::Result<()>,
    ) -> io::Result<()>;

    /// The same, all at once.
    ///
    /// # Errors
    /// Those of the module.
    fn unfinished(&self, prefix: &str) -> io::Result<Vec<Unfinished>> {
        let mut all = Vec::new();
        self.each_unfinished(prefix, &mut |uploads| {
            all.extend(uploads);
            Ok(())
        })?;
        Ok(all)
    }

    /// Ends what other threads are sending. Later calls are not concerned.
    fn interrupt(&self) {}
}
