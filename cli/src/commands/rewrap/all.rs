//! `sv2 rewrap --all`: every stream in some places, with a report that the next run skips by.

use std::path::Path;

use crate::args::RewrapArgs;
use crate::commands::rewrap::places::{Stream, each};
use crate::commands::rewrap::report::{Outcome, Report};
use crate::commands::rewrap::{NOT_REVOKED, settings};
use crate::failure::{CmdResult, Failure, hint, note};
use crate::keys::Keys;
use crate::report::rewrap::not_rewrapped;
use crate::text::size::count;

/// The streams of a run, by what became of them.
#[derive(Default)]
struct Totals {
    replaced: u64,
    skipped: u64,
    failed: u64,
}

pub(super) fn run(args: &RewrapArgs, report: &Path) -> CmdResult {
    let (keys, rewrap) = settings(args, Path::new("-"))?;
    let mut report = Report::open(report)?;
    let mut totals = Totals::default();
    for place in &args.all {
        each(place, &mut |stream| {
            let outcome = one(&stream, &rewrap, (args, &keys), &mut report)?;
            match outcome {
                Some(Outcome::Failed) => totals.failed += 1,
                Some(_) => totals.replaced += 1,
                None => totals.skipped += 1,
            }
            Ok(())
        })?;
    }
    let Totals { replaced, skipped, failed } = totals;
    let verb = if args.dry_run { "can be replaced" } else { "replaced" };
    let said = format!("{} {verb}, {skipped} skipped, {failed} failed", count(replaced, "envelope"));
    if failed > 0 {
        return Err(Failure::rejected(said).hint("run the same command again: it skips what it has done"));
    }
    if !args.quiet {
        note(said);
        hint(NOT_REVOKED);
    }
    Ok(())
}

/// Replaces the envelope of one stream, unless an earlier run has done it.
fn one(
    stream: &Stream,
    rewrap: &stream_v2::rewrap::Rewrap,
    (args, keys): (&RewrapArgs, &Keys),
    report: &mut Report,
) -> Result<Option<Outcome>, Failure> {
    let place = stream.place();
    let unreported = |error| Failure::io(format!("the report cannot be written: {error}"));
    let current = match stream.current() {
        Ok(None) => return Ok(None),
        Ok(Some(current)) => current,
        Err(failure) => {
            failure.say();
            report.failed(&place, failure.message()).map_err(unreported)?;
            return Ok(Some(Outcome::Failed));
        }
    };
    if report.has_done(&place, &current) && !stream.is_half_done() {
        return Ok(None);
    }
    let replaced = stream.replace(rewrap, &mut |replaced| report.replaced(&place, replaced, Outcome::Begun));
    match replaced {
        Ok(_) if args.dry_run => {}
        Ok((replaced, _)) => report.replaced(&place, &replaced, Outcome::Replaced).map_err(unreported)?,
        Err(error) => {
            let failure = not_rewrapped(&error, Path::new(&place), keys);
            failure.say();
            report.failed(&place, failure.message()).map_err(unreported)?;
            return Ok(Some(Outcome::Failed));
        }
    }
    Ok(Some(Outcome::Replaced))
}
