//! The options of `sv2 rewrap`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{KeyArgs, OpenArgs, RecipientArgs};

#[derive(ClapArgs)]
pub(crate) struct RewrapArgs {
    /// Stream: a file, sqlite:PATH?stream=NAME, or s3://BUCKET/KEY
    #[arg(value_name = "STREAM", required_unless_present = "all")]
    pub(crate) stream: Option<PathBuf>,
    /// Key file that opens the stream now
    #[arg(short, long, value_name = "FILE", env = "SV2_KEY_FILE", hide_env_values = true)]
    key_file: Option<OsString>,
    /// File with an identity of age that opens the stream now. Give it again for more
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// File whose one line is the passphrase that opens the stream now
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Text that the stream is bound to. It stays the same
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    context: String,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Key file that opens the stream from now on. Give it again for more
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) to: RecipientArgs,
    /// Ask for a new passphrase on the terminal
    #[arg(short, long, conflicts_with_all = ["new_key_file", "recipient", "recipients_file"])]
    pub(crate) passphrase: bool,
    /// File whose one line is the new passphrase
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passphrase", "new_key_file", "recipient", "recipients_file"])]
    pub(crate) new_passphrase_file: Option<PathBuf>,
    /// Write the stream with its new envelope to NEW [default: replace the envelope in its place]
    #[arg(short, long, value_name = "NEW", conflicts_with = "detached")]
    pub(crate) output: Option<PathBuf>,
    /// Write the new envelope to PLACE, and leave the stream as it is
    #[arg(long, value_name = "PLACE")]
    pub(crate) detached: Option<PathBuf>,
    /// Keep the old envelope in FILE. It opens the stream as before
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "detached"])]
    pub(crate) keep_old: Option<PathBuf>,
    /// Replace NEW, or the envelope in PLACE, if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Check everything, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace the envelopes of all streams in PLACE: a folder, a database, or s3://BUCKET/PREFIX
    #[arg(
        long,
        value_name = "PLACE",
        num_args = 1..,
        requires = "report",
        conflicts_with_all = ["stream", "output", "detached", "keep_old", "envelope", "json"],
    )]
    pub(crate) all: Vec<PathBuf>,
    /// With --all: file that gets a line of JSON for each stream. The same command skips what it
    /// has done
    #[arg(long, value_name = "FILE", requires = "all")]
    pub(crate) report: Option<PathBuf>,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Print errors only
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl RewrapArgs {
    /// Returns the options that open the stream.
    pub(crate) fn unlocking(&self) -> KeyArgs {
        KeyArgs {
            key_file: self.key_file.clone(),
            identity: self.identity.clone(),
            passphrase: false,
            passphrase_file: self.passphrase_file.clone(),
            context: self.context.clone(),
            has_recipients: false,
        }
    }

    /// Returns whether an option names a new key, recipient or passphrase.
    pub(crate) const fn has_new(&self) -> bool {
        !self.new_key_file.is_empty()
            || self.to.has_any()
            || self.passphrase
            || self.new_passphrase_file.is_some()
    }
}
