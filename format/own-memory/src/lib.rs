//! Looks for the keys of a stream in the memory of the process itself, for tests. Linux only.
//!
//! A test must not hold what it looks for, so keys are kept masked here. They are derived in a
//! child process, by code that shares nothing with the format crate ([`derive()`]).
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod derive;
mod search;

pub use derive::{Stream, derive};
pub use search::{Hidden, found, unmask};
