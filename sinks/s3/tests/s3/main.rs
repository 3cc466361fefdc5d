//! Objects and uploads of a real server on loopback that fails on demand: every request of a run,
//! and every kind of fault.
//!
//! `crash_upload` tests crashes of this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bucket;
mod command;
mod conditions;
mod cut_off;
mod endings;
mod every_request;
mod giving_up;
mod gone;
mod machine;
mod names;
mod reading;
mod runs;
mod shutdown;
