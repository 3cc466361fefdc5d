//! Reports on a run: the fault, the partial output, and the next step.

pub(crate) mod advice;
pub(crate) mod failed_call;
pub(crate) mod failed_run;
pub(crate) mod follow;
pub(crate) mod json;
pub(crate) mod rescue;
pub(crate) mod resume;
pub(crate) mod rewrap;
