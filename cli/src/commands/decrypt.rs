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
use crate::failure::{Done, Failure, note};
use crate::input::header_tee::Remembering;
use crate::input::source::{Input, Reader};
use crate::interrupt;
use crate::keys::KeyFile;
use crate::output::choose::{Chosen, refuse_unnamed};
use crate::output::file::{create, discard, refuse_existing};
use crate::output::target::{Content, Output};
use crate::output::upload::Uploading;
use crate::progress::bar::{Progress, Shows};
use crate::progress::stats::Stats;
use crate::report::failed_run::FailedRun;
use crate::report::resume::{
    RESTART, not_gone_on_with, output_changed, tell, tell_going_on, tell_names_at_risk, unknown,
};
use crate::stdio::is_standard_input;
use crate::text::size::{bytes, count};

pub(crate) fn run(args: &DecryptArgs) -> Done {
    let ends = &args.ends;
    let output = ends.output.clone().map_or_else(|| default_output(&ends.input), Ok)?;
    let chosen = Chosen::of(&output, &ends.input, &ends.secret, ends.force)?;
    let key_file = KeyFile::of(&ends.secret, &ends.input, ends.run.quiet)?;
    let mut input = Input::open(&ends.input)?;
    let mut pipeline = DecryptPipeline::new(&key_file.key).with_context(ends.secret.context.as_bytes());
    pipeline.salvage = args.unsealed;
    pipeline.lanes = ends.run.lanes();
    pipeline.set_source_file(input.reader.file());
    pipeline.durability = ends.durability(chosen.sync_every());
    // Watched before the partial file exists: from then on an interruption has something to keep.
    interrupt::watch(&pipeline.shutdown)?;
    let mut progress = Progress::new(input.len, Shows::Stream, ends.run.quiet);
    let output = chosen.output(Uploading {
        expected: input.len,
        jobs: ends.run.jobs,
        shutdown: &pipeline.shutdown,
        progress: Some(&mut progress),
    })?;
    let _stats = Stats::begin(ends.run.stats, &pipeline.telemetry, pipeline.lanes);
    let mut source = Remembering::new(&mut input.reader);
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
    tell_names_at_risk(&output, ends.run.quiet);
    let summary = result.map_err(|failed| match failed {
        Failed::Before(failure) => failure,
        Failed::Run(error) => {
            let (input, output, content) = (&*input.name, Some(&output), Content::Plaintext);
            let committed = progress.committed();
            FailedRun { input, output, content, key_file: &key_file, stream_key_id, committed }
                .failure(&error)
        }
    })?;
    if ends.run.quiet || matches!(output, Output::Standard) {
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
    if args.ends.restart {
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
        Err(error) => return Err(not_gone_on_with(file, &error).into()),
        Ok(DecryptionLeft::Complete) => return Ok(None),
        Ok(DecryptionLeft::Changed(at)) => return Err(output_changed(&file.partial(), at).into()),
        Ok(DecryptionLeft::Unknown(notice)) => return Err(unknown(&file.partial(), notice).into()),
        Ok(DecryptionLeft::Torn(found)) => {
            if !args.ends.run.quiet {
                tell_going_on(file, found.committed());
            }
            progress.go_on_after(stream.header(), found.committed());
            return Ok(Some(found.resume(pipeline, &mut input.reader, Some(progress))?));
        }
        Ok(DecryptionLeft::Nothing(notice)) => {
            tell(file, notice);
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
