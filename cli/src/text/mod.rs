//! Text for people, and the parsing of their input.

pub(crate) mod escape;
pub(crate) mod size;
pub(crate) mod time;
