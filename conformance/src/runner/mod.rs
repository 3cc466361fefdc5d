//! Runs the golden vectors against any implementation, as a process (conformance/PROTOCOL.md).
//!
//! Data flows one way: a [`suite`] is loaded, each vector becomes [`questions`], an [`adapter`] answers them or
//! comes to grief, [`judge`] says what that is, and a [`report`] holds it.

pub mod adapter;
mod crash;
pub mod explain;
pub mod judge;
pub mod layout;
pub mod one_shot;
pub mod protocol;
pub mod questions;
pub mod report;
pub mod run;
pub mod suite;
