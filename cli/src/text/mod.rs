//! Text for people, and what is read from it.

pub(crate) mod escape;
pub(crate) mod size;
