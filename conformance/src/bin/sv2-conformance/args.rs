//! The command line: its commands and options, and their help texts.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

const ABOUT: &str = "\
Examples:
  sv2-conformance run -- ./my-adapter
  sv2-conformance explain header-magic-first-byte

Exit codes:
  0  nothing failed
  1  a vector failed, or `lint` found something
  2  the command could not run

To write an adapter, copy one from conformance/adapters and read conformance/PROTOCOL.md.";

/// The examples of a command, one a line.
macro_rules! examples {
    ($($line:literal),+ $(,)?) => { concat!("Examples:", $("\n  ", $line),+) };
}

const RUN: &str = examples!(
    "sv2-conformance run -- python3 conformance/adapters/adapter.py",
    "sv2-conformance run --filter SV2-SEG --fail-fast -- ./my-adapter",
    "sv2-conformance run --baseline known.txt --html report.html -- ./my-adapter",
    "sv2-conformance run --one-shot -- conformance/adapters/one-shot.sh",
);
const LIST: &str = examples!("sv2-conformance list", "sv2-conformance list SV2-HDR-013 salvage");
const EXPLAIN: &str = examples!("sv2-conformance explain segment-codec-3");
const LINT: &str = examples!("sv2-conformance lint", "sv2-conformance lint --vectors ../vectors");
const REPORT: &str = examples!(
    "sv2-conformance report --format summary a.jsonl b.jsonl",
    "sv2-conformance report --format html -o report.html a.jsonl b.jsonl",
);

/// Test an implementation of Stream V2 with the golden vectors.
#[derive(Parser)]
#[command(version, after_help = ABOUT, max_term_width = 100)]
pub(crate) struct Cli {
    /// Folder of the vectors
    #[arg(long, global = true, value_name = "DIR", default_value = "vectors")]
    pub(crate) vectors: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Ask an adapter about every vector
    #[command(after_help = RUN)]
    Run(RunArgs),
    /// List vectors: id, operation, requirements
    #[command(after_help = LIST)]
    List {
        /// Part of an id or of a requirement, or an operation; may be repeated
        filter: Vec<String>,
    },
    /// Explain a vector: its requirements, the right answer, and its bytes with the fault marked
    #[command(after_help = EXPLAIN)]
    Explain {
        /// Id of the vector
        id: String,
    },
    /// Check the folder of the vectors: hashes, ids, requirements, published meanings
    #[command(after_help = LINT)]
    Lint,
    /// Convert reports of earlier runs into another format
    #[command(after_help = REPORT)]
    Report {
        /// Output format; `summary` is one line for each report
        #[arg(long, value_enum)]
        format: Form,
        /// Output file [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Reports that `run --report` wrote; `html` and `summary` take several
        #[arg(required = true)]
        reports: Vec<PathBuf>,
    },
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Adapter to run, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "ADAPTER")]
    pub(crate) adapter: Vec<String>,
    /// Start a process for each input, and take its exit code for the answer
    #[arg(long)]
    pub(crate) one_shot: bool,
    /// Run recipes, which make nine of ten requests [default: yes; no with --one-shot]
    #[arg(long, value_enum)]
    pub(crate) recipes: Option<YesNo>,
    /// Run vectors whose id, requirement or operation matches TEXT; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Run N adapters at a time [default: number of processors]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Fail an answer that takes longer than this
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Fail an adapter whose memory grows by more than this after the handshake (Linux)
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    pub(crate) memory: u64,
    /// Excuse the vectors that FILE lists: one a line, the id, a space, the reason
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Stop after N vectors that ended in a crash, a time-out or the like
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) give_up: usize,
    /// Stop at the first failure
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Write the report as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the report as TAP
    #[arg(long, value_name = "FILE")]
    pub(crate) tap: Option<PathBuf>,
    /// Write the report as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write a badge: the JSON that badge services read
    #[arg(long, value_name = "FILE")]
    pub(crate) badge: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Form {
    Html,
    Junit,
    Tap,
    Badge,
    Summary,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
