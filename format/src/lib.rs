//! The wire format of Stream V2: bytes to typed views and back, and sealing and opening of single
//! segments.
//!
//! A stream is a header and a sequence of encrypted segments. This crate reads and writes each of
//! them. It has no I/O, threads, clock or source of randomness, so your program decides where bytes
//! come from, and salts are arguments. No input can cause a panic, nor an allocation above the
//! authenticated limits.
//!
//! # Which crate
//!
//! | you want to | crate |
//! |---|---|
//! | encrypt and decrypt files, readers and writers | `stream-v2` |
//! | control threads, sinks, journals and resuming | `stream-v2-pipeline` |
//! | parse streams, or seal and open segments yourself | this one |
//!
//! # Modules
//!
//! The source is laid out like the specification, `spec/stream-v2.md` in the repository. Here `§7`
//! is one of its sections, and `SV2-FRM-001` one of its requirements.
//!
//! | module | what it does | sections |
//! |---|---|---|
//! | [`wire`] | turns bytes into typed values and back, without keys | §4, §6 to §9, §11, §18 |
//! | [`envelope`] | wraps and unwraps the content key in stanzas | §12 |
//! | [`codec`] | compresses and decompresses the plaintext of segments | §10 |
//! | [`crypto`] | holds keys, seals and opens segments, checks their order | §5 to §9, §13, §15 |
//! | [`limits`] | lists every bound of the format | §14 |
//! | [`lengths`] | computes the length of a stream from that of its plaintext, and back | §14.1 |
//! | [`Error`] | names the failed check, its place, and the found and expected values | §17 |
//!
//! # Features and requirements
//!
//! The crate is `no_std` and needs `alloc`. It needs Rust 1.95 or later. No feature is on by
//! default:
//!
//! - `accelerated` takes AEAD and CRC from AWS-LC and crc-fast. It needs `std` and a C compiler.
//!   The bytes are the same.
//! - `argon2id` unwraps content keys by passwords. A reader's memory then depends on the envelope,
//!   within the limits of its caller.
//! - `zstd` and `lz4` compress and decompress the plaintext of segments. `zstd` needs a C compiler.
//!   `zstd-portable` decompresses the same frames without one.
//! - `record-sealings` shows keys. It is for tests, and needs debug assertions.
//!
//! # Examples
//!
//! A whole stream, written and read back:
//!
//! ```
//! use stream_v2_format::SegmentIndex;
//! use stream_v2_format::crypto::{
//!     ContentKey, Progress, Run, RunSalt, SegmentOpener, SegmentOrder, SegmentSealer,
//!     StreamOpener, StreamSealer,
//! };
//! use stream_v2_format::wire::{HeaderV1View, StreamParams};
//!
//! let key = ContentKey::new([7; 32]);
//! let plaintext = [5; 6000];
//!
//! // Write. In a program, both salts come from the operating system and are never constants.
//! let params = StreamParams::new([1; 32]).with_frame_size_log2(12).with_segment_size(4096);
//! let stream = StreamSealer::new(params, &key, b"")?;
//! let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
//! let mut progress = Progress::of_writer(&stream);
//! let mut bytes = stream.header_bytes().to_vec();
//! for (index, piece) in (0..).map(SegmentIndex).zip(plaintext.chunks(4096)) {
//!     let mut wire = vec![0; sealer.wire_len(index, piece.len() as u32)];
//!     let sealed = sealer.seal_data(index, piece, &mut wire)?;
//!     progress.sealed(&sealed)?;
//!     bytes.extend_from_slice(&sealed.header.to_bytes());
//!     bytes.extend_from_slice(&wire);
//! }
//! let mut wire = [0; SegmentSealer::final_wire_len()];
//! let sealed = sealer.seal_final(SegmentIndex(2), &progress.trailer(), &mut wire)?;
//! bytes.extend_from_slice(&sealed.header.to_bytes());
//! bytes.extend_from_slice(&wire);
//!
//! // Read. Nothing is trusted before it is authenticated, or released before it is verified.
//! let (view, _) = HeaderV1View::parse(&bytes)?.complete().unwrap();
//! let stream = StreamOpener::new(&view.header(), &key, b"")?;
//! let mut order = SegmentOrder::new(stream.header());
//! let mut opener = SegmentOpener::new(&stream);
//! let mut progress = Progress::of_reader(&stream);
//! let mut read = Vec::new();
//! while !order.ended() {
//!     let offset = order.offset();
//!     let rest = &bytes[offset.0 as usize..];
//!     let parsed = stream.authenticate(rest, offset, order.segments())?;
//!     let (header, taken) = parsed.complete().unwrap();
//!     order.admit(header.header(), offset)?;
//!     let wire = &rest[taken..][..header.header().wire_len as usize];
//!     let mut payload = vec![0; header.header().payload_len as usize];
//!     let opened = opener.open(&header, wire, &mut payload)?;
//!     progress.opened(&header, &opened, &payload)?;
//!     read.extend_from_slice(&payload);
//! }
//! assert_eq!(read, plaintext);
//! # Ok::<(), stream_v2_format::Error>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::exhaustive_enums)]

extern crate alloc;
#[cfg(any(test, feature = "record-sealings"))]
extern crate std;

#[cfg(all(feature = "record-sealings", not(debug_assertions)))]
compile_error!(
    "the feature `record-sealings` shows keys: it is for tests, and needs a profile with debug assertions"
);

pub mod codec;
pub mod crypto;
mod detail;
pub mod envelope;
mod error;
pub mod lengths;
pub mod limits;
mod misuse;
mod numbers;
pub mod wire;

/// The test-only features that this build has enabled.
///
/// A binary that encrypts data has none.
pub const TEST_FEATURES: &[&str] = if cfg!(feature = "record-sealings") { &["record-sealings"] } else { &[] };

pub use detail::{Detail, ErrorKind};
pub use error::{Allowed, Error};
pub use misuse::Misuse;
pub use numbers::{KeyEpoch, Offset, SegmentIndex};
