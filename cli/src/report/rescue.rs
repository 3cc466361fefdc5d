//! The hint at the copy of an envelope whose replacement was interrupted.

use stream_v2::format::Error as FormatError;
use stream_v2::pipeline::OutputFile;

/// Returns the hint, if there is such a copy beside a stream with a damaged envelope.
pub(crate) fn rescue(error: &FormatError, stream: &str) -> Option<String> {
    let copy = OutputFile::new(stream).rewrap_copy();
    (error.is_torn_envelope() && copy.exists()).then(|| {
        let copy = copy.display();
        format!("sv2 rewrap was interrupted: run it again; until then --envelope {copy} opens the stream")
    })
}
