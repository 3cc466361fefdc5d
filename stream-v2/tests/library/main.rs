//! The library: readers and writers, and files that resume by themselves.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod decrypted_files;
mod envelopes;
mod files;
mod key_files;
mod rewrap;
mod streams;
mod support;
