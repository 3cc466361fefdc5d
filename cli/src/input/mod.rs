//! Inputs: files, pipes, databases, S3, and the output of a command.

pub(crate) mod envelope;
pub(crate) mod producer;
pub(crate) mod source;
pub(crate) mod waiting;
