//! The conformance suite of Stream V2: golden vectors, generated from `spec/stream-v2.md` on plain
//! primitives, and a
//! [`runner`] that holds any implementation against them.
//!
//! Nothing here is shared with the crates that the vectors test. Expected results are declared next
//! to the fault that a vector has, from the specification's order of checks; no reader is asked.

pub mod broken;
mod cases;
pub mod check;
mod coverage;
mod dump;
pub mod example;
pub mod folder;
pub mod forge;
pub mod generate;
pub mod judge;
mod keys;
pub mod lint;
pub mod operations;
pub mod plaintext;
mod plan;
mod primitives;
pub mod protocol;
pub mod published;
pub mod requirements;
pub mod runner;
mod trace;
pub mod tree;
pub mod vector;
mod waivers;
mod wire;
mod writer;
