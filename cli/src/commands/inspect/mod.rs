//! `sv2 inspect`: what can be seen without the key.

mod json;
mod table;

use std::io::{self, BufWriter, Read, Write};

use stream_v2_format::ErrorKind;
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::{Error, KeylessWalk, WalkDepth, WalkedSegment};

use crate::args::InspectArgs;
use crate::commands::inspect::json::Json;
use crate::commands::inspect::table::Table;
use crate::failure::{Failure, standard_output_failed};
use crate::input::source::{Input, Reader};
use crate::report::advice::advice;
use crate::stdio::Results;
use crate::{Done, interrupt};

/// How what was found is shown. Nothing of it is authentic.
pub(crate) trait View {
    /// The stream header.
    fn header(&mut self, header: &HeaderV1) -> io::Result<()>;
    /// The next segment.
    fn segment(&mut self, segment: &WalkedSegment) -> io::Result<()>;
    /// How the walk ended.
    fn end(&mut self, error: Option<&Error>) -> io::Result<()>;
}

pub(crate) fn run(args: &InspectArgs) -> Done {
    let input = Input::open(&args.input)?;
    interrupt::end_at_once()?;
    let mut out = BufWriter::new(Results::open()?);
    let mut view: Box<dyn View + '_> =
        if args.json { Box::new(Json::new(&mut out)) } else { Box::new(Table::new(&mut out, args.all)) };
    let walked = match input.reader {
        Reader::Regular(file) => show(KeylessWalk::seeking(file), &mut *view),
        reader @ Reader::Waiting(_) => show(KeylessWalk::reading(reader, WalkDepth::Headers), &mut *view),
    };
    drop(view);
    let error = walked.and_then(|end| out.flush().map(|()| end)).map_err(standard_output_failed)?;
    error.map_or(Ok(()), |error| Err(walk_failed(&input.name, &error)))
}

/// Whether the stream ends with its final segment, as far as the end of the walk tells.
pub(crate) fn sealed(end: Option<&Error>) -> Option<bool> {
    match end.map(Error::kind) {
        None => Some(true),
        Some(Some(ErrorKind::Truncated | ErrorKind::Trailing)) => Some(false),
        Some(_) => None,
    }
}

/// The failure to report for a stream that was walked over without a key.
pub(crate) fn walk_failed(name: &str, error: &Error) -> Failure {
    match error.format_error() {
        Some(format) => Failure::stream(name, format).hints(advice(format, None)),
        None => Failure::io(format!("{name}: reading failed: {error}")),
    }
}

/// Shows the whole walk; returns the error of the stream that ended it.
fn show<R: Read>(walk: Result<KeylessWalk<R>, Error>, view: &mut dyn View) -> io::Result<Option<Error>> {
    let mut walk = match walk {
        Ok(walk) => walk,
        Err(error) => return view.end(Some(&error)).map(|()| Some(error)),
    };
    view.header(walk.header())?;
    loop {
        match walk.next_segment() {
            Ok(Some(segment)) => view.segment(&segment)?,
            Ok(None) => return view.end(None).map(|()| None),
            Err(error) => return view.end(Some(&error)).map(|()| Some(error)),
        }
    }
}
