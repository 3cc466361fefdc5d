//! Benchmarks: `cargo bench -p stream-v2-bench`, and `.ci/bench` for a comparison with other
//! programs.
//!
//! The library is the baseline of the measurements: the bare AEAD of the backend in use, in memory
//! and from file to file.

pub mod bare;
pub mod files;
