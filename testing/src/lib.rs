//! The shared parts of the tests: small streams, sources and sinks that misbehave on purpose, the
//! crash laboratory, and the command in a folder of its own.
//!
//! Without features, only the parts independent of the pipeline are present: [`command`] and
//! [`piecewise`].

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![expect(missing_docs, reason = "a name says what a field or a call of a test double is")]
#![expect(clippy::new_without_default, reason = "tests say what they make")]

pub mod command;
#[cfg(feature = "pipeline")]
pub mod crash_sim;
#[cfg(feature = "pipeline")]
pub mod engine;
pub mod forward;
#[cfg(feature = "pipeline")]
pub mod indexed;
#[cfg(feature = "pipeline")]
pub mod managers;
mod pattern;
pub mod piecewise;
#[cfg(feature = "pipeline")]
pub mod sinks;
#[cfg(feature = "pipeline")]
pub mod sources;
#[cfg(feature = "pipeline")]
pub mod streams;
#[cfg(feature = "tokio")]
pub mod tasks;
#[cfg(target_os = "linux")]
pub mod threads;
#[cfg(feature = "pipeline")]
pub mod vectors;

pub use pattern::plaintext;
