//! Outputs: a file that appears when it is complete, a device, standard output, a database, S3.

pub(crate) mod choose;
pub(crate) mod device;
pub(crate) mod file;
pub(crate) mod same_file;
pub(crate) mod target;
pub(crate) mod upload;
