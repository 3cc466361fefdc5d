//! The messages of failed library calls.

use stream_v2::Error;
use stream_v2::error::{Parameter, Problem};
use stream_v2::file::OutputFile;

use crate::failure::Failure;
use crate::input::source::Input;
use crate::output::file::{existing, not_created, not_discarded};
use crate::output::target::Output;
use crate::report::failed_run::FailedRun;
use crate::report::resume::{RESTART, not_resumable, output_changed, source_refused, unknown};
use crate::text::size::human;

/// Returns the failure to report for `error`, from a call that read `input` for `run`.
pub(crate) fn failed_call(error: Error, input: &Input, run: &FailedRun<'_>) -> Failure {
    // The user of this command has the input.
    let error = error.for_source_owner();
    let file = match run.output {
        Some(Output::File(file)) => Some(file),
        _ => None,
    };
    match (error.problem(), file) {
        (Problem::Run(error), _) => run.failure(error),
        (Problem::Exists, Some(file)) => existing(file),
        (Problem::Discard(error), Some(file)) => not_discarded(file, error),
        (Problem::Create(error), Some(file)) => not_created(file, error),
        (Problem::Resume(error), Some(file)) => not_resumable(file, run.keys, error),
        (Problem::OtherParameters(parameter), Some(file)) => other_parameter(file, *parameter),
        (Problem::Source { error, then }, Some(file)) => source_refused(input, file, then.as_ref(), error),
        (Problem::NotRewindable, Some(file)) => not_again(file),
        (Problem::OutputChanged(at), Some(file)) => output_changed(&file.partial(), *at),
        (Problem::Unknown(warning), Some(file)) => unknown(&file.partial(), warning.as_ref()),
        _ => Failure::io(error),
    }
}

/// The parameters of a resumed stream come from its header (SV2-RES-005).
fn other_parameter(file: &OutputFile, parameter: Parameter) -> Failure {
    let (option, found) = match parameter {
        Parameter::SegmentSize(bytes) => ("--segment-size", human(bytes.into())),
        Parameter::FrameSize(bytes) => ("--frame-size", human(bytes.into())),
        Parameter::Suite(suite) => ("--suite", suite.name().to_owned()),
        other => return Failure::usage(format!("{}: was begun with {other}", file.partial().display())),
    };
    Failure::usage(format!("{}: was begun with {option} {found}", file.partial().display()))
        .hint(format!("leave out {option} to resume; {RESTART}"))
}

/// The output of a pipe cannot be read again.
fn not_again(file: &OutputFile) -> Failure {
    let name = file.partial().display().to_string();
    Failure::usage(format!(
        "{name}: cannot be resumed, and a part of the input, a pipe, was read to find out"
    ))
    .hint(RESTART)
}
