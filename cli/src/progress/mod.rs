//! The progress of a run: a bar or lines while it runs, and figures at its end.

pub(crate) mod bar;
mod line;
pub(crate) mod meter;
pub(crate) mod request;
pub(crate) mod stats;
