//! Tests of the fake S3 server. The client signs requests with `rusty-s3` and reads raw answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod faults;
mod objects;
mod uploads;
