//! What was found in the output of an interrupted writer, and what its journal says of it.

use stream_v2_format::crypto::Committed;
use stream_v2_format::limits::DURABLE_BYTES_MAX;
use stream_v2_format::wire::{JournalRecord, SegmentHeader};

use super::last_segment::LastSegment;
use super::source_check::Check;
use crate::observe::Commit;

/// What was found in an output.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The committed segments, the final one included where there is one.
    pub committed: Committed,
    /// Runs that have begun in the segments that were walked over: all runs, unless a commit stands for the first segments.
    pub runs: u64,
    /// Whether the last of them is a final segment: the stream is complete.
    pub sealed: bool,
    /// Bytes of the stream that are committed, header and envelope included. What follows is a torn tail.
    pub stream_len: u64,
    /// The segment that the last commit of the journal names, where there is a commit of a data segment; the source is compared with it.
    pub confirmed: Option<LastSegment>,
    /// The last committed data segment, for the same and for the journal.
    pub last_segment: Option<LastSegment>,
    /// The header of the index segment after it, where that is the last segment but for a final one.
    pub last_index: Option<SegmentHeader>,
    /// What all committed plaintext is compared with, where it is known.
    pub(crate) check: Option<Check>,
    /// Bytes up to the end of the last recorded commit, if a journal says so: they were durable when it was recorded.
    pub(crate) recorded: Option<u64>,
}

impl Recovered {
    /// Where the bytes begin that are perhaps not durable, although they can be read.
    pub(crate) fn unsure_from(&self) -> u64 {
        // Without a journal it is only known how much a writer hands over between two durability points.
        self.recorded.unwrap_or_else(|| self.stream_len.saturating_sub(DURABLE_BYTES_MAX))
    }

    /// The commit of the last segment but for a final one.
    pub(crate) fn last_commit(&self) -> Option<Commit> {
        let data = self.last_segment.as_ref().map(|last| &last.header);
        self.last_index.as_ref().or(data).map(|header| Commit::last(header, &self.committed))
    }
}

/// What an interrupted writer's journal says of its output.
#[derive(Clone, Copy, Debug)]
pub enum JournalState<'a> {
    /// There is no journal to be used.
    Missing,
    /// Nothing but the stream header has to be there.
    Empty,
    /// Everything up to and with the segment of this commit has to be there.
    Committed(&'a JournalRecord),
}
