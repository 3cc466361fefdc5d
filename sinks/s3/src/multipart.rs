//! The interface of uploads to S3, in the words of its documentation, and the trusted parts of its
//! answers.

use std::io::{self, Read, Seek};

use md5::{Digest, Md5};
use sha2::Sha256;

/// An upload that S3 has begun: the key of its future object, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadId<'a> {
    /// The key of the object.
    pub key: &'a str,
    /// The id from S3.
    pub id: &'a str,
}

/// The bytes of one part. They can be read any number of times.
pub trait PartBody {
    /// Returns the number of bytes.
    fn len(&self) -> u64;

    /// Returns whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns their MD5, 16 bytes. The server compares it with the bytes that arrive.
    fn md5(&self) -> [u8; 16];

    /// Returns their SHA-256, 32 bytes, for the signature of the request.
    fn sha256(&self) -> [u8; 32];

    /// Opens all of them, from the first one on.
    ///
    /// # Errors
    ///
    /// - any error that prevents reading them.
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// A part in memory.
#[derive(Clone, Copy)]
pub struct PartBytes<'a>(pub &'a [u8]);

impl PartBody for PartBytes<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn md5(&self) -> [u8; 16] {
        Md5::digest(self.0).into()
    }

    fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.0))
    }
}

/// An object under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The length in bytes.
    pub len: u64,
    /// Its entity tag, as S3 gives it: with quotation marks.
    pub etag: String,
    /// The mark of its upload, if it was one of this crate.
    pub mark: Option<String>,
}

/// A part that S3 lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, from 1.
    pub number: u16,
    /// The length in bytes.
    pub len: u64,
    /// Its entity tag, as S3 gives it.
    pub etag: String,
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The key of its future object.
    pub key: String,
    /// The other possible key: some servers do not declare whether the keys of a list are encoded.
    pub otherwise: Option<String>,
    /// The id from S3.
    pub id: String,
    /// The time when it was begun, in nanoseconds since 1970-01-01T00:00:00Z, if S3 tells it.
    pub begun: Option<i64>,
}

/// The result of aborting an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aborted {
    /// S3 has aborted it.
    Now,
    /// S3 does not know it under this key: it was completed or aborted before, or has expired.
    Before,
    /// S3 refuses for good, for this reason: the credentials may not abort uploads, or the server
    /// cannot.
    Refused(String),
}

/// The bytes of an object, which can be read and sought in.
pub trait Readable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Readable for T {}

/// The operations on a bucket for uploads.
///
/// [`Bucket`](super::Bucket) implements them with a server, and tries again after passing failures.
/// Tests that crash at every call bring another implementation.
///
/// Errors are those of the [crate](crate#errors). A call that fails for good changes nothing. If
/// its answer was lost, the effect is unknown.
pub trait Multipart: Send + Sync {
    /// Returns the name of an object in messages: `s3://BUCKET/KEY`.
    fn name_of(&self, key: &str) -> String;

    /// Returns the URL of its S3, which tells this bucket from those of the same name elsewhere.
    fn place(&self) -> String;

    /// Returns the object under a key (`HeadObject`).
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    /// - one for which [`is_hidden`](super::is_hidden) holds if S3 does not reveal whether there is
    ///   an object.
    fn find(&self, key: &str) -> io::Result<Option<Found>>;

    /// Checks whether an object can be created under a key, on the condition that there is none.
    ///
    /// The request changes nothing (`CompleteMultipartUpload` of an upload that does not exist).
    ///
    /// # Errors
    ///
    /// - `Unsupported` if the server refuses the condition.
    /// - `PermissionDenied` and those of the [crate](crate#errors).
    fn tries_condition(&self, _key: &str) -> io::Result<()> {
        Ok(())
    }

    /// Opens the object under a key for reading.
    ///
    /// # Errors
    ///
    /// - `NotFound`, and those of the [crate](crate#errors).
    fn read(&self, key: &str) -> io::Result<Box<dyn Readable>>;

    /// Begins an upload with a mark (`CreateMultipartUpload`), and returns its id.
    ///
    /// The mark of the object identifies its upload.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    fn begin(&self, key: &str, mark: &str) -> io::Result<String>;

    /// Uploads a part (`UploadPart`), and returns its entity tag.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no such upload.
    /// - those of the [crate](crate#errors).
    fn send(&self, upload: UploadId<'_>, number: u16, part: &dyn PartBody) -> io::Result<String>;

    /// Returns the parts that S3 has (`ListParts`), perhaps some of them twice.
    ///
    /// Returns `None` if S3 does not know the upload (any more).
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    fn parts(&self, upload: UploadId<'_>) -> io::Result<Option<Vec<Listed>>>;

    /// Makes the object of the parts with these entity tags, number 1 first
    /// (`CompleteMultipartUpload`).
    ///
    /// It replaces another object only if `replace` allows it. After any error, the object may be
    /// there.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` if there is another object.
    /// - `Unsupported` if the server does not know the condition.
    /// - `ResourceBusy` if another request for the object is in progress.
    /// - those of the [crate](crate#errors).
    fn complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> io::Result<()>;

    /// Makes an object of no bytes, with that mark (`PutObject`).
    ///
    /// It replaces another object only if `replace` allows it. Some servers make no such object of
    /// parts.
    ///
    /// # Errors
    ///
    /// - the errors of [`complete`](Self::complete).
    fn put_empty(&self, key: &str, mark: &str, replace: bool) -> io::Result<()>;

    /// Aborts an upload, with its parts (`AbortMultipartUpload`).
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    fn abort(&self, upload: UploadId<'_>) -> io::Result<Aborted>;

    /// Visits the uploads of keys with this prefix that were neither completed nor aborted
    /// (`ListMultipartUploads`).
    ///
    /// It reads page after page, and no more than one is in memory.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    /// - any error of `visit`.
    fn each_unfinished(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Vec<Unfinished>) -> io::Result<()>,
    ) -> io::Result<()>;

    /// Returns the same uploads, all at once.
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    fn unfinished(&self, prefix: &str) -> io::Result<Vec<Unfinished>> {
        let mut all = Vec::new();
        self.each_unfinished(prefix, &mut |uploads| {
            all.extend(uploads);
            Ok(())
        })?;
        Ok(all)
    }

    /// Ends the requests of other threads in progress. Later calls are not affected.
    fn interrupt(&self) {}
}
