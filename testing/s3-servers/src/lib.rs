//! Real S3 servers for tests, on loopback: each can be killed and started again on the same data.
//!
//! `SV2_TEST_SERVER` names the server, `seaweed` unless it is set. `.ci/s3` and `.ci/s3-servers`
//! install the programs and name them in variables of their own ([`Kind`]). What each server does
//! otherwise than S3 is the table of `sinks/s3/S3-SERVERS.md`, which `tests/facts` checks.
//!
//! A server is killed when its [`Server`] is dropped, and when the thread that started it ends.
//! Requests here are signed and read by this crate alone, so that no fault of the library can hide.

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
