//! Makes streams on plain primitives, from `spec/stream-v2.md` alone: the plan of a stream, its
//! bytes, and the places at which a vector alters them.

pub(crate) mod age;
pub mod example;
pub(crate) mod keys;
pub mod plaintext;
pub(crate) mod plan;
pub(crate) mod primitives;
pub(crate) mod wire;
mod writer;
