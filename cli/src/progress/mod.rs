//! The progress of a run: a bar while it runs, and figures at its end.

pub(crate) mod bar;
pub(crate) mod stats;
