//! How far a run came: a bar while it runs, figures at its end.

pub(crate) mod bar;
pub(crate) mod stats;
