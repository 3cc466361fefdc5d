//! The command line: what can be asked for, in the words of the help texts.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use stream_v2::format::wire::Suite;
use stream_v2::pipeline::{Durability, Parallelism};

use crate::failure::Failure;
use crate::progress::stats::StatsFormat;
use crate::text::size::{parse_age, parse_range, parse_size};

/// Version of the command, and of the formats that it reads and writes.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (Stream V2, format version 1)");

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the data was rejected: damaged, cut off, altered, or beyond this version
  2    usage: nothing was read or written
  3    reading or writing failed
  4    wrong key or context
  5    an unsealed stream was salvaged with --salvage
  130  interrupted";

const ENCRYPT_OUTPUT: &str = "Where to write; - is standard output, sqlite:PATH?stream=NAME a stream in a database, s3://BUCKET/KEY an object in S3. By default INPUT.sv2, or standard output where INPUT is -";
const DECRYPT_OUTPUT: &str = "Where to write; - is standard output, sqlite:PATH?stream=NAME a stream in a database, s3://BUCKET/KEY an object in S3. By default INPUT without .sv2, or standard output where INPUT is -";

/// Encrypts and decrypts streams that are too big, or too slow, to start over.
#[derive(Parser)]
#[command(name = "sv2", version = VERSION, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a key file: 32 random bytes and an id
    #[command(after_help = EXIT_CODES)]
    Keygen(KeygenArgs),
    /// Encrypts a file or standard input
    #[command(
        after_help = EXIT_CODES,
        mut_arg("output", |output| output.help(ENCRYPT_OUTPUT)),
    )]
    Encrypt(EncryptArgs),
    /// Decrypts a file or standard input
    #[command(after_help = EXIT_CODES, mut_arg("output", |output| output.help(DECRYPT_OUTPUT)))]
    Decrypt(DecryptArgs),
    /// Checks a stream: all of it with the key, its checksums without
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyArgs),
    /// Writes a range of the plaintext, and reads no more of the stream than that takes
    #[command(after_help = EXIT_CODES)]
    Cat(CatArgs),
    /// Shows what can be seen without the key
    #[command(after_help = EXIT_CODES)]
    Inspect(InspectArgs),
    /// Tells how much of a stream that was cut off is whole, and cuts its torn tail
    #[command(after_help = EXIT_CODES)]
    Recover(RecoverArgs),
    /// Lists the streams in a database
    #[command(after_help = EXIT_CODES)]
    List(ListArgs),
    /// Lists the uploads to S3 that were begun and not completed, and aborts those of long ago
    #[command(after_help = EXIT_CODES)]
    Uploads(UploadsArgs),
    /// Deletes a stream from a database
    #[command(after_help = EXIT_CODES)]
    Delete(DeleteArgs),
    /// Prints the version
    Version,
}

#[derive(ClapArgs)]
pub(crate) struct KeygenArgs {
    /// Where the key goes: a file that does not exist yet, or - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct ListArgs {
    /// The database, as a path or as sqlite:PATH
    #[arg(value_name = "DATABASE")]
    pub(crate) database: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct UploadsArgs {
    /// Where to look: s3://BUCKET, or s3://BUCKET/PREFIX for the keys that begin so
    #[arg(value_name = "PLACE")]
    pub(crate) place: PathBuf,
    /// Abort uploads that are older than --older-than, whoever has begun them, and remove what this
    /// machine holds of them: no run can resume them
    #[arg(long)]
    pub(crate) abort: bool,
    /// Shows and aborts only what was begun so long ago: 90m, 36h or 7d. With --abort, 7d by
    /// default
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub(crate) older_than: Option<Duration>,
}

#[derive(ClapArgs)]
pub(crate) struct DeleteArgs {
    /// The stream or its partial output: sqlite:PATH?stream=NAME. Its bytes are overwritten in the
    /// database, but not in copies that the file system, the disk or a backup keeps
    #[arg(value_name = "STREAM")]
    pub(crate) stream: PathBuf,
}

/// Input, output and key of `encrypt` and `decrypt`.
#[derive(ClapArgs)]
pub(crate) struct IoArgs {
    /// What to read; - is standard input, sqlite:PATH?stream=NAME a stream in a database,
    /// s3://BUCKET/KEY an object in S3
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    /// Where to write
    #[arg(short, long, value_name = "OUTPUT")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Replaces OUTPUT
    #[arg(long)]
    pub(crate) force: bool,
    /// Starts over where an interrupted run has left a part of OUTPUT; by default it is gone on
    /// with
    #[arg(long)]
    pub(crate) restart: bool,
    /// Makes OUTPUT durable every so many bytes: what a crash of the machine can cost; by default
    /// 64M (16M for S3), and every 10 seconds
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    sync_every: Option<u64>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl IoArgs {
    /// When the output is made durable: after so many bytes, unless something else is asked for.
    pub(crate) fn durability(&self, bytes: u64) -> Durability {
        Durability { bytes: self.sync_every.unwrap_or(bytes), ..Durability::default() }
    }
}

#[derive(ClapArgs)]
pub(crate) struct KeyArgs {
    /// The key file, as `sv2 keygen` makes it
    #[arg(short, long, value_name = "FILE", env = "SV2_KEY_FILE", hide_env_values = true)]
    key_file: Option<OsString>,
    /// Text that must be the same for encrypting and decrypting, and is not stored
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) context: String,
}

impl KeyArgs {
    /// The key file that was named. An empty name is none: so a variable of the environment can be
    /// set to nothing.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        self.key_file.as_deref().filter(|name| !name.is_empty()).map(Path::new)
    }

    /// Refuses a context that nothing would be done with.
    pub(crate) fn refuse_context_without_key(&self) -> Result<(), Failure> {
        if self.context.is_empty() {
            return Ok(());
        }
        Err(Failure::usage("--context means nothing without a key")
            .hint("name a key file with -k FILE, or with SV2_KEY_FILE"))
    }
}

#[derive(ClapArgs)]
pub(crate) struct RunArgs {
    /// Worker threads, and parts that are uploaded at once; by default one for each core, at most
    /// 16, and 4 parts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Says nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Tells at the end, on standard error, what was counted and where the time went: as text, or
    /// with --stats=json as JSON
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "text", hide_possible_values = true)]
    pub(crate) stats: Option<StatsFormat>,
}

impl RunArgs {
    /// As many workers as were asked for.
    pub(crate) fn parallelism(&self) -> Parallelism {
        self.jobs.map_or_else(Parallelism::default, |jobs| Parallelism::with_workers(jobs.into()))
    }
}

#[derive(ClapArgs)]
pub(crate) struct EncryptArgs {
    #[command(flatten)]
    pub(crate) io: IoArgs,
    /// What seals: xchacha20-poly1305, which every reader has, or aes-256-gcm, which is faster
    /// where the processor has AES and which a reader may lack; by default xchacha20-poly1305
    #[arg(long, value_name = "SUITE", value_parser = parse_suite)]
    pub(crate) suite: Option<Suite>,
    /// Plaintext bytes of a segment, the unit that a crash can lose: a multiple of the frame size,
    /// at most 64M; by default 1M
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) segment_size: Option<u64>,
    /// Plaintext bytes of a frame: a power of two from 4K to 16M; by default 64K
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) frame_size: Option<u64>,
    /// Writes index segments, by which a range is found in a stream whose segments are not all
    /// full. To be given again where an interrupted run is gone on with
    #[arg(long)]
    pub(crate) index: bool,
    /// Run COMMAND, encrypt its output, and seal it only if COMMAND exits with 0. In a pipeline sv2
    /// cannot see that the program before it failed, and set -o pipefail does not keep it from
    /// sealing
    #[arg(long, requires = "command", requires = "output", conflicts_with = "input")]
    pub(crate) from_command: bool,
    /// The command of --from-command and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    /// Where an interrupted run is gone on with: compares all of INPUT that is encrypted already,
    /// instead of its length, its time and its last part
    #[arg(long)]
    pub(crate) verify_source: bool,
}

#[derive(ClapArgs)]
pub(crate) struct DecryptArgs {
    #[command(flatten)]
    pub(crate) io: IoArgs,
    /// Writes the committed prefix of a stream that was cut off, and exits with 5
    #[arg(long, alias = "unsealed")]
    pub(crate) salvage: bool,
    /// When resuming, compare all of the partial OUTPUT with INPUT; otherwise sv2 trusts it, and
    /// only its permissions protect it
    #[arg(long)]
    pub(crate) verify_output: bool,
}

#[derive(ClapArgs)]
pub(crate) struct VerifyArgs {
    /// The stream; - is standard input, sqlite:PATH?stream=NAME one in a database, s3://BUCKET/KEY
    /// one in S3
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(ClapArgs)]
pub(crate) struct CatArgs {
    /// The stream: a file; - is standard input, where that is one
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    /// The plaintext from byte A on, up to and without byte B, counted from 0: A..B, A.. or ..B; A
    /// and B are sizes, as in 512 or 64M. What of it is beyond the end of the plaintext is left out
    #[arg(short, long, value_name = "A..B", value_parser = parse_range, default_value = "..")]
    pub(crate) range: Range<u64>,
    /// Where to write; - is standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Replaces OUTPUT
    #[arg(long)]
    pub(crate) force: bool,
    /// Reads the committed prefix of a stream that was cut off, and exits with 5
    #[arg(long, alias = "unsealed")]
    pub(crate) salvage: bool,
    /// Says nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(ClapArgs)]
pub(crate) struct InspectArgs {
    /// The stream; - is standard input, sqlite:PATH?stream=NAME one in a database, s3://BUCKET/KEY
    /// one in S3
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(crate) input: PathBuf,
    /// Prints one JSON object with all segments
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints all segments, and not only the first and last ones
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(ClapArgs)]
pub(crate) struct RecoverArgs {
    /// The stream, or the .partial file of an interrupted run
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Cuts the file after its last whole segment
    #[arg(long)]
    pub(crate) truncate: bool,
}

fn parse_suite(name: &str) -> Result<Suite, String> {
    let suites = [Suite::XChaCha20Poly1305, Suite::Aes256Gcm];
    suites
        .into_iter()
        .find(|suite| suite.name() == name)
        .ok_or_else(|| format!("allowed are {}", suites.map(Suite::name).join(" and ")))
}
