//! Encrypts and decrypts Stream V2 streams: in memory, in files that resume after an interruption,
//! through any `Read` and `Write`, and in ranges.
//!
//! A stream is encrypted and authenticated with one content key of 32 bytes. Readers, writers and
//! files take bounded memory, whatever the length of the plaintext. A reader releases no byte that
//! it has not verified, and reports success only after it has verified the whole stream.
//!
//! Most programs need this crate alone. It includes the crates below it as modules: [`pipeline`]
//! for your own sinks, storage and managers, and [`mod@format`] for parsing and single segments.
//!
//! | job | call |
//! |---|---|
//! | bytes in memory | [`encrypt`], [`decrypt`] |
//! | files that resume after an interruption | [`encrypt_file`], [`decrypt_file`] |
//! | any `Write` or `Read` | [`Encryptor::wrap_write`], [`Decryptor::unlock`] |
//! | a part of a stored stream | [`Decryptor::unlock_ranges`] |
//! | the output of an interrupted writer | [`recover()`] |
//! | other keys for a stream | [`rewrap::Rewrap`] |
//!
//! # Examples
//!
//! In memory:
//!
//! ```
//! use stream_v2::{decrypt, encrypt, key};
//!
//! let key = key::generate()?;
//! let stream = encrypt(&key, "hello")?;
//! assert_eq!(decrypt(&key, &stream)?, b"hello");
//! # Ok::<(), stream_v2::Error>(())
//! ```
//!
//! A file. If the program is interrupted, run it again to resume:
//!
//! ```
//! use stream_v2::{Options, encrypt_file, key};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (source, target) = (folder.path().join("dump"), folder.path().join("dump.sv2"));
//! # std::fs::write(&source, "hello")?;
//! let key = key::generate()?; // from a key file: `key::read`
//! let options = Options::new(&key).on_progress(|progress| eprintln!("{} bytes", progress.done()));
//! let report = encrypt_file(&options, &source, &target)?;
//! println!("{}", report.outcome());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The programs in `examples/` of the repository show each job.
//!
//! # Settings
//!
//! [`Options`] has the settings of a writer, [`Unlock`] those of a reader. Both are builders, can
//! be cloned, and can be used for any number of streams. Clones share the shutdown handle, the
//! counters and the closure for progress.
//!
//! # Modules
//!
//! The names of the root are enough for most programs.
//!
//! | module | what it has |
//! |---|---|
//! | [`key`] | content keys: new ones, and key files |
//! | [`mod@file`] | sources, outputs, events and reports of the calls for files |
//! | [`stream`] | the readers and writers that [`Decryptor`] and [`Encryptor`] make |
//! | [`range`] | random access to the plaintext |
//! | [`mod@recover`] | the committed part of an interrupted stream |
//! | [`rewrap`] | replacing the envelope of a stream |
//! | [`error`] | the kinds and details of [`Error`] |
//! | [`pipeline`] | the crate `stream-v2-pipeline`: own sinks and managers, resuming by steps |
//! | [`mod@format`] | the crate `stream-v2-format`: parsing, and single segments |
//!
//! The format is specified in `spec/stream-v2.md` of the repository. `§7` in this documentation is
//! one of its sections, and `SV2-RES-029` one of its requirements.
//!
//! # Features and requirements
//!
//! The crate needs std, and Rust 1.95 or later.
//!
//! - `accelerated` (default) takes AEAD and CRC from AWS-LC and crc-fast, which need a C compiler.
//!   The bytes are the same.
//! - `age` adds recipients and identities of age to the module [`key`]. It has no command of age:
//!   plugins of age start only if the caller allows them.
//! - `tokio` adds the module `tokio`: streams on a Tokio runtime.
//! - `sqlite` adds the module `sqlite`: streams in a database, the crate `stream-v2-sqlite`.
//! - `s3` adds the module `s3`: streams in S3, the crate `stream-v2-s3`.
//! - `tracing` adds a span for each step of each segment.
#![forbid(unsafe_code)]

mod background;
mod decryptor;
mod encryptor;
mod memory;
mod opening;
mod options;
mod report;
mod resume;
mod settings;
mod source;
mod unlock;

pub mod error;
pub mod file;
pub mod key;
pub mod range;
pub mod recover;
pub mod rewrap;
#[cfg(feature = "tokio")]
pub mod tokio;

/// Streams in S3, as sources and as outputs.
#[cfg(feature = "s3")]
pub mod s3 {
    pub use stream_v2_s3::*;
}

/// Streams in an SQLite database, as outputs and as sources.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use stream_v2_sqlite::*;
}

/// The wire format: bytes to typed views and back, and sealing and opening of one segment.
pub mod format {
    pub use stream_v2_format::*;
}

/// The pipeline: workers, framing, sinks, journals and resuming as steps.
pub mod pipeline {
    pub use stream_v2_pipeline::*;
}

/// The readers and writers that [`Encryptor`] and [`Decryptor`] make.
pub mod stream {
    pub use crate::decryptor::PlaintextStream;
    pub use crate::encryptor::EncryptWriter;
}

pub use decryptor::Decryptor;
pub use encryptor::Encryptor;
pub use error::Error;
pub use file::{decrypt_file, encrypt_file};
pub use memory::{decrypt, encrypt};
pub use options::Options;
pub use range::RangeReader;
pub use recover::{Recovered, recover};
pub use stream_v2_format::codec::Compression;
pub use stream_v2_pipeline::{ContentKey, Shutdown};
pub use unlock::Unlock;
