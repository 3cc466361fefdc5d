//! Decrypting into an output that resumes.

use stream_v2_format::crypto::StreamOpener;
use stream_v2_pipeline::{
    Cause, DecryptPipeline, Error as RunError, InterruptedDecryption, OutputFile, PartialDecryption,
    ResumeWarning, Stage,
};

use super::{Follower, create, refuse_existing, restart};
use crate::error::{Error, Problem};
use crate::report::{Event, Outcome, Report};
use crate::source::Source;
use crate::unlock::Unlock;

/// Decrypts `stream`, whose source stands after its header and envelope.
pub(crate) fn decrypt_to(
    unlock: &Unlock,
    (stream, mut source): (&StreamOpener, Source<'_>),
    output: &OutputFile,
    observer: &mut dyn FnMut(Event<'_>),
) -> Result<Report, Error> {
    let mut pipeline = unlock.pipeline();
    pipeline.set_source_file(source.take_file());
    let mut follower = Follower::of_stream(&unlock.settings, source.len(), observer);
    if unlock.settings.restart {
        restart(output)?;
    }
    let found = find(unlock, &pipeline, output, stream, &mut source)?;
    let warning = match found {
        PartialDecryption::Complete => return Ok(follower.report(Outcome::WasComplete, None, output)),
        PartialDecryption::Changed(at) => return Err(Problem::OutputChanged(at).into()),
        PartialDecryption::Unknown(notice) => return Err(Problem::Unknown(notice.map(Into::into)).into()),
        PartialDecryption::Torn(found) => {
            let after = found.committed().plaintext_len;
            if let Some(notice) = found.notice() {
                follower.warn(notice.into());
            }
            follower.resumes(stream.header(), found.committed());
            let summary = found.resume(&pipeline, source, Some(&mut follower)).map_err(Problem::Run)?;
            return Ok(follower.report(Outcome::Resumed { after }, Some(summary), output));
        }
        PartialDecryption::Nothing(notice) => notice,
    };
    // A damaged journal names no segment, so nothing was read.
    let was_read = warning.is_some_and(|notice| notice != ResumeWarning::JournalDamaged);
    if let Some(notice) = warning {
        follower.warn(notice.into());
    }
    // The segment that the journal names was perhaps looked at.
    if source.is_seekable() || was_read {
        source.seek_to(stream.header().body_offset())?;
    }
    refuse_existing(output)?;
    let run = pipeline.run_to_file(stream, source, create(output)?, Some(&mut follower));
    let summary = run.map_err(Problem::Run)?;
    Ok(follower.report(Outcome::Fresh, Some(summary), output))
}

fn find(
    unlock: &Unlock,
    pipeline: &DecryptPipeline<'_>,
    output: &OutputFile,
    stream: &StreamOpener,
    source: &mut Source<'_>,
) -> Result<PartialDecryption, Error> {
    let found = match unlock.settings.compare {
        true => InterruptedDecryption::find_comparing(pipeline, output, stream, source),
        false => InterruptedDecryption::find(pipeline, output, stream, source),
    };
    found.map_err(|error| if is_of_run(&error) { Problem::Run(error) } else { Problem::Resume(error) }.into())
}

/// Whether an error is that of the stream, or ends any other run too.
fn is_of_run(error: &RunError) -> bool {
    matches!(error.stage(), Stage::Source | Stage::Worker) || matches!(error.cause(), Cause::Interrupted)
}
