//! The pipeline of Stream V2: encrypts and decrypts streams on std threads, or on Tokio, in bounded
//! memory.
//!
//! It cuts a source into segments, seals or opens them in parallel, and hands them to a sink in
//! order. It also writes journals, resumes interrupted runs, and reads ranges of stored streams.
//!
//! # Which crate
//!
//! | you want to | crate |
//! |---|---|
//! | encrypt and decrypt files, readers and writers | `stream-v2` |
//! | bring your own sink or storage, log and crash manager, or resume step by step | this one |
//! | parse streams, or seal and open segments yourself | `stream-v2-format` |
//! | keep streams in S3 or in SQLite databases | `stream-v2-s3`, `stream-v2-sqlite` |
//!
//! # How it works
//!
//! ```text
//! source --Bytes--> workers (pure) --> reorder (pure) --> ordered writer --> OutputSink
//!    ^                                                          |
//!    +------------------ permit (recycled buffers) -------------+
//! ```
//!
//! A run holds a fixed number of buffers ([`Parallelism`]), and hands each of them out as a permit.
//! `spec/concurrency.md` in the repository describes what waits for what, and why the pipeline
//! cannot deadlock.
//!
//! # Items
//!
//! `§7` is a section of the specification, `spec/stream-v2.md` in the repository.
//!
//! | job | items | sections |
//! |---|---|---|
//! | encrypt or decrypt all of a source | [`EncryptPipeline`], [`DecryptPipeline`] | §15, §16 |
//! | take the output | [`OutputSink`], [`FileSink`], [`WriterSink`] | §19.7 |
//! | resume a run | [`InterruptedEncryption`], [`InterruptedDecryption`] | §19.2, §19.4 |
//! | find the committed part of an output | [`recover()`], [`recover_keyless`] | §18, §19 |
//! | read a range of a stored stream | [`RangeReader`], [`PlaintextReader`], [`ReadAt`] | §15.5 |
//! | bring another storage than the disk | [`Storage`], [`StoredFile`], [`OutputFile`] | §19.7 |
//! | frame segments | [`mod@io`], [`EncryptSegmentWorker`], [`DecryptSegmentWorker`] | §6 to §8 |
//! | follow a run | [`Managers`], [`Telemetry`], [`Shutdown`] | |
//! | read and write key files | [`KeyFile`] | Appendix C |
//! | encrypt for keys and passphrases | [`Recipients`], [`Credentials`], [`Passphrase`] | §12 |
//! | replace envelopes | [`Rewrap`], [`write_detached`] | §12.4 |
//! | resume what is encrypted for others alone | [`ResumeKeys`] | §19.9 |
//!
//! # Examples
//!
//! From memory to memory:
//!
//! ```
//! use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Managers, WriterSink};
//!
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let mut stream = Vec::new();
//! let mut sink = WriterSink::new(&mut stream);
//! EncryptPipeline::new(&key).run(&b"hello"[..], &mut sink, Managers::none())?;
//!
//! let mut plaintext = Vec::new();
//! let mut sink = WriterSink::new(&mut plaintext);
//! DecryptPipeline::new(&key).run(&stream[..], &mut sink, Managers::none())?;
//! assert_eq!(plaintext, b"hello");
//! # Ok::<(), stream_v2_pipeline::Error>(())
//! ```
//!
//! Into a file. The same lines start a stream, and resume it after a crash (§19.2):
//!
//! ```
//! use std::io::Cursor;
//! use stream_v2_pipeline::{ContentKey, EncryptPipeline, FileSink, InterruptedEncryption};
//! use stream_v2_pipeline::{OutputFile, SourceStamp};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("dump.sv2");
//! let key = ContentKey::new([7; 32]);
//! let pipeline = EncryptPipeline::new(&key);
//! let mut source = Cursor::new(b"hello"); // a file
//! let stamp = SourceStamp { len: Some(5), mtime: None };
//! let output = OutputFile::new(path);
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
//! # Features and requirements
//!
//! The crate needs std, and Rust 1.95 or later. No feature is on by default:
//!
//! - `accelerated` takes AEAD and CRC from AWS-LC and crc-fast. It needs a C compiler. The bytes
//!   are the same.
//! - `age` adds recipients and identities of age ([`Recipients`], [`Credentials`]).
//! - `tokio` adds the module `tokio`: the same pipeline as a future, with `AsyncRead` and
//!   `AsyncWrite`, and segments for `tokio_util::codec`.
//! - `tracing` adds a span for each step of each segment, as in [`Telemetry`].
//! - `fixed-salts` and `shuttle` are for tests, never for data (SV2-WRT-006).
#![forbid(unsafe_code)]

#[cfg(all(feature = "fixed-salts", not(debug_assertions)))]
compile_error!(
    "the feature `fixed-salts` chooses salts: it is for tests, and needs a profile with debug assertions"
);

mod engine;
mod error;
pub mod io;
mod keys;
mod observe;
pub mod pipeline;
mod range;
mod recover;
mod resume;
mod segment;
mod sink;
mod source;
mod storage;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use engine::{Parallelism, Shutdown};
pub use error::{Cause, Error, Stage};
#[cfg(feature = "fixed-salts")]
pub use keys::Salts;
#[cfg(feature = "age")]
pub use keys::{
    AGE_TEXT_LEN_MAX, Identity, IdentityFile, IdentityFileError, LineError, PluginUi, Plugins, Recipient,
    RecipientError,
};
pub use keys::{
    Credentials, KEY_FILE_LEN_MAX, KeyFile, KeyFileError, LineFault, OpenedBy, Part, Passphrase, Recipients,
};
pub use observe::{
    Commit, CrashManager, LogEvent, LogManager, Managers, Telemetry, TelemetryEvent, TelemetrySnapshot,
};
pub use pipeline::{DecryptPipeline, Durability, EncryptPipeline, Summary};
pub use range::{PlaintextReader, RangeBy, RangeReader};
pub use recover::{
    FileJournal, JournalState, KeylessRecovered, KeylessWalk, LastSegment, Recovered, SourceStamp, WalkDepth,
    WalkedSegment, recover, recover_keyless,
};
pub use resume::rewrap::{Prepared, Replaced, Rewrap, Unlocked, envelope_digest, write_detached};
pub use resume::{InterruptedDecryption, InterruptedEncryption, PartialDecryption, ResumeWarning};
pub use segment::{
    DecryptSegmentInput, DecryptSegmentWorker, DecryptedSegment, EncryptSegmentInput, EncryptSegmentWorker,
    EncryptedSegment,
};
pub use sink::{FileSink, OutputSink, SinkUnit, WriterSink};
pub use source::{ReadAt, resolve_seek};
pub use storage::{Disk, KeptKey, OutputFile, ResumeKeys, Storage, StoredFile, is_planted};
pub use stream_v2_format::crypto::ContentKey;

/// Returns the features of this build that are for tests only, including those of the format.
///
/// A binary that encrypts data has none of them.
pub fn test_features() -> impl Iterator<Item = &'static str> {
    let features = [("fixed-salts", cfg!(feature = "fixed-salts")), ("shuttle", cfg!(feature = "shuttle"))];
    let own = features.into_iter().filter_map(|(name, on)| on.then_some(name));
    stream_v2_format::TEST_FEATURES.iter().copied().chain(own)
}
