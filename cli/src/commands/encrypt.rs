//! `sv2 encrypt`.

use std::path::{Path, PathBuf};

use stream_v2::file::{Outcome, Summary};
use stream_v2::format::limits::{FRAME_SIZE_LOG2_MAX, FRAME_SIZE_LOG2_MIN, SEGMENT_SIZE_MAX};
use stream_v2::format::wire::StreamParams;
use stream_v2::pipeline::Telemetry;
use stream_v2::{Encryptor, Options, Shutdown};

use crate::args::EncryptArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::input::producer::Producer;
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
use crate::state;
use crate::stdio::is_standard_input;
use crate::text::size::{bytes, count, human};

pub(crate) fn run(mut args: EncryptArgs) -> CmdResult {
    args.io.key.has_recipients = args.to.has_any();
    let mut result = RunResult::default();
    let done = encrypt(&args, &mut result);
    result.finish(args.io.json, "encrypt", done)
}

fn encrypt(args: &EncryptArgs, result: &mut RunResult) -> CmdResult {
    let io = &args.io;
    // A command is not a path, and no output can be the same file.
    let path = if args.from_command { Path::new("") } else { &io.input };
    if !args.from_command {
        result.reads(path);
    }
    let output = io.output.clone().map_or_else(|| default_output(path), Ok)?;
    result.writes(&output, io.json)?;
    if !args.from_command && !args.command.is_empty() {
        return Err(Failure::usage("a command was named, and nothing says that it is to be run")
            .hint("--from-command runs it, and encrypts its output"));
    }
    let destination = Destination::of(&output, path, &io.key, io.force)?;
    let keys = Keys::for_writing((&io.key, &args.to), path, io.run.quiet)?;
    result.key(keys.key_id());
    let (shutdown, telemetry) = (Shutdown::new(), Telemetry::new());
    let options = options(&keys, args)?
        .durability(io.durability(destination.sync_every()))
        .shutdown(&shutdown)
        .telemetry(&telemetry);
    let encryptor = Encryptor::new(&options).map_err(Failure::usage)?;
    let opened = if args.from_command { None } else { Some(Input::open(path)?) };
    // Watch signals before the partial file exists, because from then on an interruption has
    // something to keep. A command must also start later, because it ends with this run.
    interrupt::watch(&shutdown)?;
    let mut input = opened.map_or_else(|| started(args), Ok)?;
    let mut progress = Progress::new("encrypting", input.len, Unit::Plaintext, io.run.progress());
    let _requests = Requests::watch(input.len);
    let output = destination.output(UploadSettings {
        expected: input.len,
        jobs: io.run.jobs,
        shutdown: &shutdown,
        progress: Some(&mut progress),
    })?;
    let _stats = Stats::begin(io.run.stats, &telemetry, io.run.parallelism());
    let mut follower = Follower::new(&mut progress, &output, Content::Ciphertext, io.run.quiet);
    let ended = match &output {
        Output::File(file) => encryptor
            .encrypt_to(input.source(), file, &mut |event| follower.follow(event))
            .map(|report| (report.outcome(), report.summary().copied())),
        _ => {
            let mut sink = output.open(Content::Ciphertext, &shutdown)?;
            encryptor
                .encrypt_into(input.source(), &mut *sink, &mut |event| follower.follow(event))
                .map(|summary| (Outcome::Fresh, Some(summary)))
        }
    };
    warn_names_at_risk(&output, io.run.quiet);
    result.committed(progress.committed());
    let (outcome, summary) = ended.map_err(|error| {
        let failed = FailedRun {
            input: &input.name,
            output: Some(&output),
            content: Content::Ciphertext,
            keys: &keys,
            stream_key_id: None,
            committed: progress.committed(),
        };
        failed_call(error, &input, &failed)
    })?;
    result.complete(outcome, summary.as_ref());
    if !io.run.quiet && !matches!(output, Output::Standard) {
        note_done(&output.name(), outcome, summary.as_ref(), args.compress.is_some());
    }
    Ok(())
}

fn note_done(name: &str, outcome: Outcome, summary: Option<&Summary>, compresses: bool) {
    match (outcome, summary) {
        (Outcome::Fresh | Outcome::Resumed { .. }, Some(summary)) => {
            let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
            let stored = summary.stream_len;
            if compresses && summary.plaintext_len > 0 {
                let percent = 100 * u128::from(stored) / u128::from(summary.plaintext_len);
                let stored = bytes(stored);
                note(format_args!("{name}: {plaintext} encrypted to {stored} ({percent} %), in {segments}"));
            } else {
                note(format_args!("{name}: {plaintext} encrypted, in {segments}"));
            }
        }
        _ => note(format_args!("{name}: {outcome}")),
    }
}

/// Returns the options of the stream and of the run.
fn options(keys: &Keys, args: &EncryptArgs) -> Result<Options, Failure> {
    let io = &args.io;
    let defaults = StreamParams::new([0; 32]);
    let segment_size = match args.compress {
        Some(_) => Options::COMPRESSED_SEGMENT_SIZE,
        None => defaults.segment_size,
    };
    let (frame_size, segment_size) = sizes(
        args.frame_size.unwrap_or(1 << defaults.frame_size_log2),
        args.segment_size.unwrap_or(segment_size.into()),
    )?;
    let mut options = keys
        .options()
        .context(io.key.context.as_bytes())
        .compression(args.compress)
        .workers(io.run.parallelism().workers)
        .restart(io.restart)
        .resume_key(!args.no_resume_key)
        .compare_source(args.verify_source);
    if args.index {
        options = options.index(true);
    }
    if let Some(state) = state::folder() {
        options = options.state_folder(state);
    }
    // A resumed stream may have been begun with other sizes.
    if args.frame_size.is_some() {
        options = options.frame_size(frame_size);
    }
    if args.segment_size.is_some() {
        options = options.segment_size(segment_size);
    }
    Ok(match args.suite {
        Some(suite) => options.suite(suite),
        None => options,
    })
}

/// Starts the command that produces the plaintext.
fn started(args: &EncryptArgs) -> Result<Input, Failure> {
    let key_from_input = args.io.key.key_file().is_some_and(is_standard_input);
    let (producer, output) = Producer::start(&args.command, key_from_input)?;
    Ok(Input::of_command(producer, output))
}

fn default_output(input: &Path) -> Result<PathBuf, Failure> {
    if is_standard_input(input) {
        return Ok("-".into());
    }
    refuse_unnamed(input)?;
    let mut name = input.as_os_str().to_owned();
    name.push(".sv2");
    Ok(name.into())
}

/// Checks that a stream can have these sizes.
fn sizes(frame_size: u64, segment_size: u64) -> Result<(u32, u32), Failure> {
    let (low, high) = (1u32 << FRAME_SIZE_LOG2_MIN, 1u32 << FRAME_SIZE_LOG2_MAX);
    let size = u32::try_from(frame_size).ok().filter(|size| size.is_power_of_two());
    let Some(frame_size) = size.filter(|size| (low..=high).contains(size)) else {
        let (low, high) = (human(low.into()), human(high.into()));
        return Err(Failure::usage(format!(
            "--frame-size is {frame_size}, expected a power of two from {low} to {high}"
        )));
    };
    match u32::try_from(segment_size) {
        Ok(size)
            if size > 0 && size <= SEGMENT_SIZE_MAX && segment_size.is_multiple_of(frame_size.into()) =>
        {
            Ok((frame_size, size))
        }
        _ => {
            let (frame, high) = (human(frame_size.into()), human(SEGMENT_SIZE_MAX.into()));
            Err(Failure::usage(format!(
                "--segment-size is {segment_size}, expected a multiple of the frame size ({frame}), at most {high}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked_before_anything_is_opened() {
        assert_eq!(sizes(65_536, 1 << 20).unwrap(), (65_536, 1 << 20));
        assert_eq!(sizes(4096, 4096).unwrap(), (4096, 4096));
        for (frame, segment) in
            [(4095, 1 << 20), (2048, 1 << 20), (1 << 25, 1 << 26), (4096, 0), (4096, 6000), (4096, 1 << 27)]
        {
            assert!(sizes(frame, segment).is_err(), "{frame} {segment}");
        }
    }
}
