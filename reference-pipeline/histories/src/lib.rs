//! Histories as trees of runs: whatever a storage mixes from what honest writers have sealed, no
//! reader releases a byte that is not at its place in the sealed history of the final segment that
//! it verified, and no resumed writer signs one into an index.
//!
//! A *world* is everything that was ever sealed under one stream header: runs that begin at
//! segment 0 or after any segment that another run has committed, as storage that is rolled back
//! makes them. Storage answers each read with anything genuine of the world, in any order, and
//! otherwise at the next read. What is not genuine fails a tag, and is left out; so is what is
//! rejected wherever its kind of read stands. All worlds of a size are looked at, and in each all
//! answers.
//!
//! Sealing and hashing are ideal: a segment is known by run and segment_index (SV2-FRM-008), salts
//! of runs differ, and a transcript is the list of what it covers. The first run has the salt that
//! is all zero, which no link may take for the beginning of the stream.

mod arithmetic;
mod by_index;
mod findings;
mod range;
mod reached;
mod resume;
mod rules;
mod search;
mod sequential;
mod walking;
mod world;

pub use findings::{Claim, Count, Findings};
pub use rules::{Rule, Rules};
pub use search::{Size, search};
pub use world::Layout;
