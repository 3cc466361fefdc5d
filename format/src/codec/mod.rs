//! §10 Codecs: what compresses the plaintext of a data segment.
//!
//! | codec | features | encodes | decodes |
//! |---|---|---|---|
//! | 1, a Zstandard frame (RFC 8878) | `zstd` | the C library | the C library |
//! | 1, a Zstandard frame (RFC 8878) | `zstd-portable` | | Rust alone |
//! | 2, an LZ4 block | `lz4` | Rust alone | Rust alone |
//!
//! A payload is decompressed after its segment was verified, and never before. Both sides keep their
//! memory from one segment to the next.

mod compressor;
mod decompressor;
#[cfg(feature = "lz4")]
mod lz4;
mod sample;
#[cfg(feature = "zstd-decode")]
mod zstd;
#[cfg(feature = "zstd-decode")]
mod zstd_frame;
#[cfg(feature = "zstd-portable")]
mod zstd_portable;

pub use compressor::{Compression, Compressor, ZSTD_LEVEL, ZSTD_LEVEL_MAX};
pub use decompressor::Decompressor;

/// What is wrong with a payload, before it has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "zstd-decode"), expect(dead_code, reason = "only Zstandard has a window"))]
enum Fault {
    /// The window of a Zstandard frame is above S: this many bytes.
    Window(u64),
    /// It is not one frame or block, or has another length than plaintext_len.
    Payload,
}
