//! Streams that are written and read, on threads and on tasks: whole, by range, and with every
//! fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod codec;
mod exhaustive;
mod faults;
mod index_written;
mod indexed;
mod io;
mod managers;
mod range;
mod ranges;
mod round_trip;
mod shown;
#[cfg(unix)]
mod source_file;
mod tasks;
mod walk;
