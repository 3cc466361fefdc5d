//! An S3 for tests, on loopback: objects in memory, signatures checked, faults on demand, requests and bytes counted.
//!
//! `s3s` reads requests, checks their signatures and writes answers; `hyper` serves them on a thread of its own. What a good server would never do is done around the
//! two: an answer is written whole, and the connection below ends at the byte that was asked for.
//!
//! Buckets are there when they are named. A key has one version. Nothing is deleted but uploads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod completing;
mod connection;
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
pub use request::{Operation, Request};
