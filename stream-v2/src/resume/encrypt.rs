//! Encrypting into an output that resumes.

use stream_v2_pipeline::{EncryptPipeline, InterruptedEncryption, OutputFile, Stage};

use super::{Follower, create, refuse_existing, restart};
use crate::error::{Error, Problem};
use crate::options::Options;
use crate::report::{Event, Outcome, Report, Warning};
use crate::source::Source;

/// What an earlier run has left.
enum Found {
    Nothing,
    Interrupted(Box<InterruptedEncryption>),
    /// A complete output whose rest was just removed.
    Complete,
}

pub(crate) fn encrypt_to(
    options: &Options,
    mut source: Source<'_>,
    output: &OutputFile,
    observer: &mut dyn FnMut(Event<'_>),
) -> Result<Report, Error> {
    let output = &options.keeping(output);
    let mut pipeline = options.pipeline();
    pipeline.set_source_file(source.take_file());
    let mut follower = Follower::of_plaintext(&options.settings, source.len(), observer);
    let found = find(options, &pipeline, output, &mut source, &mut follower)?;
    let (outcome, run) = match found {
        Found::Complete => return Ok(follower.report(Outcome::WasComplete, None, output)),
        Found::Interrupted(found) if found.is_complete() => {
            let outcome = if found.is_published() { Outcome::WasComplete } else { Outcome::Named };
            (outcome, found.resume(&pipeline, source, None).map_err(Problem::Resume))
        }
        Found::Interrupted(found) => {
            let after = found.recovered().committed.plaintext_len;
            let resumed = found.resume(&pipeline, source, Some(&mut follower));
            (Outcome::Resumed { after }, resumed.map_err(Problem::Run))
        }
        Found::Nothing => {
            let (sink, stamp) = (create(output)?, source.known());
            let run = pipeline.run_to_file(source, stamp, sink, Some(&mut follower));
            // Without a key nothing was written. The error to report is that of the run.
            if run.as_ref().is_err_and(|error| error.stage() == Stage::Start) {
                let _ = output.discard();
            }
            (Outcome::Fresh, run.map_err(Problem::Run))
        }
    };
    let summary = run?;
    Ok(follower.report(outcome, Some(summary), output))
}

/// Looks for the partial output of an earlier run, and checks the source against it.
fn find(
    options: &Options,
    pipeline: &EncryptPipeline<'_>,
    output: &OutputFile,
    source: &mut Source<'_>,
    follower: &mut Follower<'_>,
) -> Result<Found, Error> {
    if options.settings.restart {
        return restart(output).map(|()| Found::Nothing);
    }
    let found = InterruptedEncryption::find(pipeline, output).map_err(Problem::Resume)?;
    let Some(mut found) = found else {
        // Without the key nothing of the source can be compared.
        let may_complete = !options.settings.compare;
        let complete =
            may_complete && pipeline.complete_without_key(output, source.known()).map_err(Problem::Resume)?;
        if complete {
            follower.warn(Warning::ChecksumsOnly);
            return Ok(Found::Complete);
        }
        return refuse_existing(output).map(|()| Found::Nothing);
    };
    options.refuse_other_parameters(found.header())?;
    if let Some(notice) = found.notice() {
        follower.warn(notice.into());
    }
    match check_source(options, pipeline, &mut found, source, follower) {
        Ok(()) => {
            if !found.is_complete() {
                follower.resumes(found.header(), &found.recovered().committed);
            }
            Ok(Found::Interrupted(Box::new(found)))
        }
        // Another source for a name that is taken already.
        Err(_) if found.is_published() => {
            drop(found);
            refuse_existing(output)?;
            source.rewind().map(|()| Found::Nothing)
        }
        Err(error) => Err(error),
    }
}

fn check_source(
    options: &Options,
    pipeline: &EncryptPipeline<'_>,
    found: &mut InterruptedEncryption,
    source: &mut Source<'_>,
    follower: &mut Follower<'_>,
) -> Result<(), Error> {
    // Without a journal nothing says which source it was, and the last segment alone does not show
    // that the beginning is still the same.
    let compare = options.settings.compare || found.source().is_none();
    let stamp = source.known();
    let seekable = source.seekable_reader().filter(|_| !compare);
    let is_compared = seekable.is_none();
    let checked = match seekable {
        Some(reader) => found.check_source(reader, stamp),
        None => {
            // If the caller asks for all to be compared, what is known from outside does not
            // matter.
            let same = if compare { Ok(()) } else { found.check_stamp(stamp) };
            same.and_then(|()| {
                let committed = found.recovered().committed.plaintext_len;
                let mut comparing = follower.comparing(committed);
                found.compare_source(pipeline, source, stamp, Some(&mut comparing))
            })
        }
    };
    checked.map_err(|error| {
        // A source that was compared as a whole is another one, whatever is known of it from
        // outside.
        let is_compared = is_compared && found.check_stamp(stamp).is_ok();
        let then = found.source().filter(|_| !is_compared).copied();
        Problem::Source { error, then }.into()
    })
}
