//! `sv2 inspect`: shows the public parts of a stream, without the key.

mod age;
mod json;
mod table;
mod view;

use std::io::{self, BufWriter, Read, Write};

use stream_v2::format::envelope::{DetachedEnvelope, EnvelopeView};
use stream_v2::pipeline::{Error, KeylessWalk, WalkDepth};

use crate::args::InspectArgs;
use crate::commands::inspect::json::Json;
use crate::commands::inspect::table::Table;
use crate::commands::inspect::view::View;
use crate::failure::{CmdResult, Failure};
use crate::input::envelope::read_envelope;
use crate::input::source::{Input, Reader};
use crate::interrupt;
use crate::report::advice::walk_failed;
use crate::stdio::{Results, standard_output_failed};

pub(crate) fn run(args: &InspectArgs) -> CmdResult {
    let opened = Input::open(&args.input).and_then(|input| {
        interrupt::end_at_once()?;
        Ok((input, args.envelope.as_deref().map(read_envelope).transpose()?))
    });
    let (input, detached) = opened.inspect_err(|failure| {
        if args.json {
            // The failure to report is the first one.
            let _ = Results::open().map(|out| Json::new(out).end(None, Some(failure)));
        }
    })?;
    let mut out = BufWriter::new(Results::open()?);
    let mut view: Box<dyn View + '_> =
        if args.json { Box::new(Json::new(&mut out)) } else { Box::new(Table::new(&mut out, args.all)) };
    let shown = show(input, detached.as_ref(), &mut *view);
    drop(view);
    let failure = shown.and_then(|failure| out.flush().map(|()| failure)).map_err(standard_output_failed)?;
    failure.map_or(Ok(()), Err)
}

/// Shows the whole walk over a stream, and returns its failure.
fn show(
    Input { reader, name, .. }: Input,
    detached: Option<&DetachedEnvelope>,
    view: &mut dyn View,
) -> io::Result<Option<Failure>> {
    let error = match reader {
        Reader::Regular(file) => walk(KeylessWalk::seeking_with(file, detached), detached, view),
        reader @ Reader::Waiting(_) => {
            walk(KeylessWalk::reading_with(reader, WalkDepth::Headers, detached), detached, view)
        }
    }?;
    let failure = error.as_ref().map(|error| walk_failed(&name, error));
    view.end(error.as_ref(), failure.as_ref())?;
    Ok(failure)
}

/// Shows a walk up to its end, and returns the error of the stream that ended it.
fn walk<R: Read>(
    walk: Result<KeylessWalk<R>, Error>,
    detached: Option<&DetachedEnvelope>,
    view: &mut dyn View,
) -> io::Result<Option<Error>> {
    let mut walk = match walk {
        Ok(walk) => walk,
        Err(error) => return Ok(Some(error)),
    };
    let own = EnvelopeView::after(walk.header(), walk.envelope_bytes());
    let envelope = detached.map_or(own, DetachedEnvelope::view);
    view.header(walk.header(), envelope.as_ref())?;
    loop {
        match walk.next_segment() {
            Ok(Some(segment)) => view.segment(&segment)?,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(error)),
        }
    }
}
