//! Searches histories as trees of runs, for every mixture of honest segments that a storage can
//! return.
//!
//! Two claims are checked. No reader releases a byte that is not at its place in the sealed history
//! of the final segment that it verified. No resumed writer signs such a byte into an index.
//!
//! A *world* is everything that was ever sealed under one stream header. Its runs begin at segment
//! 0 or after any segment that another run has committed, as happens with storage that is rolled
//! back.
//!
//! The storage answers each read with anything genuine of the world, in any order, and may answer
//! the next read differently. Answers that are not genuine fail a tag, and are left out. So are
//! answers that every reader rejects for this kind of read. All worlds of a size are searched, and
//! in each all answers.
//!
//! Sealing and hashing are ideal. Run and segment_index identify a segment (SV2-FRM-008), salts of
//! runs differ, and a transcript is the list of the segments that it covers. The first run has the
//! salt that is all zero. No link may take it for the beginning of the stream.

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
