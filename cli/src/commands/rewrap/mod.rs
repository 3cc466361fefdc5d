//! `sv2 rewrap`: replaces the envelope of a stream, so that other keys open it.

mod all;
mod places;
mod report;

use std::path::Path;

use serde::Serialize;
use stream_v2::pipeline::{OutputFile, Shutdown, WriterSink};
use stream_v2::rewrap::{Replaced, Rewrap};
use stream_v2::s3::HeadReplaced;

use crate::args::RewrapArgs;
use crate::commands::rewrap::places::Stream;
use crate::failure::{CmdResult, Failure, hint, note};
use crate::input::envelope::read_envelope;
use crate::input::source::Input;
use crate::interrupt;
use crate::keys::{Keys, new_recipients};
use crate::location::Location;
use crate::output::choose::Destination;
use crate::output::file::{refuse_existing, refuse_partial};
use crate::output::target::Content;
use crate::output::upload::UploadSettings;
use crate::report::json::{finish, place};
use crate::report::rewrap::not_rewrapped;
use crate::stdio::is_standard_input;
use crate::text::size::human;

/// What rewrapping does not do.
const NOT_REVOKED: &str = "this revokes nothing: whoever could open it may have kept its key; after a leak, \
                           decrypt it and encrypt it anew";

pub(crate) fn run(args: &RewrapArgs) -> CmdResult {
    if let (false, Some(report)) = (args.all.is_empty(), &args.report) {
        return all::run(args, report);
    }
    let stream = args.stream.as_deref().unwrap_or(Path::new("-"));
    let (input, input_hex) = place(stream);
    let mut result = Rewrapping { input, input_hex, dry_run: args.dry_run, ..Rewrapping::default() };
    let done = rewrap(args, stream);
    if let Ok(replaced) = &done {
        result.replaced(replaced);
        if !args.json && !args.quiet {
            say_done(args, stream, replaced);
        }
    }
    finish(args.json, "rewrap", &result, done.map(drop))
}

/// The result as JSON.
#[derive(Default, Serialize)]
struct Rewrapping {
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_hex: Option<String>,
    dry_run: bool,
    stream_salt: Option<String>,
    /// SHA-256 of the old envelope and of the new one, each with its CRC.
    old_envelope: Option<String>,
    new_envelope: Option<String>,
}

impl Rewrapping {
    fn replaced(&mut self, replaced: &Replaced) {
        self.stream_salt = Some(hex::encode(replaced.stream_salt));
        self.old_envelope = Some(hex::encode(replaced.old));
        self.new_envelope = Some(hex::encode(replaced.new));
    }
}

/// Returns the keys that the options name, and what they want to be done.
fn settings(args: &RewrapArgs, stream: &Path) -> Result<(Keys, Rewrap), Failure> {
    let unlocking = args.unlocking();
    let keys = Keys::of(&unlocking, stream, args.quiet)?;
    let recipients = new_recipients(args)?;
    let credentials = keys.credentials().with_memory_limit(args.open.memory_limit);
    let credentials = match &args.open.envelope {
        Some(place) => credentials.with_detached_envelope(read_envelope(place)?),
        None => credentials,
    };
    interrupt::end_at_once()?;
    let rewrap = Rewrap::new(credentials, recipients).context(unlocking.context.as_bytes());
    let rewrap = rewrap.dry_run(args.dry_run);
    let rewrap = args.keep_old.iter().fold(rewrap, |rewrap, file| rewrap.keep_old(file));
    Ok((keys, rewrap))
}

fn rewrap(args: &RewrapArgs, stream: &Path) -> Result<Replaced, Failure> {
    let (keys, rewrap) = settings(args, stream)?;
    let failed = |error: stream_v2::Error| not_rewrapped(&error, stream, &keys);
    match (&args.output, &args.detached) {
        (Some(output), _) => copy(args, &rewrap, stream, output, &failed),
        (None, Some(place)) => detached(args, &rewrap, stream, place, &failed),
        (None, None) if is_standard_input(stream) => {
            Err(Failure::usage("standard input cannot be replaced in its place")
                .hint("name the file, or write a new stream with -o"))
        }
        (None, None) => {
            let (replaced, moved) = Stream::of(stream)?.replace(&rewrap, &mut |_| Ok(())).map_err(failed)?;
            if let Some(moved) = moved.filter(|_| !args.quiet) {
                say_moved(&moved);
            }
            Ok(replaced)
        }
    }
}

/// Writes the stream with its new envelope elsewhere.
fn copy(
    args: &RewrapArgs,
    rewrap: &Rewrap,
    stream: &Path,
    output: &Path,
    failed: &dyn Fn(stream_v2::Error) -> Failure,
) -> Result<Replaced, Failure> {
    let destination = Destination::of(output, stream, &args.unlocking(), args.force)?;
    let mut input = Input::open(stream)?;
    if args.dry_run {
        return rewrap.copy_to(input.source(), &mut WriterSink::new(std::io::sink())).map_err(failed);
    }
    let shutdown = Shutdown::new();
    let settings = UploadSettings { expected: input.len, jobs: None, shutdown: &shutdown, progress: None };
    let output = destination.output(settings)?;
    if let crate::output::target::Output::File(file) = &output {
        refuse_partial(file)?;
        refuse_existing(file)?;
    }
    let mut sink = output.open(Content::Ciphertext, &shutdown)?;
    rewrap.copy_to(input.source(), &mut *sink).map_err(failed)
}

/// Writes the new envelope apart from the stream.
fn detached(
    args: &RewrapArgs,
    rewrap: &Rewrap,
    stream: &Path,
    to: &Path,
    failed: &dyn Fn(stream_v2::Error) -> Failure,
) -> Result<Replaced, Failure> {
    if !matches!(Location::of(to)?, Location::File) {
        return Err(Failure::usage(format!("{}: is not a file", to.display())));
    }
    let Input { reader, name, .. } = Input::open(stream)?;
    let Some(source) = reader.at_offsets() else {
        return Err(Failure::usage(format!("{name}: is not a file, so its end cannot be checked"))
            .hint("-o writes a new stream from standard input"));
    };
    let to = OutputFile::new(to).overwriting(args.force);
    refuse_existing(&to)?;
    rewrap.detached(source, &to).map_err(failed)
}

fn say_moved(moved: &HeadReplaced) {
    let [received, sent, copied] = [moved.received, moved.sent, moved.copied].map(human);
    note(format_args!("{received} received, {sent} sent, and {copied} copied by S3 itself"));
}

fn say_done(args: &RewrapArgs, stream: &Path, replaced: &Replaced) {
    let name = stream.display();
    if replaced.old == replaced.new {
        return note(format_args!("{name}: its envelope is already one for these keys"));
    }
    if args.dry_run {
        return note(format_args!("{name}: its envelope can be replaced; nothing was written"));
    }
    match (&args.output, &args.detached) {
        (Some(output), _) => note(format_args!("{}: the stream with a new envelope", output.display())),
        (_, Some(place)) => {
            let place = place.display();
            note(format_args!("{place}: a new envelope; --envelope {place} opens {name} with it"));
        }
        _ => note(format_args!("{name}: its envelope was replaced")),
    }
    hint(NOT_REVOKED);
}
