//! Detached envelopes: a file, or any other place of a stream.

use std::path::Path;

use stream_v2::Unlock;
use stream_v2::error::Problem;
use stream_v2::format::envelope::DetachedEnvelope;
use stream_v2::rewrap::read_detached;

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

/// Opens streams with the detached envelope in `place`, if one is named.
pub(crate) fn with_envelope(unlock: Unlock, place: Option<&Path>) -> Result<Unlock, Failure> {
    match place {
        Some(place) => read_envelope(place).map(|envelope| unlock.detached_envelope(envelope)),
        None => Ok(unlock),
    }
}
