//! Real S3 servers for tests, on the loopback interface. Each can be killed and started again on
//! the same data.
//!
//! `SV2_TEST_SERVER` names the server [default: `seaweed`]. `.ci/s3` and `.ci/s3-servers` install
//! the programs and name them in variables of their own ([`Kind`]). The table in
//! `sinks/s3/S3-SERVERS.md` lists how each server differs from S3, and `tests/facts` checks it.
//!
//! A server is killed when its [`Server`] is dropped, and when the thread that started it ends.
//! This crate signs its own requests and reads the raw answers, so that it cannot hide a fault of
//! the library.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue fails")]

mod ceph;
mod garage;
mod kind;
mod moto;
mod ports;
mod process;
mod request;
mod s3rver;
mod seaweed;
mod server;
mod uploads;

pub use kind::{Kind, Quirks};
pub use request::{Answer, Ask, REGION, encoded};
pub use server::{BUCKET, Server};
pub use uploads::Unfinished;
