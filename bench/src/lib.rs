//! Benchmarks: `cargo bench -p stream-v2-bench`, and beside other programs `.ci/bench`.
//!
//! The library is what they measure against: the bare AEAD of the backend in use, in memory and from file to file.

pub mod bare;
pub mod files;
