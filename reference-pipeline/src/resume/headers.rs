//! §11, §19.2, §19.4 What of the segments before a commit only their headers tell: what the next index segment must say.

use stream_v2_format::Offset;
use stream_v2_format::crypto::{AuthenticHeader, SegmentOrder, StreamOpener, Uncovered};
use stream_v2_format::wire::JournalRecord;

use crate::{Error, Stage};

/// Follows the headers of all segments before the one that `commit` names. A stream with UNIFORM has no index segments: nothing is read.
///
/// `read` gives the authentic header at an offset, with a number of segments before it. `Ok(None)` is a commit that names no segment of this
/// stream.
pub(crate) fn uncovered_before(
    stream: &StreamOpener,
    commit: &JournalRecord,
    mut read: impl FnMut(Offset, u64) -> Result<AuthenticHeader, Error>,
) -> Result<Option<Uncovered>, Error> {
    if stream.header().uniform() {
        return Ok(Some(Uncovered::NOTHING));
    }
    let end = stream.header().body_offset().plus(commit.position);
    let mut order = SegmentOrder::new(stream.header());
    while order.offset().0 < end.0 && !order.ended() {
        let offset = order.offset();
        let header = read(offset, order.segments())?;
        order.admit(header.header(), offset).map_err(|error| Error::format(Stage::Source, error))?;
    }
    let arrived = (order.offset(), order.segments()) == (end, commit.index.0.into());
    Ok(arrived.then(|| order.uncovered().clone()))
}
