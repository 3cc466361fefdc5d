//! `sv2 encrypt`.

use std::path::{Path, PathBuf};

use stream_v2_format::limits::{FRAME_SIZE_LOG2_MAX, FRAME_SIZE_LOG2_MIN, SEGMENT_SIZE_MAX};
use stream_v2_pipeline::{EncryptPipeline, FileJournal, Managers};

use crate::Done;
use crate::args::EncryptArgs;
use crate::failed_run::FailedRun;
use crate::input::Input;
use crate::interrupt;
use crate::key_file::KeyFile;
use crate::output::{Content, Output};
use crate::progress::{Progress, Shows};
use crate::report::{Failure, note};
use crate::resume::{self, Left};
use crate::size::{bytes, count, human};
use crate::standard::is_standard;

/// Plaintext bytes of a frame and of a segment, where nobody asks for others.
const FRAME_SIZE: u64 = 64 << 10;
const SEGMENT_SIZE: u64 = 1 << 20;
/// Bytes of output after which it is made durable, and the journal says so.
const DURABLE_EVERY: u64 = 64 << 20;

pub(crate) fn run(args: &EncryptArgs) -> Done {
    let ends = &args.ends;
    let (frame_size_log2, segment_size) =
        sizes(args.frame_size.unwrap_or(FRAME_SIZE), args.segment_size.unwrap_or(SEGMENT_SIZE))?;
    let output = ends.output.clone().unwrap_or_else(|| default_output(&ends.input));
    let output = Output::choose(&output, ends, true)?;
    let key_file = KeyFile::of(&ends.secret, &ends.input, ends.run.quiet)?;
    let mut input = Input::open(&ends.input)?;

    let mut pipeline = EncryptPipeline::new(&key_file.key).with_context(ends.secret.context.as_bytes());
    pipeline.params.key_id = key_file.key_id;
    pipeline.params.frame_size_log2 = frame_size_log2;
    pipeline.params.segment_size = segment_size;
    pipeline.lanes = ends.run.lanes();
    pipeline.durable_every = DURABLE_EVERY;
    // Watched before the partial file exists: from then on an interruption has something to keep.
    interrupt::watch(&pipeline.shutdown)?;
    let left = match &output {
        Output::File(target) => resume::find(target, args, &key_file)?,
        _ => None,
    };
    if let Some(Left::Sealed(sealed)) = left {
        return sealed.publish(ends.run.quiet);
    }
    let mut progress = Progress::new(input.len, Shows::Plaintext, ends.run.quiet);
    let result = match left {
        Some(Left::Torn(mut torn)) => {
            torn.take_up(&mut input, ends.run.quiet)?;
            let source = torn.source(input.reader);
            let managers = Managers { log: Some(&mut progress), crash: Some(&mut torn.journal) };
            pipeline.resume(&torn.stream, &torn.recovered, source, &mut torn.sink, managers)
        }
        _ => {
            let mut sink = output.open(Content::Ciphertext, ends.force)?;
            let mut journal = output.file().map(|target| FileJournal::new(target, input.stamp));
            let crash = journal.as_mut().map(|journal| journal as _);
            let managers = Managers { log: Some(&mut progress), crash };
            pipeline.run(input.reader, &mut *sink, managers)
        }
    };
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
    if let Some(target) = output.file() {
        resume::remove_journal(target)?;
    }
    if !ends.run.quiet && output != Output::Standard {
        let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
        note(format_args!("{}: {plaintext} encrypted, in {segments}", output.name()));
    }
    Ok(())
}

fn default_output(input: &Path) -> PathBuf {
    if is_standard(input) {
        return input.to_owned();
    }
    let mut name = input.as_os_str().to_owned();
    name.push(".sv2");
    name.into()
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
