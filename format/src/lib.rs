//! The Stream V2 wire format.
//!
//! Converts bytes to typed views and back, and seals and opens single segments.
//!
//! The crate has three parts, laid out like the specification (`spec/stream-v2.md`):
//!
//! * [`wire`] turns bytes into typed values and values into bytes. It knows checksums and no keys.
//! * [`envelope`] does the same for the stanzas that wrap a content key.
//! * [`crypto`] holds the keys: key schedule, tags, frames, digest, transcript, and the order of
//!   segments.
//!
//! The crate has no I/O, threads, clock or source of randomness. Salts are arguments. No input can
//! cause a panic, nor an allocation above the authenticated limits.
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

pub mod crypto;
mod detail;
pub mod envelope;
mod error;
pub mod lengths;
pub mod limits;
mod misuse;
mod numbers;
pub mod wire;

/// The test-only features that this build has enabled. A binary that encrypts data has none.
pub const TEST_FEATURES: &[&str] = if cfg!(feature = "record-sealings") { &["record-sealings"] } else { &[] };

pub use detail::{Detail, ErrorKind};
pub use error::{Allowed, Error};
pub use misuse::Misuse;
pub use numbers::{KeyEpoch, Offset, SegmentIndex};
