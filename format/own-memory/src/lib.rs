//! Searches the memory of the process itself for the keys of a stream, for tests. Linux only.
//!
//! A test must not hold the keys that it searches for, so they are kept masked here. A child
//! process derives them, with code that shares nothing with the format crate ([`derive()`]).
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod derive;
mod search;

pub use derive::{Stream, derive};
pub use search::{Hidden, found, unmask};
