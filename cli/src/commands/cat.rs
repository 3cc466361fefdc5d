//! `sv2 cat`: a range of the plaintext, without reading the rest of the stream.

use std::io::{self, ErrorKind as IoKind, Write};
use std::ops::Range;

use stream_v2::error::Problem;
use stream_v2::format::{Error as FormatError, ErrorKind};
use stream_v2::pipeline::{Cause, Error, OutputSink, SinkUnit, Stage};
use stream_v2::range::ReadAt;
use stream_v2::{Decryptor, RangeReader, Shutdown, Unlock};

use crate::args::CatArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::input::envelope::opening;
use crate::input::source::Input;
use crate::interrupt;
use crate::keys::Keys;
use crate::output::choose::Destination;
use crate::output::file::{refuse_existing, refuse_partial};
use crate::output::target::{Content, Output};
use crate::output::upload::UploadSettings;
use crate::passphrase::not_asked;
use crate::progress::bar::Committed;
use crate::report::advice::{advice, not_read};
use crate::report::failed_run::{FailedRun, no_room};
use crate::report::resume::warn_names_at_risk;
use crate::text::size::bytes;

pub(crate) fn run(args: &CatArgs) -> CmdResult {
    let destination = Destination::of(&args.output, &args.input, &args.key, args.force)?;
    let keys = Keys::of(&args.key, &args.input, args.quiet)?;
    let Input { reader, name, .. } = Input::open(&args.input)?;
    let Some(source) = reader.at_offsets() else {
        return Err(Failure::usage(format!("{name}: is not a file, so a range of it cannot be read"))
            .hint("sv2 decrypt -o - reads it from the beginning"));
    };
    let shutdown = Shutdown::new();
    let unlock = Unlock::with(keys.credentials())
        .context(args.key.context.as_bytes())
        .salvage(args.salvage)
        .shutdown(&shutdown);
    let unlock = opening(unlock, &args.open)?;
    interrupt::watch(&shutdown)?;
    let output = destination.output(UploadSettings {
        expected: None,
        jobs: None,
        shutdown: &shutdown,
        progress: None,
    })?;
    let decryptor = Decryptor::over_for_unlock(&*source, &unlock);
    let stream_key_id = decryptor.as_ref().ok().map(Decryptor::key_id);
    let (output, shutdown, keys) = (&output, &shutdown, &keys);
    let cat = Cat { input: &name, output, keys, stream_key_id, shutdown };
    let ranges = decryptor.and_then(|decryptor| decryptor.unlock_ranges(&unlock));
    let mut ranges = ranges.map_err(|error| cat.not_opened(&error))?;
    let len = ranges.plaintext_len();
    if args.range.start > len && ranges.unsealed().is_none() && !args.quiet {
        let (begin, len) = (args.range.start, bytes(len));
        note(format_args!("{name}: the range begins at byte {begin}, but the plaintext has {len}"));
    }
    let range = args.range.start.min(len)..args.range.end.min(len);
    let written = cat.write(&mut ranges, range)?;
    warn_names_at_risk(output, args.quiet);
    if let Some(error) = ranges.unsealed() {
        let (name, len, written) = (output.name(), bytes(len), bytes(written));
        let there = format!(
            "{name} has {written} of the range; {len} of plaintext are there, and the rest is missing"
        );
        return Err(cat.failure(&error, 0).hint(there));
    }
    if !args.quiet && !matches!(output, Output::Standard) {
        note(format_args!("{}: {} decrypted", output.name(), bytes(written)));
    }
    Ok(())
}

/// The input and the output of a run.
struct Cat<'a> {
    input: &'a str,
    output: &'a Output,
    keys: &'a Keys,
    /// The id of the key that the stream names, if it was read. It is not authenticated.
    stream_key_id: Option<[u8; 16]>,
    shutdown: &'a Shutdown,
}

impl Cat<'_> {
    /// Writes a range to the output. A file appears only when it is complete.
    fn write(&self, ranges: &mut RangeReader<&dyn ReadAt>, range: Range<u64>) -> Result<u64, Failure> {
        if let Output::File(file) = self.output {
            refuse_partial(file)?;
            refuse_existing(file)?;
        }
        let mut sink = self.output.open(Content::Plaintext, self.shutdown)?;
        let mut appending = Appending { sink: &mut *sink, position: 0 };
        let copied = ranges.copy_range(range, &mut appending);
        let written = appending.position;
        let failed = match copied {
            Ok(_) => sink.seal().err().map(|error| self.not_written(&error)),
            Err(error) => Some(self.failure(&error, written)),
        };
        let Some(failure) = failed else { return Ok(written) };
        // A part of a range cannot be resumed. The failure to report is the first one, not that of
        // the removal.
        let _ = sink.abort();
        Err(failure)
    }

    fn not_opened(&self, error: &stream_v2::Error) -> Failure {
        match error.problem() {
            Problem::Run(error) => self.failure(error, 0),
            _ => Failure::io(error),
        }
    }

    /// Returns the failure to report after `written` bytes.
    fn failure(&self, error: &Error, written: u64) -> Failure {
        match (error.cause(), error.stage()) {
            (Cause::Format(format), _) if format.kind() == ErrorKind::Key => {
                let (input, keys, stream_key_id) = (self.input, self.keys, self.stream_key_id);
                let (content, committed) = (Content::Plaintext, Committed::default());
                FailedRun { input, output: None, content, keys, stream_key_id, committed }.failure(error)
            }
            (Cause::Format(format), _) => self.rejected(format, written),
            (Cause::Io(io), Stage::Sink) => self.not_written(io),
            (Cause::Io(io), _) => not_asked(io).unwrap_or_else(|| not_read(self.input, error)),
            (Cause::Interrupted, _) => Failure::interrupted(format!("interrupted after {}", bytes(written))),
            _ => Failure::io(error),
        }
    }

    fn rejected(&self, error: &FormatError, written: u64) -> Failure {
        let failure = Failure::stream(self.input, error).hints(advice(self.input, error, None));
        let name = self.output.name();
        match self.output {
            Output::File(_) => failure,
            _ if written == 0 => failure,
            _ => failure.hint(format!("{name} has {} of the range, which are authentic", bytes(written))),
        }
    }

    fn not_written(&self, error: &io::Error) -> Failure {
        let name = self.output.name();
        match error.kind() {
            IoKind::BrokenPipe => Failure::io(format!("{name}: closed by its reader")),
            _ => Failure::io(format!("{name}: writing failed: {error}")).hints(no_room(error)),
        }
    }
}

/// Writes to a sink, one piece for each write.
struct Appending<'a> {
    sink: &'a mut dyn OutputSink,
    position: u64,
}

impl Write for Appending<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.sink.append(&SinkUnit { index: None, position: self.position, head: &[], body: buffer })?;
        self.position += buffer.len() as u64;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
