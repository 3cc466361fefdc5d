//! Runs the golden vectors against any implementation, as a process (conformance/PROTOCOL.md).
//!
//! Data flows one way: a [`suite`] is loaded, each vector has steps ([`crate::operations`]), an
//! [`adapter`] answers them or comes to grief, [`crate::judge`] says what that is, and a [`report`]
//! holds it.

pub mod adapter;
pub mod explain;
pub mod one_shot;
pub mod report;
pub mod run;
pub mod suite;
