//! How streams are opened: detached envelopes, in a file or any other place of a stream, and
//! limits.

use std::path::Path;

use stream_v2::Unlock;
use stream_v2::error::Problem;
use stream_v2::format::envelope::DetachedEnvelope;
use stream_v2::rewrap::read_detached;

use crate::args::OpenArgs;
use crate::failure::Failure;
use crate::input::source::Input;

/// Reads the detached envelope in `place`.
pub(crate) fn read_envelope(place: &Path) -> Result<DetachedEnvelope, Failure> {
    let Input { reader, name, .. } = Input::open(place)?;
    read_detached(reader).map_err(|error| match error.problem() {
        Problem::Detached(format) => {
            Failure::stream(&name, format).hint("--envelope takes a file that sv2 rewrap has written")
        }
        _ => Failure::io(format!("{name}: cannot be read: {error}")),
    })
}

/// Opens streams as the options say.
pub(crate) fn opening(unlock: Unlock, open: &OpenArgs) -> Result<Unlock, Failure> {
    let unlock = unlock.memory_limit(open.memory_limit);
    match &open.envelope {
        Some(place) => read_envelope(place).map(|envelope| unlock.detached_envelope(envelope)),
        None => Ok(unlock),
    }
}
