//! The options of `sv2 encrypt`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ClapArgs;
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
    /// Plaintext bytes of a segment: a multiple of the frame size, up to 64M [default: 1M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) segment_size: Option<u64>,
    /// Plaintext bytes of a frame: a power of two from 4K to 16M [default: 64K]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) frame_size: Option<u64>,
    /// Write index segments, for ranges of streams with short segments. Give it again to resume
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
