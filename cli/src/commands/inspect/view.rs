//! The interface to the forms of output of `sv2 inspect`.

use std::io;

use stream_v2::format::envelope::EnvelopeView;
use stream_v2::format::wire::HeaderV1;
use stream_v2::pipeline::{Error, WalkedSegment};

use crate::failure::Failure;

/// A form of output. None of the data shown is authenticated.
pub(crate) trait View {
    /// Shows the stream header, and the envelope if there is one.
    fn header(&mut self, header: &HeaderV1, envelope: Option<&EnvelopeView<'_>>) -> io::Result<()>;
    /// Shows the next segment.
    fn segment(&mut self, segment: &WalkedSegment) -> io::Result<()>;
    /// Shows how the walk ended: with an error of the stream, or before it, and its failure.
    fn end(&mut self, error: Option<&Error>, failure: Option<&Failure>) -> io::Result<()>;
}
