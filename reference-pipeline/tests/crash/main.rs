//! Every crash of a run in the laboratory, and what must become of each. A binary of its own: every message
//! that is sealed in the process is looked at.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod decrypt;
mod encrypt;
mod failed_sync;
mod forks;
mod index;
mod tables;
