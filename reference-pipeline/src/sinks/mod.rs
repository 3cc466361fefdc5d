//! Sinks: one a file. Each begins with what it relies on and what a crash leaves.

mod file;
mod writer;

pub(crate) use file::sync_folder;
pub use file::{FileSink, discard_partial, is_being_written, partial_path};
pub use writer::WriterSink;
