//! Generates and checks the golden vectors of Stream V2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use stream_v2_conformance::generator::example;
use stream_v2_conformance::golden::{check, generate, published};
use stream_v2_conformance::runner::suite::Suite;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and `check` found no difference
  1  a difference was found, or a file could not be read or written
  2  wrong usage";
const GENERATE: &str = "\
Examples:
  sv2-vectors generate
  sv2-vectors generate --out /tmp/vectors";
const CHECK: &str = "\
Examples:
  sv2-vectors check
  sv2-vectors check /tmp/vectors --spec spec/stream-v2.md";
const PUBLISH: &str = "\
Examples:
  sv2-vectors publish";
const EXAMPLE: &str = "\
Examples:
  sv2-vectors example > appendix-a.md";

/// Generate and check the golden vectors of Stream V2.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write all vectors; other files in the folder stay
    #[command(after_help = GENERATE)]
    Generate {
        /// Folder to write to
        #[arg(long, value_name = "DIR", default_value = "vectors")]
        out: PathBuf,
    },
    /// Compare a folder of vectors, and Appendix A, with what is generated
    #[command(after_help = CHECK)]
    Check {
        /// Folder of the vectors
        #[arg(value_name = "DIR", default_value = "vectors")]
        folder: PathBuf,
        /// Specification with Appendix A [default: DIR/../spec/stream-v2.md]
        #[arg(long, value_name = "FILE")]
        spec: Option<PathBuf>,
    },
    /// Add new ids to DIR/PUBLISHED; from then on their meaning is final
    #[command(after_help = PUBLISH)]
    Publish {
        /// Folder of the vectors
        #[arg(value_name = "DIR", default_value = "vectors")]
        folder: PathBuf,
    },
    /// Print the text of Appendix A
    #[command(after_help = EXAMPLE)]
    Example,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Generate { out } => generate(&out),
        Command::Check { folder, spec } => check(&folder, spec),
        Command::Publish { folder } => publish(&folder),
        Command::Example => {
            print!("{}", example::markdown());
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("sv2-vectors: {error}");
        ExitCode::FAILURE
    })
}

/// Writes every file. It does not delete other files in the folder, and `check` reports them.
fn generate(folder: &Path) -> io::Result<ExitCode> {
    let files = generate::generate();
    for (path, bytes) in &files {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(|error| named(parent, &error))?;
        }
        if fs::read(&file).is_ok_and(|found| found == *bytes) {
            continue;
        }
        fs::write(&file, bytes).map_err(|error| named(&file, &error))?;
    }
    println!("{} files in {}", files.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Publishes the new ids. From now on their meaning is fixed.
fn publish(folder: &Path) -> io::Result<ExitCode> {
    let suite = Suite::load(folder)?;
    let file = folder.join(published::PUBLISHED);
    let before = fs::read_to_string(&file).map_err(|error| named(&file, &error))?;
    let after = published::publish(&before, &suite.manifest.version, &suite.vectors);
    let ids = |text: &str| published::published_lines(text).count();
    println!("{} ids, {} before", ids(&after), ids(&before));
    fs::write(&file, after).map_err(|error| named(&file, &error))?;
    Ok(ExitCode::SUCCESS)
}

fn check(folder: &Path, specification: Option<PathBuf>) -> io::Result<ExitCode> {
    let specification = specification.unwrap_or_else(|| folder.join("../spec/stream-v2.md"));
    let findings =
        check::check(&generate::generate(), folder, &specification).map_err(|error| named(folder, &error))?;
    if findings.is_empty() {
        println!("{}: as generated", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    eprintln!("sv2-vectors: {} differences", findings.len());
    Ok(ExitCode::FAILURE)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
