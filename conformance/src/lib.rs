//! Golden vectors of Stream V2, generated from `spec/stream-v2.md` on plain primitives.
//!
//! Nothing here is shared with the crates that the vectors test. Expected results are declared next to the
//! fault that a vector has, from the specification's order of checks; no reader is asked.

mod case;
mod cases;
pub mod check;
pub mod example;
mod export;
mod keys;
pub mod plaintext;
mod plan;
mod primitives;
mod recover_cases;
pub mod tree;
pub mod vector;
mod waivers;
mod wire;
mod write_cases;
mod writer;
