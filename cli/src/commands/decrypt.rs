//! `sv2 decrypt`.

use std::ffi::OsStr;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use stream_v2_format::crypto::{Committed, StreamOpener};
use stream_v2_pipeline::{
    Cause, DecryptPipeline, DecryptionLeft, Error, InterruptedDecryption, Managers, OutputFile, Stage,
    Summary,
};

use crate::args::DecryptArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::input::header_tee::HeaderTee;
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
    RESTART, not_resumable, note_resuming, output_changed, unknown, warn, warn_names_at_risk,
};
use crate::stdio::is_standard_input;
use crate::text::size::{bytes, count};

pub(crate) fn run(args: &DecryptArgs) -> CmdResult {
    let io = &args.io;
    let output = io.output.clone().map_or_else(|| default_output(&io.input), Ok)?;
    let destination = Destination::of(&output, &io.input, &io.key, io.force)?;
    let key_file = KeyFile::of(&io.key, &io.input, io.run.quiet)?;
    let mut input = Input::open(&io.input)?;
    let mut pipeline = DecryptPipeline::new(&key_file.key).with_context(io.key.context.as_bytes());
    pipeline.salvage = args.salvage;
    pipeline.lanes = io.run.lanes();
    pipeline.set_source_file(input.reader.file());
    pipeline.durability = io.durability(destination.sync_every());
    // Watched before the partial file exists: from then on an interruption has something to keep.
    interrupt::watch(&pipeline.shutdown)?;
    let mut progress = Progress::new(input.len, Unit::Stream, io.run.quiet);
    let output = destination.output(UploadSettings {
        expected: input.len,
        jobs: io.run.jobs,
        shutdown: &pipeline.shutdown,
        progress: Some(&mut progress),
    })?;
    let _stats = Stats::begin(io.run.stats, &pipeline.telemetry, pipeline.lanes);
    let mut source = HeaderTee::new(&mut input.reader);
    let opened = pipeline.open_stream(&mut source);
    let stream_key_id = source.key_id();
    let result = opened.map_err(Failed::Run).and_then(|stream| match &output {
        Output::File(file) => to_file(file, &pipeline, &stream, &mut input, args, &mut progress),
        _ => {
            let mut sink = output.open(Content::Plaintext, &pipeline.shutdown)?;
            let managers = Managers { log: Some(&mut progress), crash: None };
            let nothing = Committed::NOTHING;
            Ok(pipeline.resume(&stream, &nothing, &mut input.reader, &mut *sink, managers).map(Some)?)
        }
    });
    warn_names_at_risk(&output, io.run.quiet);
    let summary = result.map_err(|failed| match failed {
        Failed::Before(failure) => failure,
        Failed::Run(error) => {
            let (input, output, content) = (&*input.name, Some(&output), Content::Plaintext);
            let committed = progress.committed();
            FailedRun { input, output, content, key_file: &key_file, stream_key_id, committed }
                .failure(&error)
        }
    })?;
    if io.run.quiet || matches!(output, Output::Standard) {
        return Ok(());
    }
    let name = output.name();
    match summary {
        None => note(format_args!("{name}: was complete already")),
        Some(summary) => {
            let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
            note(format_args!("{name}: {plaintext} decrypted, from {segments}"));
        }
    }
    Ok(())
}

/// Why there is no plaintext: something was in the way, or the run itself failed.
enum Failed {
    Before(Failure),
    Run(Error),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Before(failure)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Run(error)
    }
}

/// Decrypts into a file, and goes on with what an interrupted run has left of it; `None` where nothing was left to do.
fn to_file(
    file: &OutputFile,
    pipeline: &DecryptPipeline<'_>,
    stream: &StreamOpener,
    input: &mut Input,
    args: &DecryptArgs,
    progress: &mut Progress,
) -> Result<Option<Summary>, Failed> {
    if args.io.restart {
        refuse_existing(file)?;
        discard(file)?;
    }
    let found = match args.verify_output {
        true => InterruptedDecryption::find_comparing(pipeline, file, stream, &mut input.reader),
        false => InterruptedDecryption::find(pipeline, file, stream, &mut input.reader),
    };
    match found {
        // What is wrong with the stream, and whatever ends any other run too.
        Err(error)
            if matches!(error.stage(), Stage::Source | Stage::Worker)
                || matches!(error.cause(), Cause::Interrupted) =>
        {
            return Err(error.into());
        }
        Err(error) => return Err(not_resumable(file, &error).into()),
        Ok(DecryptionLeft::Complete) => return Ok(None),
        Ok(DecryptionLeft::Changed(at)) => return Err(output_changed(&file.partial(), at).into()),
        Ok(DecryptionLeft::Unknown(notice)) => return Err(unknown(&file.partial(), notice).into()),
        Ok(DecryptionLeft::Torn(found)) => {
            if !args.io.run.quiet {
                note_resuming(file, found.committed());
            }
            progress.resume_after(stream.header(), found.committed());
            return Ok(Some(found.resume(pipeline, &mut input.reader, Some(progress))?));
        }
        Ok(DecryptionLeft::Nothing(notice)) => {
            warn(file, notice);
            match &mut input.reader {
                Reader::Regular(source) => {
                    let body = SeekFrom::Start(stream.header().body_offset().0);
                    let failed = |error| Failure::io(format!("{}: reading failed: {error}", input.name));
                    source.seek(body).map_err(failed)?;
                }
                // What it has given cannot be had again.
                Reader::Waiting(_) if notice.is_some() => {
                    let name = file.partial();
                    return Err(Failure::usage(format!("{}: cannot be gone on with", name.display()))
                        .hint(RESTART)
                        .into());
                }
                Reader::Waiting(_) => {}
            }
        }
    }
    refuse_existing(file)?;
    Ok(Some(pipeline.run_to_file(stream, &mut input.reader, create(file)?, Some(progress))?))
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
