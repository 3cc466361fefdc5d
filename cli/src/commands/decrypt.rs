//! `sv2 decrypt`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use stream_v2::file::{Outcome, Source, Summary};
use stream_v2::pipeline::Telemetry;
use stream_v2::{Decryptor, Error, Shutdown, Unlock};

use crate::args::DecryptArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::input::envelope::opening;
use crate::input::source::Input;
use crate::interrupt;
use crate::keys::Keys;
use crate::output::choose::{Destination, refuse_unnamed};
use crate::output::target::{Content, Output};
use crate::output::upload::UploadSettings;
use crate::progress::bar::{Progress, Unit};
use crate::progress::request::Requests;
use crate::progress::stats::Stats;
use crate::report::failed_call::failed_call;
use crate::report::failed_run::FailedRun;
use crate::report::follow::Follower;
use crate::report::json::RunResult;
use crate::report::resume::warn_names_at_risk;
use crate::stdio::is_standard_input;
use crate::text::size::{bytes, count};

pub(crate) fn run(args: &DecryptArgs) -> CmdResult {
    let mut result = RunResult::default();
    let done = run_with(args, &mut result);
    result.finish(args.io.json, "decrypt", done)
}

fn run_with(args: &DecryptArgs, result: &mut RunResult) -> CmdResult {
    let io = &args.io;
    result.reads(&io.input);
    let output = io.output.clone().map_or_else(|| default_output(&io.input), Ok)?;
    result.writes(&output, io.json)?;
    let destination = Destination::of(&output, &io.input, &io.key, io.force)?;
    let keys = Keys::of(&io.key, &io.input, io.run.quiet)?;
    let mut input = Input::open(&io.input)?;
    let (shutdown, telemetry) = (Shutdown::new(), Telemetry::new());
    let unlock = opening(unlock(&keys, args), &args.open)?
        .durability(io.durability(destination.sync_every()))
        .shutdown(&shutdown)
        .telemetry(&telemetry);
    // Watch signals before the partial file exists, because from then on an interruption has
    // something to keep.
    interrupt::watch(&shutdown)?;
    let mut progress = Progress::new("decrypting", input.len, Unit::Stream, io.run.progress());
    let _requests = Requests::watch(input.len);
    let output = destination.output(UploadSettings {
        expected: input.len,
        jobs: io.run.jobs,
        shutdown: &shutdown,
        progress: Some(&mut progress),
    })?;
    let mut stats = Stats::begin(io.run.stats, &telemetry, io.run.parallelism());
    let follower = Follower::new(&mut progress, &output, Content::Plaintext, io.run.quiet);
    let mut opener = None;
    let (stream_key_id, ended) = match Decryptor::for_unlock(input.source(), &unlock) {
        Ok(mut decryptor) => {
            let key_id = decryptor.key_id();
            result.key(Some(key_id));
            stats.within(args.open.memory_limit, decryptor.segment_size());
            // Nothing waits for a reader of the output if the stream cannot be decrypted.
            let ended = match decryptor.open(&unlock) {
                Ok(by) => {
                    opener = decryptor.stanzas().next().map(|_| keys.opener(by));
                    result.opened_by(&keys.opener(by));
                    decrypt(decryptor, &unlock, (&output, &shutdown), follower)?
                }
                Err(error) => Err(error),
            };
            (Some(key_id), ended)
        }
        Err(error) => (None, Err(error)),
    };
    warn_names_at_risk(&output, io.run.quiet);
    result.committed(progress.committed());
    let (outcome, summary) = ended.map_err(|error| {
        let failed = FailedRun {
            input: &input.name,
            output: Some(&output),
            content: Content::Plaintext,
            keys: &keys,
            stream_key_id,
            committed: progress.committed(),
        };
        failed_call(error, &input, &failed)
    })?;
    result.complete(outcome, summary.as_ref());
    if io.run.quiet || matches!(output, Output::Standard) {
        return Ok(());
    }
    let name = output.name();
    match summary {
        None => note(format_args!("{name}: was complete already")),
        Some(summary) => {
            let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
            let opened = opener.map_or_else(String::new, |opener| format!("; opened with {}", opener.shown));
            note(format_args!("{name}: {plaintext} decrypted, from {segments}{opened}"));
        }
    }
    Ok(())
}

/// Decrypts into a file, which can be resumed, or into any other output. Without a summary nothing
/// is left to do.
fn decrypt(
    decryptor: Decryptor<Source<'_>>,
    unlock: &Unlock,
    (output, shutdown): (&Output, &Shutdown),
    mut follower: Follower<'_>,
) -> Result<Result<(Outcome, Option<Summary>), Error>, Failure> {
    let mut observer = |event: stream_v2::file::Event<'_>| follower.follow(event);
    if let Output::File(file) = output {
        let report = decryptor.decrypt_to(unlock, file, &mut observer);
        return Ok(report.map(|report| (report.outcome(), report.summary().copied())));
    }
    let mut sink = output.open(Content::Plaintext, shutdown)?;
    let summary = decryptor.decrypt_into(unlock, &mut *sink, &mut observer);
    Ok(summary.map(|summary| (Outcome::Fresh, Some(summary))))
}

/// Returns how the options want the stream to be read.
fn unlock(keys: &Keys, args: &DecryptArgs) -> Unlock {
    let io = &args.io;
    Unlock::with(keys.credentials())
        .context(io.key.context.as_bytes())
        .salvage(args.salvage)
        .compare_output(args.verify_output)
        .workers(io.run.parallelism().workers)
        .restart(io.restart)
}

fn default_output(input: &Path) -> Result<PathBuf, Failure> {
    if is_standard_input(input) {
        return Ok("-".into());
    }
    refuse_unnamed(input)?;
    match input.extension() {
        Some(extension) if extension == OsStr::new("sv2") => Ok(input.with_extension("")),
        _ => Err(Failure::usage(format!(
            "{}: does not end in .sv2, so no output name follows from it",
            input.display()
        ))
        .hint("name the output with -o FILE, or -o - for standard output")),
    }
}
