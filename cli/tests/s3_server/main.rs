//! The command with a real S3 server: `.ci/s3` and `.ci/s3-servers` install one.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod keys;
mod rewrap;
mod rounds;
mod upload;
