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
    /// What S3 calls it.
    pub id: String,
    /// When it was begun: nanoseconds since 1970-01-01T00:00:00Z, where S3 says it.
    pub begun: Option<i64>,
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
    /// Those of the module.
    fn find(&self, key: &str) -> io::Result<Option<Found>>;

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
    /// `AlreadyExists`, and those of the module. Whatever is reported, the object may be there.
    fn complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> io::Result<()>;

    /// Makes an object of no bytes, with that mark, in the place of another one only where it may (`PutObject`): not every server makes one of parts.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    fn put_empty(&self, key: &str, mark: &str, replace: bool) -> io::Result<()>;

    /// Gives an upload up, with its parts (`AbortMultipartUpload`). One that S3 does not know is given up.
    ///
    /// # Errors
    /// Those of the module.
    fn abort(&self, upload: UploadId<'_>) -> io::Result<()>;

    /// The uploads of keys that begin in this way and were neither completed nor aborted (`ListMultipartUploads`).
    ///
    /// # Errors
    /// Those of the module.
    fn unfinished(&self, prefix: &str) -> io::Result<Vec<Unfinished>>;
}
