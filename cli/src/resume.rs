//! §19.2 Going on with an encryption that was interrupted.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use stream_v2_format::ErrorKind;
use stream_v2_format::crypto::StreamOpener;
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{
    Error, FileJournal, FileSink, OutputSink, Recovered, SourceStamp, discard_partial, is_being_written,
    journal_path, partial_path, recover,
};

use crate::Done;
use crate::args::EncryptArgs;
use crate::input::{Input, Reader};
use crate::key_file::KeyFile;
use crate::output::{being_written, not_created};
use crate::report::{Failure, note};
use crate::size::{bytes, count, human};

const RESTART: &str = "--restart starts over and throws it away";

/// What an interrupted run has left.
pub(crate) enum Left {
    /// All of it: only the name is missing.
    Sealed(Sealed),
    /// A beginning.
    Torn(Box<Torn>),
}

pub(crate) struct Sealed {
    target: PathBuf,
    sink: FileSink,
}

pub(crate) struct Torn {
    pub(crate) stream: StreamOpener,
    pub(crate) recovered: Recovered,
    pub(crate) journal: FileJournal,
    pub(crate) sink: FileSink,
    target: PathBuf,
    name: String,
    ending: bool,
    known: bool,
}

/// Looks for what an interrupted run has left of `target`. Nothing is changed by that, unless there is nothing to go on with.
pub(crate) fn find(target: &Path, args: &EncryptArgs, key_file: &KeyFile) -> Result<Option<Left>, Failure> {
    let partial = partial_path(target);
    let name = partial.display().to_string();
    if partial.symlink_metadata().is_err() {
        return Ok(None);
    }
    if is_being_written(&partial) {
        return Err(being_written(&partial));
    }
    if args.restart {
        return start_over(target);
    }
    let failed = |error: io::Error| Failure::io(format!("{name}: cannot be read: {error}")).hint(RESTART);
    if !partial.symlink_metadata().map_err(failed)?.is_file() {
        return Err(Failure::usage(format!("{name}: is no file that sv2 has left")).hint(RESTART));
    }
    let mut file = File::open(&partial).map_err(failed)?;
    let header = match read_stream_header(&mut file) {
        Ok((header, _)) => header,
        // The first bytes are durable before anything follows them: nothing was committed.
        Err(error) if error.kind() == Some(ErrorKind::Truncated) => return start_over(target),
        Err(error) => return Err(refused(&name, &error)),
    };
    refuse_other_sizes(&header, args, &name)?;
    let stream =
        StreamOpener::new(&header, &key_file.key, args.ends.secret.context.as_bytes()).map_err(|error| {
            Failure::stream(&name, &error)
                .hint(format!("it was begun with another key or --context; {RESTART}"))
        })?;
    let journal = find_journal(target, &stream)?;
    let (journal, recovered) =
        match recover(&file, &stream, journal.as_ref().and_then(FileJournal::last_commit)) {
            Err(error) if journal.is_some() && error.kind() == Some(ErrorKind::Truncated) => {
                note(format_args!(
                    "warning: {name}: has lost segments that were durable; they are written again"
                ));
                (None, recover(&file, &stream, None))
            }
            recovered => (journal, recovered),
        };
    let recovered = recovered.map_err(|error| refused(&name, &error))?;
    let sink = FileSink::reopen(target, args.ends.force, recovered.stream_len)
        .map_err(|error| not_created(target, &error))?;
    if recovered.sealed {
        return Ok(Some(Left::Sealed(Sealed { target: target.to_owned(), sink })));
    }
    let known = journal.is_some();
    let ending = journal.as_ref().is_some_and(|journal| journal.ending().is_some());
    let journal = journal.unwrap_or_else(|| FileJournal::new(target, SourceStamp::default()));
    Ok(Some(Left::Torn(Box::new(Torn {
        stream,
        recovered,
        journal,
        sink,
        target: target.to_owned(),
        name,
        ending,
        known,
    }))))
}

fn find_journal(target: &Path, stream: &StreamOpener) -> Result<Option<FileJournal>, Failure> {
    let name = journal_path(target).display().to_string();
    let found = FileJournal::find(target, stream)
        .map_err(|error| Failure::io(format!("{name}: cannot be read: {error}")).hint(RESTART))?;
    Ok(found.and_then(|journal| {
        journal.map_err(|error| note(format_args!("warning: {name}: {error}; going on without it"))).ok()
    }))
}

fn start_over(target: &Path) -> Result<Option<Left>, Failure> {
    discard_partial(target).map_err(|error| not_created(target, &error))?;
    remove_journal(target)?;
    Ok(None)
}

/// Parameters of a stream that is gone on with come from its header (SV2-RES-005).
fn refuse_other_sizes(header: &HeaderV1, args: &EncryptArgs, name: &str) -> Done {
    let sizes = [
        ("--segment-size", args.segment_size, header.segment_size()),
        ("--frame-size", args.frame_size, header.frame_size()),
    ];
    for (option, asked, found) in sizes {
        if asked.is_some_and(|asked| asked != u64::from(found)) {
            let found = human(found.into());
            return Err(Failure::usage(format!("{name}: was begun with {option} {found}"))
                .hint(format!("leave {option} out to go on with it; {RESTART}")));
        }
    }
    Ok(())
}

fn refused(name: &str, error: &Error) -> Failure {
    match error.format_error() {
        Some(format) => Failure::stream(name, format),
        None => Failure::io(format!("{name}: {error}")),
    }
    .hint(format!("nothing was changed; {RESTART}"))
}

/// Removes the journal of an output that is complete.
pub(crate) fn remove_journal(target: &Path) -> Done {
    FileJournal::remove(target).map_err(|error| {
        Failure::io(format!("{}: cannot be removed: {error}", journal_path(target).display()))
    })
}

impl Sealed {
    /// Gives the output its name.
    pub(crate) fn publish(mut self, quiet: bool) -> Done {
        let name = self.target.display();
        self.sink.seal().map_err(|error| not_created(&self.target, &error))?;
        remove_journal(&self.target)?;
        if !quiet {
            note(format_args!("{name}: was complete; only its name was missing"));
        }
        Ok(())
    }
}

impl Torn {
    /// Checks the source (SV2-RES-008), and leaves it after what is committed.
    pub(crate) fn take_up(&mut self, input: &mut Input, quiet: bool) -> Done {
        let committed = &self.recovered.committed;
        let source = *self.journal.source();
        let differs = |then: Option<u64>, now: Option<u64>| then.is_some() && now.is_some() && then != now;
        if differs(source.len, input.stamp.len) {
            return Err(changed(input, "its length is another"));
        }
        let time = |mtime: Option<i64>| mtime.map(i64::cast_unsigned);
        if differs(time(source.mtime), time(input.stamp.mtime)) {
            return Err(changed(input, "it was modified"));
        }
        let last = self.recovered.last_segment.take().map(|(_, plaintext)| plaintext).unwrap_or_default();
        let mut again = Vec::with_capacity(last.len());
        input
            .skip(committed.plaintext_len - last.len() as u64)
            .and_then(|()| (&mut input.reader).take(last.len() as u64).read_to_end(&mut again))
            .map_err(|error| Failure::io(format!("{}: reading failed: {error}", input.name)))?;
        if again != last {
            return Err(changed(input, "what was encrypted last is not in it"));
        }
        if !self.known {
            self.journal = FileJournal::new(&self.target, input.stamp);
        }
        if !quiet {
            let (segments, plaintext) =
                (count(committed.segments, "segment"), bytes(committed.plaintext_len));
            note(format_args!("{}: going on after {segments}, {plaintext}", self.name));
        }
        Ok(())
    }

    /// What is still to be encrypted: nothing where only the final segment is missing.
    pub(crate) fn source(&self, reader: Reader) -> io::Take<Reader> {
        reader.take(if self.ending { 0 } else { u64::MAX })
    }
}

fn changed(input: &Input, how: &str) -> Failure {
    Failure::rejected(format!("{}: is not what the interrupted run has read: {how}", input.name))
        .hint(RESTART)
}
