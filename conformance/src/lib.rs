//! The conformance suite of Stream V2: golden vectors, generated from `spec/stream-v2.md` on plain
//! primitives, and a [`runner`] that tests any implementation with them.
//!
//! Nothing here is shared with the crates that the vectors test. Expected results are declared next
//! to the fault of a vector, from the specification's order of checks. They do not come from a
//! reader.

pub mod broken;
pub mod brought;
mod cases;
mod dump;
pub mod folder;
pub mod forge;
pub mod generator;
pub mod golden;
pub mod judge;
pub mod operations;
pub mod protocol;
pub mod runner;
pub mod vector;
