//! What each vector is, declared by hand: a family for each operation.

pub(crate) mod crash;
pub(crate) mod export;
pub(crate) mod range;
pub(crate) mod read;
pub(crate) mod recover;
pub(crate) mod resume;
pub(crate) mod write;
