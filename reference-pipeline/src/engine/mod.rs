//! Engines that take segments from a reader through workers to a writer, in order and in bounded
//! memory.
//!
//! One engine runs on threads, the other on tasks. `spec/concurrency.md` says what waits for what.

pub(crate) mod block_on;
pub(crate) mod catch_panic;
#[cfg(test)]
mod contract_tests;
mod ordered_writer;
mod parallelism;
mod reorder;
pub(crate) mod shutdown;
pub(crate) mod stages;
mod sync;
#[cfg(feature = "tokio")]
pub(crate) mod tasks;
pub(crate) mod threads;

pub use parallelism::Parallelism;
pub use shutdown::Shutdown;
