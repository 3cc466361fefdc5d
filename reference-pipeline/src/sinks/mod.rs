//! Sinks: one a file. Each begins with what it relies on and what a crash leaves.

mod file;
mod writer;

pub use file::FileSink;
pub use writer::WriterSink;
