//! The command line: its commands and options, and their help texts.

mod encrypt;
mod rewrap;

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use stream_v2::pipeline::{Durability, Parallelism};

use crate::failure::Failure;
use crate::help::{
    CAT, COMPLETIONS, DECRYPT, DELETE, ENCRYPT, EXIT_CODES, INSPECT, KEYGEN, LIST, MAN, RECOVER, RESUME_KEYS,
    REWRAP, UPLOADS, VERIFY,
};
use crate::progress::meter::ProgressForm;
use crate::progress::stats::StatsFormat;
use crate::text::size::{parse_age, parse_range, parse_size};

pub(crate) use self::encrypt::{EncryptArgs, RecipientArgs};
pub(crate) use self::rewrap::RewrapArgs;

/// Version of the command, and of the formats that it reads and writes.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (Stream V2, format version 1)");

/// Encrypt and decrypt streams that are too big, or too slow, to start over.
#[derive(Parser)]
#[command(name = "sv2", version = VERSION, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a key file: 32 random bytes and an id
    #[command(after_help = KEYGEN)]
    Keygen(KeygenArgs),
    /// Encrypt a file or standard input
    #[command(
        after_help = ENCRYPT,
        mut_arg("output", |output| output.help("Output [default: INPUT.sv2, or - if INPUT is -]")),
    )]
    Encrypt(EncryptArgs),
    /// Decrypt a file or standard input
    #[command(
        after_help = DECRYPT,
        mut_arg("output", |output| output.help("Output [default: INPUT without .sv2, or - if INPUT is -]")),
    )]
    Decrypt(DecryptArgs),
    /// Check a stream: all of it with the key, its checksums without
    #[command(after_help = VERIFY)]
    Verify(VerifyArgs),
    /// Write a range of the plaintext, reading only the segments that cover it
    #[command(after_help = CAT)]
    Cat(CatArgs),
    /// Show what is visible without the key
    #[command(after_help = INSPECT)]
    Inspect(InspectArgs),
    /// Report how much of a cut-off stream is whole, and cut its torn tail if asked
    #[command(after_help = RECOVER)]
    Recover(RecoverArgs),
    /// Let other keys open a stream, without encrypting it anew
    #[command(after_help = REWRAP)]
    Rewrap(RewrapArgs),
    /// List the streams in a database
    #[command(after_help = LIST)]
    List(ListArgs),
    /// List uploads to S3 that were not completed, and abort old ones if asked
    #[command(after_help = UPLOADS)]
    Uploads(UploadsArgs),
    /// List the resume keys of unfinished streams, and delete old ones if asked
    #[command(after_help = RESUME_KEYS)]
    ResumeKeys(ResumeKeysArgs),
    /// Delete a stream from a database
    #[command(after_help = DELETE)]
    Delete(DeleteArgs),
    /// Write the man pages
    #[command(after_help = MAN)]
    Man(ManArgs),
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the version
    Version,
}

#[derive(ClapArgs)]
pub(crate) struct KeygenArgs {
    /// File to create; it must not exist. - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Make an identity of age, and print its recipient. Whoever encrypts needs only the recipient
    #[arg(long)]
    pub(crate) identity: bool,
    /// Make a hybrid identity, which is safe from quantum computers
    #[arg(long, requires = "identity")]
    pub(crate) pq: bool,
}

#[derive(ClapArgs)]
pub(crate) struct ListArgs {
    /// Database: a path, or sqlite:PATH
    #[arg(value_name = "DATABASE")]
    pub(crate) database: PathBuf,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct UploadsArgs {
    /// s3://BUCKET, or s3://BUCKET/PREFIX for keys with that prefix
    #[arg(value_name = "PLACE")]
    pub(crate) place: PathBuf,
    /// Abort the uploads that are older than --older-than, and remove their files on this machine.
    /// They cannot be resumed then
    #[arg(long)]
    pub(crate) abort: bool,
    /// Minimum age, such as 90m, 36h or 7d [default with --abort: 7d]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub(crate) older_than: Option<Duration>,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct ResumeKeysArgs {
    /// Delete the resume keys whose partial output is gone, and which are older than --older-than
    #[arg(long)]
    pub(crate) delete: bool,
    /// Minimum age, such as 90m, 36h or 7d [default with --delete: 7d]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub(crate) older_than: Option<Duration>,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct DeleteArgs {
    /// sqlite:PATH?stream=NAME, a stream or its partial output. Its bytes are overwritten in the
    /// database, but not in copies elsewhere
    #[arg(value_name = "STREAM")]
    pub(crate) stream: PathBuf,
}

/// Input, output and key of `encrypt` and `decrypt`.
#[derive(ClapArgs)]
pub(crate) struct IoArgs {
    /// File, - for standard input, sqlite:PATH?stream=NAME, or s3://BUCKET/KEY
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    /// Output
    #[arg(short, long, value_name = "OUTPUT")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Replace OUTPUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Discard a partial OUTPUT and start over [default: resume]
    #[arg(long)]
    pub(crate) restart: bool,
    /// Make OUTPUT durable every SIZE bytes, and every 10 seconds. A loss of power can cost that
    /// much [default: 64M, 16M for S3]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    sync_every: Option<u64>,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl IoArgs {
    /// Returns when the output is made durable: after `bytes` unless the option says otherwise.
    pub(crate) fn durability(&self, bytes: u64) -> Durability {
        Durability { bytes: self.sync_every.unwrap_or(bytes), ..Durability::default() }
    }
}

#[derive(ClapArgs)]
pub(crate) struct KeyArgs {
    /// Key file made by `sv2 keygen`
    #[arg(short, long, value_name = "FILE", env = "SV2_KEY_FILE", hide_env_values = true)]
    key_file: Option<OsString>,
    /// File with identities of age, or a private key of OpenSSH; can be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
    /// Ask for a passphrase on the terminal
    #[arg(short, long)]
    pub(crate) passphrase: bool,
    /// File whose one line is the passphrase
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Text to bind the stream to; decryption needs the same text, which is not stored
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) context: String,
    /// The options name recipients.
    #[arg(skip)]
    pub(crate) has_recipients: bool,
}

impl KeyArgs {
    /// Returns the named key file. An empty name counts as none, so that an environment variable
    /// can be set to nothing. If another option brings a key, the environment names none.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        let named = self.key_file.as_deref().filter(|name| !name.is_empty());
        let in_environment = |name: &OsStr| std::env::var_os("SV2_KEY_FILE").is_some_and(|file| file == name);
        let has_other = self.has_passphrase() || !self.identity.is_empty() || self.has_recipients;
        named.filter(|name| !has_other || !in_environment(name)).map(Path::new)
    }

    /// Returns whether an option brings a passphrase.
    pub(crate) const fn has_passphrase(&self) -> bool {
        self.passphrase || self.passphrase_file.is_some()
    }

    /// Returns whether an option, or the environment, brings something that opens a stream.
    pub(crate) fn has_any(&self) -> bool {
        self.has_passphrase() || !self.identity.is_empty() || self.key_file().is_some()
    }

    /// Rejects a context without a key, which would have no effect.
    pub(crate) fn refuse_context_without_key(&self) -> Result<(), Failure> {
        if self.context.is_empty() {
            return Ok(());
        }
        Err(Failure::usage("--context means nothing without a key")
            .hint("name a key file with -k FILE, or with SV2_KEY_FILE"))
    }
}

/// How a stream is opened, beside its keys.
#[derive(ClapArgs)]
pub(crate) struct OpenArgs {
    /// Open the stream with this detached envelope, and not with its own
    #[arg(long, value_name = "PLACE")]
    pub(crate) envelope: Option<PathBuf>,
    /// Spend at most this memory on segments, or on a passphrase
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "1G")]
    pub(crate) memory_limit: u64,
}

#[derive(ClapArgs)]
pub(crate) struct RunArgs {
    /// Worker threads, and parts to upload at once [default: one for each core, up to 16, and 4
    /// parts]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Print errors only
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Show progress: a bar on a terminal (auto), a line every 10 seconds (plain), or none
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ProgressForm::Auto, hide_possible_values = true)]
    progress: ProgressForm,
    /// Print counters and times to standard error at the end, as text or json
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "text", hide_possible_values = true)]
    pub(crate) stats: Option<StatsFormat>,
}

impl RunArgs {
    /// Returns how progress is shown without a request.
    pub(crate) const fn progress(&self) -> ProgressForm {
        if self.quiet { ProgressForm::None } else { self.progress }
    }

    /// Returns the requested number of workers.
    pub(crate) fn parallelism(&self) -> Parallelism {
        self.jobs.map_or_else(Parallelism::default, |jobs| Parallelism::with_workers(jobs.into()))
    }
}

#[derive(ClapArgs)]
pub(crate) struct DecryptArgs {
    #[command(flatten)]
    pub(crate) io: IoArgs,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Write the committed prefix of a stream that was cut off, and exit with 5
    #[arg(long, alias = "unsealed")]
    pub(crate) salvage: bool,
    /// When resuming, compare all of the partial OUTPUT with INPUT [default: its last segment]
    #[arg(long)]
    pub(crate) verify_output: bool,
}

#[derive(ClapArgs)]
pub(crate) struct VerifyArgs {
    /// Stream: a file, - for standard input, sqlite:PATH?stream=NAME, or s3://BUCKET/KEY
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(ClapArgs)]
pub(crate) struct CatArgs {
    /// Stream: a file, - for standard input if that is a file, sqlite:PATH?stream=NAME, or
    /// s3://BUCKET/KEY
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    /// Bytes of the plaintext, end exclusive: A..B, A.. or ..B, such as 1M..2M. A range may reach
    /// beyond the end
    #[arg(short, long, value_name = "A..B", value_parser = parse_range, default_value = "..")]
    pub(crate) range: Range<u64>,
    /// Output; - is standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Replace OUTPUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Read the committed prefix of a stream that was cut off, and exit with 5
    #[arg(long, alias = "unsealed")]
    pub(crate) salvage: bool,
    /// Print errors only
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(ClapArgs)]
pub(crate) struct InspectArgs {
    /// Stream: a file, - for standard input, sqlite:PATH?stream=NAME, or s3://BUCKET/KEY
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    /// Show this detached envelope in the place of the stream's own one
    #[arg(long, value_name = "PLACE")]
    pub(crate) envelope: Option<PathBuf>,
    /// Print one JSON object with all segments
    #[arg(long)]
    pub(crate) json: bool,
    /// Print all segments, not only the first and the last ones
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(ClapArgs)]
pub(crate) struct RecoverArgs {
    /// Stream, or the .partial file of an interrupted run
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Cut the file after its last whole segment
    #[arg(long)]
    pub(crate) truncate: bool,
    /// Show progress: a bar on a terminal (auto), a line every 10 seconds (plain), or none
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ProgressForm::Auto, hide_possible_values = true)]
    pub(crate) progress: ProgressForm,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct ManArgs {
    /// Folder for sv2.1 and one page for each verb. Pages of the same name are replaced
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// Shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
