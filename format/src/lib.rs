//! The Stream V2 wire format: bytes to typed views and back, and sealing and opening of one segment.
//!
//! Three parts, laid out like the specification (`spec/stream-v2.md`):
//!
//! * [`wire`] turns bytes into typed values and values into bytes. It knows checksums and no keys.
//! * [`envelope`] does the same for the stanzas that wrap a content key.
//! * [`crypto`] holds the keys: key schedule, tags, frames, digest, transcript, and the order of segments.
//!
//! There is no I/O, thread, clock or source of randomness in here; salts come in as arguments. Nothing that
//! arrives from outside can cause a panic, nor an allocation above the authenticated limits.
//!
//! ```
//! use stream_v2_format::crypto::{ContentKey, Run, RunSalt, SegmentOpener, SegmentSealer, StreamOpener, StreamSealer, Transcript};
//! use stream_v2_format::wire::{HeaderV1View, StreamParams};
//! use stream_v2_format::{Offset, SegmentIndex};
//!
//! let key = ContentKey::new([7; 32]);
//! let params = StreamParams::new([1; 32]); // the stream salt: from the operating system, never a constant
//! let stream = StreamSealer::new(params, &key, b"").unwrap();
//! let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
//!
//! let mut wire = vec![0; sealer.wire_len(SegmentIndex::FIRST, 5)];
//! let sealed = sealer.seal_data(SegmentIndex::FIRST, b"hello", &mut wire).unwrap();
//!
//! let bytes = stream.header_bytes();
//! let (view, _) = HeaderV1View::parse(&bytes).unwrap().complete().unwrap();
//! let reader = StreamOpener::new(&view.header(), &key, b"").unwrap();
//! let header = reader.authenticate(&sealed.header.to_bytes(), Offset(128), 0).unwrap().complete().unwrap().0;
//! let mut plaintext = [0; 5];
//! SegmentOpener::new(&reader).open(&header, &wire, &mut plaintext).unwrap();
//! assert_eq!(&plaintext, b"hello");
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
pub mod envelope;
pub mod error;
pub mod lengths;
pub mod limits;
mod misuse;
mod numbers;
pub mod wire;

/// The features of this build that are for tests only. A binary that encrypts data has none of them.
pub const TEST_FEATURES: &[&str] = if cfg!(feature = "record-sealings") { &["record-sealings"] } else { &[] };

pub use error::{Allowed, Detail, Error, ErrorKind};
pub use misuse::Misuse;
pub use numbers::{KeyEpoch, Offset, SegmentIndex};
