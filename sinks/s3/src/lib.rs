//! Streams in S3: an object as a source, and as an output that an interrupted run resumes.
//!
//! Use it with `stream-v2-pipeline`, whose sources and outputs it implements. The crate `stream-v2`
//! includes it as its feature `s3`. For another storage, implement
//! [`Storage`](stream_v2_pipeline::Storage) of the pipeline.
//!
//! | job | items |
//! |---|---|
//! | name a server, a region, credentials and limits | [`Config`], [`Retry`] |
//! | read an object: in order, with seeks, or in ranges | [`Bucket::object`], [`Object`] |
//! | write an object, and resume after an interruption | [`Upload`], [`UploadNotice`] |
//! | replace the envelope of a stream | [`Bucket::replace_head`] |
//! | remove the local files of an upload that was given up | [`Leftover`] |
//! | bring another client for uploads | [`Multipart`] and the types of its calls |
//!
//! An [`Upload`] becomes an [`OutputFile`](stream_v2_pipeline::OutputFile): the bytes written to it
//! become an object. Its assumptions, its requests and its crash table are in `upload/mod.rs`, and
//! its rules in section 19.7 of the specification (`spec/stream-v2.md` in the repository). An
//! [`Object`] implements `Read`, `Seek` and [`ReadAt`](stream_v2_pipeline::ReadAt).
//!
//! The crate needs std, and Rust 1.95 or later. It has no features.
//!
//! # Examples
//!
//! ```no_run
//! use stream_v2_s3::{Bucket, Config};
//! use stream_v2_pipeline::{ContentKey, DecryptPipeline, Managers, WriterSink};
//!
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let object = Bucket::new("backups", &Config::from_env()?)?.object("dump.sql.sv2")?;
//! let mut sink = WriterSink::new(std::io::stdout());
//! DecryptPipeline::new(&key).run(object, &mut sink, Managers::none())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An upload that the same lines resume after an interruption:
//!
//! ```no_run
//! use std::fs::File;
//! use stream_v2_pipeline::{ContentKey, EncryptPipeline, FileSink};
//! use stream_v2_pipeline::{InterruptedEncryption, SourceStamp};
//! use stream_v2_s3::{Bucket, Config, Upload};
//!
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let pipeline = EncryptPipeline::new(&key);
//! let mut source = File::open("dump.sql")?;
//! let stamp = SourceStamp::of(&source.metadata()?);
//! let bucket = Bucket::new("backups", &Config::from_env()?)?;
//! let output = Upload::new(bucket, "dump.sql.sv2", "/var/spool/backups".as_ref())?.output();
//! match InterruptedEncryption::find(&pipeline, &output)? {
//!     Some(mut found) => {
//!         found.check_source(&mut source, stamp)?;
//!         found.resume(&pipeline, source, None)?;
//!     }
//!     None => {
//!         output.discard()?; // at most a part of a stream header
//!         pipeline.run_to_file(source, stamp, FileSink::create(&output)?, None)?;
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Assumptions
//!
//! - An object is replaced as a whole, and its `ETag` changes when its bytes do. Every request
//!   names the `ETag` that was found when the object was opened (`If-Match`), and every answer must
//!   carry it. So a reader reads one object, and never a mixture of two.
//! - Nothing else in the answers of S3 is trusted. The key decides whether bytes are genuine, as
//!   with any source.
//! - The credentials may list the bucket (`s3:ListBucket`). Otherwise S3 answers 403 for a missing
//!   object, too ([`is_hidden`]), and an object is created on condition alone.
//! - The clock is right to some minutes, because requests are signed with the time.
//!
//! # Names and signatures
//!
//! A key is a name and not a path. Every byte of it that a URL could take for something else is
//! sent as `%XX`. That includes the dots of `.` and `..`, so that no layer resolves it
//! (`address.rs`). Requests are signed in their headers, together with the SHA-256 of the body
//! (`signing.rs`). No credential and no signature is in a URL, because proxies write URLs to their
//! logs.
//!
//! # Requests
//!
//! - Opening an object: `HEAD`. If that is refused, `GET` of one byte, because only its answer has
//!   a reason.
//! - Reading on: `GET` with a range. It is 256 KiB after a seek, then four times as many each time,
//!   up to 8 MiB, which are held.
//! - Reading at an offset: `GET` with a range, of exactly the requested bytes.
//! - Replacing an envelope: see `replacing.rs`.
//! - A download that was cut: `GET` of the missing bytes, from the byte where it was cut.
//!
//! # Retries
//!
//! These are tried again, after pauses that double ([`Retry`]):
//!
//! - 429, 500, 502, 503 and 504,
//! - connections that are refused, cut or silent,
//! - answers that are too short,
//! - a 409 to the request that makes an object.
//!
//! An attempt that brought only a part of the bytes counts as the first. Parts of uploads, and the
//! request that makes an object of them, are given twice as many attempts. Nothing else is tried
//! again, in particular no other 4xx. A body may take any time to be sent, but a connection that
//! takes nothing of it for a minute is given up.
//!
//! # Errors
//!
//! They name `s3://BUCKET/KEY`, and the code and the message of S3 if there are any. They never
//! hold a credential, a signature or the URL of a request.
//!
//! - `NotFound`: no such bucket, no such object.
//! - `PermissionDenied`: 401 and 403, including those for a wrong clock, and an expired token.
//! - `InvalidData`: the object was replaced or has become shorter, answers make no sense, or TLS
//!   cannot be trusted.
//! - `InvalidInput`: invalid names and settings, including the region of another bucket.
//! - `ResourceBusy`: 429 and 503 again and again, or another request for an object that is being
//!   made.
//! - `Unsupported`: the server refuses to make an object on the condition that there is none.
//! - `TimedOut`, `ConnectionRefused`, `ConnectionReset`, `UnexpectedEof`, and other errors of the
//!   system: the connection failed again and again.
//! - `Other`: the rest.

mod address;
mod answers;
mod ask;
mod client;
mod config;
mod direct;
mod encoding;
mod errors;
mod listing;
mod multipart;
mod object;
mod profile;
mod reading;
mod replacing;
mod requests;
mod retry;
mod signing;
mod upload;

pub use client::Bucket;
pub use config::Config;
pub use errors::is_hidden;
pub use multipart::{Aborted, Found, Listed, Multipart, PartBody, PartBytes, Readable, Unfinished, UploadId};
pub use object::Object;
pub use replacing::HeadReplaced;
pub use retry::Retry;
pub use upload::{Leftover, Upload, UploadNotice};
