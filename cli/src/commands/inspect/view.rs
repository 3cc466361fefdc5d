//! The interface to the forms of output of `sv2 inspect`.

use std::io;

use stream_v2::format::ErrorKind;
use stream_v2::format::wire::HeaderV1;
use stream_v2::pipeline::{Error, WalkedSegment};

/// A form of output. None of the data shown is authenticated.
pub(crate) trait View {
    /// Shows the stream header.
    fn header(&mut self, header: &HeaderV1) -> io::Result<()>;
    /// Shows the next segment.
    fn segment(&mut self, segment: &WalkedSegment) -> io::Result<()>;
    /// Shows how the walk ended.
    fn end(&mut self, error: Option<&Error>) -> io::Result<()>;
}

/// Returns whether the stream ends with its final segment, if the end of the walk shows it.
pub(crate) fn sealed(end: Option<&Error>) -> Option<bool> {
    match end.map(Error::kind) {
        None => Some(true),
        Some(Some(ErrorKind::Truncated | ErrorKind::Trailing)) => Some(false),
        Some(_) => None,
    }
}
