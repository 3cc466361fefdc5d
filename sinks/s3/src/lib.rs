//! Streams in S3: an object as a source, and as an output.
//!
//! An [`Upload`] is an [`OutputFile`](stream_v2_pipeline::OutputFile): what is written to it becomes an object, and an interrupted run is gone on with as with files.
//! What it assumes, asks for and survives begins `upload/mod.rs`. An [`Object`] can be read from front to back, can seek, and can be read anywhere ([`ReadAt`](stream_v2_pipeline::ReadAt)):
//!
//! ```no_run
//! use stream_v2_s3::{Bucket, Config};
//! use stream_v2_pipeline::{ContentKey, DecryptPipeline, Managers, WriterSink};
//!
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let object = Bucket::new("backups", &Config::from_env()?)?.object("dump.sql.sv2")?;
//! DecryptPipeline::new(&key).run(object, &mut WriterSink::new(std::io::stdout()), Managers::none())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Assumptions
//! - An object is replaced as a whole, and its `ETag` changes when its bytes do. Every request names the `ETag` that was found when the object was
//!   opened (`If-Match`), and every answer must carry it: what is read is one object, and never a mixture of two.
//! - Nothing that S3 answers is trusted beyond that. Whether bytes are genuine is decided by the key, as with any source.
//! - The credentials may list the bucket (`s3:ListBucket`). Otherwise S3 answers 403 for what does
//!   not exist, too ([`is_hidden`]), and an object is created on condition alone.
//! - The clock is right to some minutes: requests are signed with the time.
//!
//! # Names and signatures
//! A key is a name and not a path. Every byte of it that a URL could take for something else is
//! sent as `%XX`, the dots of `.` and `..` among them, so that no layer resolves it (`address.rs`).
//! Requests are signed in their headers, together with the SHA-256 of the body (`signing.rs`): no
//! credential and no signature is in a URL, which proxies write to their logs.
//!
//! # Requests
//! | step | request | bytes |
//! |---|---|---|
//! | an object is opened | `HEAD`; refused, `GET` of one byte, because only that says why | none |
//! | reading on | `GET` with a range | 256 KiB after a seek, then four times as many each time, up to 8 MiB, which are held |
//! | reading at an offset | `GET` with a range | exactly what was asked for |
//! | a download that was cut | `GET` from the byte where it was cut | what is missing |
//!
//! # Retries
//! Tried again, after pauses that double ([`Retry`]): 429, 500, 502, 503 and 504, connections that are refused, cut or silent, and answers that are too short.
//! An attempt that brought bytes and not all of them counts as the first. Parts of uploads, and
//! what makes an object of them, are given twice as many attempts. So is a 409 to what makes an
//! object. Nothing else is tried again, no other 4xx above all. A body that is sent may take as
//! long as it takes; a connection that takes nothing of it for a minute is given up.
//!
//! # Errors
//! They name `s3://BUCKET/KEY`, and the code and the message of S3 where there are any. They never hold a credential, a signature or the URL of a request.
//!
//! | kind | when |
//! |---|---|
//! | `NotFound` | no such bucket, no such object |
//! | `PermissionDenied` | 401 and 403, among them a clock that is wrong; a token that has expired |
//! | `InvalidData` | the object was replaced, or has become shorter; answers that make no sense; TLS that cannot be trusted |
//! | `InvalidInput` | names and settings that cannot be right, among them the region of another bucket |
//! | `ResourceBusy` | 429 and 503, again and again; another request for an object that is to be made |
//! | `Unsupported` | the server refuses to make an object on the condition that there is none |
//! | `TimedOut`, `ConnectionRefused`, `ConnectionReset`, `UnexpectedEof`, and what else the system reports | the connection, again and again |
//! | `Other` | the rest |

mod address;
mod answers;
mod ask;
mod client;
mod config;
mod direct;
mod encoding;
mod errors;
mod multipart;
mod object;
mod profile;
mod reading;
mod requests;
mod retry;
mod signing;
mod upload;

pub use client::Bucket;
pub use config::Config;
pub use errors::is_hidden;
pub use multipart::{Aborted, Found, Listed, Multipart, PartBody, Readable, Unfinished, UploadId};
pub use object::Object;
pub use retry::Retry;
pub use upload::{Leftover, Upload, UploadNotice};
