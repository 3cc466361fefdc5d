//! The files of `vectors/`: generated, compared, and checked against the rules of the suite.

pub mod check;
mod coverage;
pub mod generate;
pub mod lint;
pub mod published;
pub mod requirements;
mod trace;
pub mod tree;
mod waivers;
