//! Every crash of a run in the laboratory, and its required outcome.
//!
//! This is a binary of its own, because it checks every message that is sealed in the process.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod decrypt;
mod encrypt;
mod failed_sync;
mod forks;
mod index;
mod resume_key;
mod resume_key_checks;
mod rewrap;
mod tables;
