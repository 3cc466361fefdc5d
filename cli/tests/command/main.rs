//! The command, in folders of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod age;
#[cfg(unix)]
mod age_messages;
mod cat;
#[cfg(unix)]
mod compress;
mod damage;
#[cfg(unix)]
mod envelope;
mod every_message;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod from_command;
mod help;
#[cfg(unix)]
mod index;
mod inspect;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod json;
#[cfg(unix)]
mod key_messages;
#[cfg(unix)]
mod messages;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod resume_messages;
#[cfg(unix)]
mod resume_output;
#[cfg(unix)]
mod resume_source;
#[cfg(unix)]
mod rewrap;
#[cfg(unix)]
mod rewrap_all;
#[cfg(unix)]
mod rewrap_kills;
#[cfg(unix)]
mod rewrap_messages;
#[cfg(unix)]
mod rewrap_s3;
mod round_trip;
#[cfg(unix)]
mod s3;
#[cfg(unix)]
mod s3_aborted;
#[cfg(unix)]
mod s3_messages;
#[cfg(unix)]
mod s3_place;
#[cfg(unix)]
mod s3_upload;
#[cfg(target_os = "linux")]
mod secrets;
#[cfg(unix)]
mod sqlite;
#[cfg(target_os = "linux")]
mod standard_streams;
#[cfg(target_os = "linux")]
mod system_faults;
#[cfg(target_os = "linux")]
mod terminal;
