//! Where bytes come from: files, pipes, databases, S3, the output of a command.

pub(crate) mod producer;
pub(crate) mod source;
pub(crate) mod waiting;
