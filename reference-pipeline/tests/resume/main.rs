//! The outputs of interrupted runs, and how the next run resumes them.

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
