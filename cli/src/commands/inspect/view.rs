//! How what `sv2 inspect` finds is shown.

use std::io;

use stream_v2::format::ErrorKind;
use stream_v2::format::wire::HeaderV1;
use stream_v2::pipeline::{Error, WalkedSegment};

/// How what was found is shown. Nothing of it is authentic.
pub(crate) trait View {
    /// The stream header.
    fn header(&mut self, header: &HeaderV1) -> io::Result<()>;
    /// The next segment.
    fn segment(&mut self, segment: &WalkedSegment) -> io::Result<()>;
    /// How the walk ended.
    fn end(&mut self, error: Option<&Error>) -> io::Result<()>;
}

/// Whether the stream ends with its final segment, as far as the end of the walk tells.
pub(crate) fn sealed(end: Option<&Error>) -> Option<bool> {
    match end.map(Error::kind) {
        None => Some(true),
        Some(Some(ErrorKind::Truncated | ErrorKind::Trailing)) => Some(false),
        Some(_) => None,
    }
}
