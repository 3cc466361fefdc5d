//! `sv2 inspect`: shows the public parts of a stream, without the key.

mod json;
mod table;
mod view;

use std::io::{self, BufWriter, Read, Write};

use stream_v2::pipeline::{Error, KeylessWalk, WalkDepth};

use crate::args::InspectArgs;
use crate::commands::inspect::json::Json;
use crate::commands::inspect::table::Table;
use crate::commands::inspect::view::View;
use crate::failure::CmdResult;
use crate::input::source::{Input, Reader};
use crate::interrupt;
use crate::report::advice::walk_failed;
use crate::stdio::{Results, standard_output_failed};

pub(crate) fn run(args: &InspectArgs) -> CmdResult {
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

/// Shows the whole walk and returns the error of the stream that ended it.
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
