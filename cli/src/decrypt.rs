//! `sv2 decrypt`.

use std::ffi::OsStr;
use std::io::Seek;
use std::path::{Path, PathBuf};

use stream_v2_pipeline::{DecryptPipeline, Error, Managers};

use crate::Done;
use crate::args::DecryptArgs;
use crate::failed_run::FailedRun;
use crate::input::{Input, Reader};
use crate::interrupt;
use crate::key_file::KeyFile;
use crate::output::{Content, Output};
use crate::progress::{Committed, Progress, Shows};
use crate::remembering::Remembering;
use crate::report::{Failure, note};
use crate::size::{bytes, count};
use crate::standard::is_standard;

pub(crate) fn run(args: &DecryptArgs) -> Done {
    let ends = &args.ends;
    let output = ends.output.clone().map_or_else(|| default_output(&ends.input), Ok)?;
    let output = Output::choose(&output, ends, false)?;
    let key_file = KeyFile::of(&ends.secret, &ends.input, ends.run.quiet)?;
    let mut input = Input::open(&ends.input)?;

    let mut pipeline = DecryptPipeline::new(&key_file.key).with_context(ends.secret.context.as_bytes());
    pipeline.salvage = args.unsealed;
    pipeline.lanes = ends.run.lanes();
    // Watched before the partial file exists: from then on an interruption has something to keep.
    interrupt::watch(&pipeline.shutdown)?;
    let failed = |error: &Error, stream_key_id, committed| {
        let (input, output, content) = (&*input.name, Some(&output), Content::Plaintext);
        FailedRun { input, output, content, key_file: &key_file, stream_key_id, committed }.failure(error)
    };
    // What an earlier run has left is not given up for a stream that this key does not open.
    if let Reader::Regular(file) = &mut input.reader {
        let mut seen = Remembering::new(&mut *file);
        let opened = pipeline.open_stream(&mut seen);
        opened.map_err(|error| failed(&error, seen.key_id(), Committed::default()))?;
        file.rewind().map_err(|error| Failure::io(format!("{}: reading failed: {error}", input.name)))?;
    }
    let mut source = Remembering::new(input.reader);
    let mut sink = output.open(Content::Plaintext, ends.force)?;
    let mut progress = Progress::new(input.len, Shows::Stream, ends.run.quiet);
    let managers = Managers { log: Some(&mut progress), crash: None };
    let summary = pipeline
        .run(&mut source, &mut *sink, managers)
        .map_err(|error| failed(&error, source.key_id(), progress.committed()))?;
    if !ends.run.quiet && output != Output::Standard {
        let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
        note(format_args!("{}: {plaintext} decrypted, from {segments}", output.name()));
    }
    Ok(())
}

fn default_output(input: &Path) -> Result<PathBuf, Failure> {
    if is_standard(input) {
        return Ok(input.to_owned());
    }
    match input.extension() {
        Some(extension) if extension == OsStr::new("sv2") => Ok(input.with_extension("")),
        _ => Err(Failure::usage(format!("{}: has no .sv2 to take away", input.display()))
            .hint("name the output with -o FILE, or -o - for standard output")),
    }
}
