//! Streams in a database, and databases that another program has made.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod hostile;
mod streams;
