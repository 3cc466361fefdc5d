//! The S3 of the tests, tested: by somebody who signs requests with `rusty-s3`, and reads answers as they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod faults;
mod objects;
mod uploads;
