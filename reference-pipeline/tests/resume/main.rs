//! What an interrupted run leaves, and how the next one resumes it.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod damaged_output;
mod file;
#[cfg(unix)]
mod files_of_others;
mod interrupted_end;
mod recovered;
mod runs;
mod tasks;
mod trust;
