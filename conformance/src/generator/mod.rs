//! Makes streams on plain primitives, from `spec/stream-v2.md` alone: what a stream is to be, its
//! bytes, and the places where a vector alters them.

pub mod example;
pub(crate) mod keys;
pub mod plaintext;
pub(crate) mod plan;
pub(crate) mod primitives;
pub(crate) mod wire;
mod writer;
