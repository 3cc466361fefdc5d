//! One segment, sealed or opened: pure work on the two buffers of a permit (§7, §8).

pub(crate) mod buffers;
mod decrypt;
mod encrypt;
pub(crate) mod unpacker;

pub use decrypt::{DecryptSegmentInput, DecryptSegmentWorker, DecryptedSegment};
pub use encrypt::{EncryptSegmentInput, EncryptSegmentWorker, EncryptedSegment};
