//! The options of `sv2 encrypt`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use stream_v2::Compression;
#[cfg(feature = "zstd")]
use stream_v2::format::codec::{ZSTD_LEVEL, ZSTD_LEVEL_MAX};
use stream_v2::format::wire::Suite;

use super::IoArgs;
use crate::text::size::parse_size;

/// The recipients of `encrypt`.
#[derive(ClapArgs)]
pub(crate) struct RecipientArgs {
    /// Encrypt for a recipient: age1…, or ssh-ed25519 …; can be repeated
    #[arg(short, long, value_name = "RECIPIENT")]
    pub(crate) recipient: Vec<String>,
    /// Encrypt for the recipients in a file, one on each line; can be repeated
    #[arg(short = 'R', long, value_name = "FILE")]
    pub(crate) recipients_file: Vec<PathBuf>,
}

impl RecipientArgs {
    pub(crate) const fn has_any(&self) -> bool {
        !self.recipient.is_empty() || !self.recipients_file.is_empty()
    }
}

#[derive(ClapArgs)]
pub(crate) struct EncryptArgs {
    #[command(flatten)]
    pub(crate) io: IoArgs,
    #[command(flatten)]
    pub(crate) to: RecipientArgs,
    /// Cipher suite: xchacha20-poly1305, or aes-256-gcm, which is faster on processors with AES
    /// instructions [default: xchacha20-poly1305]
    #[arg(long, value_name = "SUITE", value_parser = parse_suite)]
    pub(crate) suite: Option<Suite>,
    /// Plaintext bytes of a segment: a multiple of the frame size, up to 64M [default: 1M, with
    /// --compress 2M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) segment_size: Option<u64>,
    /// Plaintext bytes of a frame: a power of two from 4K to 16M [default: 64K]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) frame_size: Option<u64>,
    /// Compress: zstd, zstd:LEVEL with a level from 1 to 19, or lz4, which is faster [without a
    /// value: zstd:3]. Do not compress data of which others choose a part
    #[arg(long, value_name = "CODEC", value_parser = parse_compression)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = DEFAULT_CODEC)]
    pub(crate) compress: Option<Compression>,
    /// Write index segments, for ranges of streams with short segments; --compress implies it. Give
    /// it again to resume
    #[arg(long)]
    pub(crate) index: bool,
    /// Run COMMAND, encrypt its output, and complete the stream only if COMMAND exits with 0. In a
    /// pipeline, sv2 cannot see that the program before it failed
    #[arg(long, requires = "command", requires = "output", conflicts_with = "input")]
    pub(crate) from_command: bool,
    /// Command of --from-command, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    /// Keep no resume key. An interrupted run for recipients is then resumed with what opens the
    /// stream
    #[arg(long)]
    pub(crate) no_resume_key: bool,
    /// When resuming, compare all of INPUT that is already encrypted [default: its length, its time
    /// of modification and its last part]
    #[arg(long)]
    pub(crate) verify_source: bool,
}

fn parse_suite(name: &str) -> Result<Suite, String> {
    let suites = [Suite::XChaCha20Poly1305, Suite::Aes256Gcm];
    suites
        .into_iter()
        .find(|suite| suite.name() == name)
        .ok_or_else(|| format!("allowed are {}", suites.map(Suite::name).join(" and ")))
}

/// The codec of `--compress` without a value.
const DEFAULT_CODEC: &str = if cfg!(feature = "zstd") { "zstd" } else { "lz4" };

fn parse_compression(name: &str) -> Result<Compression, String> {
    if name == "lz4" {
        return Ok(Compression::Lz4);
    }
    #[cfg(feature = "zstd")]
    if let Some(level) = name.strip_prefix("zstd") {
        let level = match level.strip_prefix(':') {
            None if level.is_empty() => Some(ZSTD_LEVEL),
            Some(level) => level.parse().ok().filter(|level| (1..=ZSTD_LEVEL_MAX).contains(level)),
            None => None,
        };
        return level
            .map(|level| Compression::Zstd { level })
            .ok_or_else(|| format!("allowed are zstd, and zstd:1 to zstd:{ZSTD_LEVEL_MAX}"));
    }
    Err(if cfg!(feature = "zstd") {
        "allowed are zstd, zstd:LEVEL and lz4".into()
    } else {
        "allowed is lz4: this sv2 is built without zstd".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_those_of_the_help() {
        assert_eq!(parse_compression("lz4"), Ok(Compression::Lz4));
        for wrong in ["", "lz4:1", "gzip", "ZSTD"] {
            assert!(parse_compression(wrong).unwrap_err().starts_with("allowed "), "{wrong}");
        }
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn levels_are_those_of_the_help() {
        for (name, level) in [("zstd", 3), ("zstd:1", 1), ("zstd:19", 19)] {
            assert_eq!(parse_compression(name), Ok(Compression::Zstd { level }), "{name}");
        }
        for wrong in ["zstd:", "zstd:0", "zstd:20", "zstd:-1", "zstd:x", "zstd3", "zstd:3:4"] {
            assert_eq!(parse_compression(wrong), Err("allowed are zstd, and zstd:1 to zstd:19".into()));
        }
    }
}
