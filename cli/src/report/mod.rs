//! What is said about a run: what was wrong, what is left, and what to do next.

pub(crate) mod advice;
pub(crate) mod failed_call;
pub(crate) mod failed_run;
pub(crate) mod follow;
pub(crate) mod resume;
