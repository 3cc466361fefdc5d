//! An S3 server for tests, on the loopback interface.
//!
//! It keeps objects in memory, checks signatures, produces faults on demand, and records requests
//! and bytes.
//!
//! `s3s` reads requests, checks their signatures and writes answers. `hyper` serves them on a
//! thread of its own. This crate adds what a good server would never do. It writes each answer
//! whole, and the connection below ends at the chosen byte.
//!
//! A bucket exists as soon as it is named. A key has one version. Only uploads can be deleted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod completing;
mod connection;
mod copying;
mod fault;
mod front;
mod identity;
mod listing;
mod object;
mod request;
mod server;
mod service;
mod signed;
mod state;
mod uploads;

pub use fault::Fault;
pub use front::{Front, Part, Upload};
pub use identity::{KEY_ID, REGION, SECRET};
pub use object::Properties;
pub use request::{Operation, Request};
