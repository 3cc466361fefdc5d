//! Runs the golden vectors against any implementation, as a process (conformance/PROTOCOL.md).
//!
//! Data flows one way. A [`suite`] is loaded, each vector has steps ([`crate::operations`]), and an
//! [`adapter`] answers them or fails. [`crate::judge`] gives the verdicts, and a [`report`] holds
//! them.

pub mod adapter;
pub mod explain;
pub mod one_shot;
pub mod report;
pub mod run;
pub mod suite;
