//! `sv2 encrypt`.

use std::path::{Path, PathBuf};

use stream_v2_format::limits::{FRAME_SIZE_LOG2_MAX, FRAME_SIZE_LOG2_MIN, SEGMENT_SIZE_MAX};
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::{EncryptPipeline, InterruptedEncryption, Managers, OutputFile};

use crate::args::EncryptArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::input::producer::Producer;
use crate::input::source::{Input, Reader};
use crate::interrupt;
use crate::keys::KeyFile;
use crate::output::choose::{Destination, refuse_unnamed};
use crate::output::file::{create, discard, refuse_existing};
use crate::output::target::{Content, Output};
use crate::output::upload::UploadSettings;
use crate::progress::bar::{Progress, Unit};
use crate::progress::stats::Stats;
use crate::report::failed_run::FailedRun;
use crate::report::resume::{
    RESTART, not_resumable, note_resuming, source_refused, warn, warn_names_at_risk,
};
use crate::stdio::is_standard_input;
use crate::text::size::{bytes, count, human};

pub(crate) fn run(args: &EncryptArgs) -> CmdResult {
    let io = &args.io;
    if !args.from_command && !args.command.is_empty() {
        return Err(Failure::usage("a command was named, and nothing says that it is to be run")
            .hint("--from-command runs it, and encrypts its output"));
    }
    // A command is no path, and nothing that is written to can be the same.
    let path = if args.from_command { Path::new("") } else { &io.input };
    let output = io.output.clone().map_or_else(|| default_output(path), Ok)?;
    let destination = Destination::of(&output, path, &io.key, io.force)?;
    let key_file = KeyFile::of(&io.key, path, io.run.quiet)?;
    let mut pipeline = EncryptPipeline::new(&key_file.key).with_context(io.key.context.as_bytes());
    set_params(&mut pipeline, key_file.key_id, args)?;
    pipeline.durability = io.durability(destination.sync_every());
    let opened = if args.from_command { None } else { Some(Input::open(path)?) };
    // Watched before the partial file exists: from then on an interruption has something to keep.
    // And before a command runs, which is ended with this run.
    interrupt::watch(&pipeline.shutdown)?;
    let mut input = opened.map_or_else(|| started(args), Ok)?;
    pipeline.set_source_file(input.reader.file());
    let mut progress = Progress::new(input.len, Unit::Plaintext, io.run.quiet);
    let output = destination.output(UploadSettings {
        expected: input.len,
        jobs: io.run.jobs,
        shutdown: &pipeline.shutdown,
        progress: Some(&mut progress),
    })?;
    let _stats = Stats::begin(io.run.stats, &pipeline.telemetry, pipeline.lanes);
    let result = match &output {
        Output::File(file) => match find_interrupted(file, &pipeline, &mut input, args)? {
            Some(found) if found.is_complete() => {
                let how = if found.is_published() {
                    "complete already"
                } else {
                    "complete; only its name was missing"
                };
                let resumed = found.resume(&pipeline, input.reader, None);
                resumed.map_err(|error| not_resumable(file, &error))?;
                warn_names_at_risk(&output, io.run.quiet);
                if !io.run.quiet {
                    note(format_args!("{}: was {how}", output.name()));
                }
                return Ok(());
            }
            Some(found) => {
                progress.resume_after(found.header(), &found.recovered().committed);
                found.resume(&pipeline, input.reader, Some(&mut progress))
            }
            None => pipeline.run_to_file(input.reader, input.stamp, create(file)?, Some(&mut progress)),
        },
        _ => {
            let mut sink = output.open(Content::Ciphertext, &pipeline.shutdown)?;
            let managers = Managers { log: Some(&mut progress), crash: None };
            pipeline.run(input.reader, &mut *sink, managers)
        }
    };
    warn_names_at_risk(&output, io.run.quiet);
    let summary = result.map_err(|error| {
        let failed = FailedRun {
            input: &input.name,
            output: Some(&output),
            content: Content::Ciphertext,
            key_file: &key_file,
            stream_key_id: None,
            committed: progress.committed(),
        };
        failed.failure(&error)
    })?;
    if !io.run.quiet && !matches!(output, Output::Standard) {
        let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
        note(format_args!("{}: {plaintext} encrypted, in {segments}", output.name()));
    }
    Ok(())
}

/// What the options say of the stream, and of how it is made.
fn set_params(pipeline: &mut EncryptPipeline<'_>, key_id: [u8; 16], args: &EncryptArgs) -> CmdResult {
    let params = &mut pipeline.params;
    params.key_id = key_id;
    let (frame_size, segment_size) = (1 << params.frame_size_log2, params.segment_size.into());
    (params.frame_size_log2, params.segment_size) =
        sizes(args.frame_size.unwrap_or(frame_size), args.segment_size.unwrap_or(segment_size))?;
    params.suite = args.suite.unwrap_or(params.suite);
    pipeline.set_index(args.index);
    pipeline.lanes = args.io.run.lanes();
    Ok(())
}

/// Starts the command that gives the plaintext.
fn started(args: &EncryptArgs) -> Result<Input, Failure> {
    let key_from_input = args.io.key.key_file().is_some_and(is_standard_input);
    let (producer, output) = Producer::start(&args.command, key_from_input)?;
    Ok(Input::of_command(producer, output))
}

/// Looks for what an interrupted run has left, and checks the input against it.
fn find_interrupted(
    file: &OutputFile,
    pipeline: &EncryptPipeline<'_>,
    input: &mut Input,
    args: &EncryptArgs,
) -> Result<Option<InterruptedEncryption>, Failure> {
    let io = &args.io;
    let fresh = || refuse_existing(file).map(|()| None);
    if io.restart {
        refuse_existing(file)?;
        discard(file)?;
        return fresh();
    }
    let found = InterruptedEncryption::find(pipeline, file).map_err(|error| not_resumable(file, &error))?;
    let Some(mut found) = found else { return fresh() };
    refuse_other_params(found.header(), args, file)?;
    warn(file, found.notice());
    let stamp = input.stamp;
    let is_compared = args.verify_source || !matches!(input.reader, Reader::Regular(_));
    let checked = match &mut input.reader {
        Reader::Regular(source) if !args.verify_source => found.check_source(source, stamp),
        reader => {
            // Also of a file that is standard input.
            let same = if args.verify_source { Ok(()) } else { found.check_stamp(stamp) };
            let committed = found.recovered().committed.plaintext_len;
            let mut compared = Progress::new(Some(committed), Unit::Plaintext, io.run.quiet);
            same.and_then(|()| found.compare_source(pipeline, reader, stamp, Some(&mut compared)))
        }
    };
    match checked {
        // Another source for a name that is taken already.
        Err(_) if found.is_published() => {
            drop(found);
            return fresh();
        }
        // What was compared as a whole is another source, whatever is known of it from outside.
        Err(error) => {
            let is_compared = is_compared && found.check_stamp(stamp).is_ok();
            let then = found.source().filter(|_| !is_compared);
            return Err(source_refused(input, file, then, error));
        }
        Ok(()) => {}
    }
    if !io.run.quiet && !found.is_complete() {
        note_resuming(file, &found.recovered().committed);
    }
    Ok(Some(found))
}

/// Parameters of a stream that is gone on with come from its header (SV2-RES-005).
fn refuse_other_params(header: &HeaderV1, args: &EncryptArgs, file: &OutputFile) -> CmdResult {
    let size = |size: u32| (u64::from(size), human(size.into()));
    let (segment_size, frame_size) = (size(header.segment_size()), size(header.frame_size()));
    let suite = header.params().suite;
    let params = [
        ("--segment-size", args.segment_size.is_none_or(|asked| asked == segment_size.0), segment_size.1),
        ("--frame-size", args.frame_size.is_none_or(|asked| asked == frame_size.0), frame_size.1),
        ("--suite", args.suite.is_none_or(|asked| asked == suite), suite.name().to_owned()),
    ];
    for (option, same, found) in params {
        //= spec/stream-v2.md#sv2-res-005
        //# and answer `misuse` to a caller who asks for others.
        if !same {
            let name = file.partial();
            return Err(Failure::usage(format!("{}: was begun with {option} {found}", name.display()))
                .hint(format!("leave {option} out to go on with it; {RESTART}")));
        }
    }
    Ok(())
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

/// Frame size as a power of two, and segment size.
fn sizes(frame_size: u64, segment_size: u64) -> Result<(u8, u32), Failure> {
    let (low, high) = (1u64 << FRAME_SIZE_LOG2_MIN, 1u64 << FRAME_SIZE_LOG2_MAX);
    let log2 = (FRAME_SIZE_LOG2_MIN..=FRAME_SIZE_LOG2_MAX).find(|log2| 1 << log2 == frame_size);
    let Some(frame_size_log2) = log2 else {
        let (low, high) = (human(low), human(high));
        return Err(Failure::usage(format!(
            "--frame-size {frame_size}: allowed is a power of two from {low} to {high}"
        )));
    };
    match u32::try_from(segment_size) {
        Ok(size) if size > 0 && size <= SEGMENT_SIZE_MAX && segment_size.is_multiple_of(frame_size) => {
            Ok((frame_size_log2, size))
        }
        _ => {
            let (frame, high) = (human(frame_size), human(SEGMENT_SIZE_MAX.into()));
            Err(Failure::usage(format!(
                "--segment-size {segment_size}: allowed is a multiple of the frame size ({frame}), at most {high}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked_before_anything_is_opened() {
        assert_eq!(sizes(65_536, 1 << 20).unwrap(), (16, 1 << 20));
        assert_eq!(sizes(4096, 4096).unwrap(), (12, 4096));
        for (frame, segment) in
            [(4095, 1 << 20), (2048, 1 << 20), (1 << 25, 1 << 26), (4096, 0), (4096, 6000), (4096, 1 << 27)]
        {
            assert!(sizes(frame, segment).is_err(), "{frame} {segment}");
        }
    }
}
