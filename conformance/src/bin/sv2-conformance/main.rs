//! Runs the golden vectors of Stream V2 against any implementation.

mod args;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stream_v2_conformance::golden::lint::lint;
use stream_v2_conformance::golden::requirements::SPECIFICATION;
use stream_v2_conformance::golden::tree::read_tree;
use stream_v2_conformance::judge::Verdict;
use stream_v2_conformance::runner::adapter::Caps;
use stream_v2_conformance::runner::explain::explain;
use stream_v2_conformance::runner::report::{self, Outcome, Report};
use stream_v2_conformance::runner::run::{Options, run};
use stream_v2_conformance::runner::suite::Suite;

use crate::args::{Cli, Command, Form, RunArgs, YesNo};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Run(arguments) => test(&cli.vectors, arguments),
        Command::List { filter } => list(&cli.vectors, filter),
        Command::Explain { id } => tell(&cli.vectors, id),
        Command::Lint => check(&cli.vectors),
        Command::Report { format, output, reports } => {
            render(&cli.vectors, *format, output.as_deref(), reports)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("sv2-conformance: {error}");
        ExitCode::from(2)
    })
}

type Ended = Result<ExitCode, String>;

fn load(folder: &Path) -> Result<Suite, String> {
    Suite::load(folder).map_err(|error| {
        format!(
            "cannot load the vectors in {}: {error}\nhint: --vectors DIR names their folder",
            folder.display()
        )
    })
}

fn test(folder: &Path, arguments: &RunArgs) -> Ended {
    let suite = load(folder)?;
    let options = Options {
        command: arguments.adapter.clone(),
        one_shot: arguments.one_shot,
        recipes: arguments.recipes.map_or(!arguments.one_shot, |recipes| matches!(recipes, YesNo::Yes)),
        jobs: arguments.jobs.map_or(Options::default().jobs, NonZeroUsize::get),
        caps: Caps { timeout: arguments.timeout, memory: arguments.memory << 20 },
        filter: arguments.filter.clone(),
        expected: arguments
            .baseline
            .as_deref()
            .map(|file| baseline(&suite, file))
            .transpose()?
            .unwrap_or_default(),
        give_up: arguments.give_up,
        fail_fast: arguments.fail_fast,
    };
    let wanted = suite.vectors.iter().filter(|vector| options.wants(vector)).count();
    if wanted == 0 {
        return Err(format!("no vector matches the filter {}", arguments.filter.join(", ")));
    }
    let progress = Mutex::new(Progress::new(wanted));
    let report = run(&suite, &options, &|outcome| {
        if let Ok(mut progress) = progress.lock() {
            progress.tell(outcome);
        }
    })?;
    drop(progress);
    write_reports(&suite, arguments, &report)?;
    let peer = &report.peer;
    println!("{} {} ({}), vectors {}", peer.name, peer.version, peer.language, report.suite);
    println!("{}", report.summary());
    for (requirement, outcomes) in report.by_requirement() {
        let failed: Vec<&str> = outcomes
            .iter()
            .filter(|outcome| outcome.verdict.is_failure())
            .map(|outcome| outcome.id.as_str())
            .collect();
        if !failed.is_empty() {
            println!("{requirement}: {} of {} failed: {}", failed.len(), outcomes.len(), shortened(&failed));
        }
    }
    print!("{}", next_steps(folder, &report));
    Ok(if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the commands that explain the first failures, or nothing if there are none.
fn next_steps(folder: &Path, report: &Report) -> String {
    let vectors = match folder.to_str() {
        Some("vectors") => String::new(),
        _ => format!(" --vectors {}", folder.display()),
    };
    let failed: Vec<String> = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.verdict.is_failure() && outcome.verdict != Verdict::StaleSkip)
        .take(3)
        .map(|outcome| format!("  sv2-conformance explain{vectors} {}\n", outcome.id))
        .collect();
    match failed.as_slice() {
        [] => String::new(),
        [one] => format!("\nTo see what failed:\n{one}"),
        several => format!("\nTo see what failed first:\n{}", several.concat()),
    }
}

fn shortened(ids: &[&str]) -> String {
    match ids {
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more", rest.len()),
        ids => ids.join(", "),
    }
}

fn write_reports(suite: &Suite, arguments: &RunArgs, report: &Report) -> Result<(), String> {
    if let Some(file) = &arguments.report {
        write(Some(file), &report::json_lines(report).map_err(|error| error.to_string())?)?;
    }
    if let Some(file) = &arguments.junit {
        write(Some(file), &report::junit(report))?;
    }
    if let Some(file) = &arguments.tap {
        write(Some(file), &report::tap(report))?;
    }
    if let Some(file) = &arguments.html {
        write(Some(file), &report::html(std::slice::from_ref(report), &waivers(suite)))?;
    }
    if let Some(file) = &arguments.badge {
        write(Some(file), &report::badge(report))?;
    }
    Ok(())
}

fn waivers(suite: &Suite) -> Vec<(String, String)> {
    suite.manifest.waivers.iter().map(|waiver| (waiver.requirement.clone(), waiver.reason.clone())).collect()
}

/// Writes to a file, or to standard output.
fn write(file: Option<&Path>, text: &str) -> Result<(), String> {
    match file {
        Some(file) => fs::write(file, text).map_err(|error| format!("{}: {error}", file.display())),
        None => io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string()),
    }
}

fn baseline(suite: &Suite, file: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let entry = |line: &str| {
        let (id, reason) = line.trim().split_once(' ').unwrap_or((line.trim(), "no reason given"));
        (id.to_owned(), reason.trim().to_owned())
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let expected: BTreeMap<String, String> = lines.map(entry).collect();
    match expected.keys().find(|id| suite.find(id).is_none()) {
        Some(id) => Err(format!("{}: there is no vector {id}; `list` shows all", file.display())),
        None => Ok(expected),
    }
}

fn list(folder: &Path, filter: &[String]) -> Ended {
    let suite = load(folder)?;
    let options = Options { filter: filter.to_vec(), ..Options::default() };
    let mut text = String::new();
    for vector in suite.vectors.iter().filter(|vector| options.wants(vector)) {
        let about = vector.about();
        text += &format!("{}\t{}\t{}\n", about.id, about.operation, about.requirements.join(" "));
    }
    write(None, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(folder: &Path, id: &str) -> Ended {
    let suite = load(folder)?;
    let vector = suite.find(id).ok_or_else(|| format!("there is no vector {id}; `list` shows all"))?;
    write(None, &explain(&suite, vector).map_err(|error| error.to_string())?)?;
    Ok(ExitCode::SUCCESS)
}

fn check(folder: &Path) -> Ended {
    let suite = load(folder)?;
    let tree = read_tree(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let findings = lint(&tree, SPECIFICATION);
    findings.iter().for_each(|finding| println!("{finding}"));
    println!("{} vectors, {} findings", suite.vectors.len(), findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(folder: &Path, form: Form, output: Option<&Path>, files: &[PathBuf]) -> Ended {
    let read = |file: &PathBuf| {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| named(&error))?;
        report::from_json_lines(&text).map_err(|error| named(&error))
    };
    let reports = files.iter().map(read).collect::<Result<Vec<Report>, String>>()?;
    let text = match (form, reports.as_slice()) {
        (Form::Html, reports) => report::html(reports, &load(folder).map(|suite| waivers(&suite))?),
        (Form::Summary, reports) => {
            reports.iter().map(|report| format!("{}: {}\n", report.peer.name, report.summary())).collect()
        }
        (Form::Junit, [report]) => report::junit(report),
        (Form::Tap, [report]) => report::tap(report),
        (Form::Badge, [report]) => report::badge(report),
        _ => return Err("this form is made of one report".to_owned()),
    };
    write(output, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a bar on a terminal, and always prints failures as lines.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(wanted: usize) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(wanted as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {elapsed} {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    fn tell(&mut self, outcome: &Outcome) {
        self.bar.inc(1);
        self.bar.set_message(outcome.id.clone());
        if outcome.verdict.is_failure() {
            let line = format!("{}: {}: {}", outcome.id, outcome.verdict.name(), outcome.detail);
            self.bar.suspend(|| eprintln!("{line}"));
        } else if outcome.verdict == Verdict::Pass {
            self.bar.tick();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
