//! The recovered output of an interrupted writer, and the state in its journal.

use stream_v2_format::crypto::Committed;
use stream_v2_format::limits::DURABLE_BYTES_MAX;
use stream_v2_format::wire::{JournalRecord, SegmentHeader};

use super::last_segment::LastSegment;
use super::source_check::Check;
use crate::observe::Commit;

/// The committed part of an interrupted output, as [`recover`](crate::recover()) finds it (§19.2).
///
/// Lengths are in bytes.
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
/// use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, JournalState, Managers};
/// use stream_v2_pipeline::{WriterSink, recover};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let mut stream = Vec::new();
/// let mut sink = WriterSink::new(&mut stream);
/// EncryptPipeline::new(&key).run(&b"hello"[..], &mut sink, Managers::none())?;
/// stream.pop(); // the final segment is torn
///
/// let opener = DecryptPipeline::new(&key).open_stream(&mut &stream[..])?;
/// let recovered = recover(Cursor::new(&stream), &opener, JournalState::Missing)?;
/// assert_eq!((recovered.committed.segments, recovered.committed.plaintext_len), (1, 5));
/// assert!(!recovered.sealed);
/// # Ok::<(), stream_v2_pipeline::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The committed segments, including the final one if there is one.
    pub committed: Committed,
    /// Runs that have begun in the segments that were walked over.
    ///
    /// These are all runs, unless a commit covers the first segments.
    pub runs: u64,
    /// Whether the last of them is a final segment, so that the stream is complete.
    pub sealed: bool,
    /// Bytes of the stream that are committed, including header and envelope.
    ///
    /// A torn tail may follow.
    pub stream_len: u64,
    /// The segment that the last commit of the journal names, if that is a data segment.
    ///
    /// The source is compared with it.
    pub confirmed: Option<LastSegment>,
    /// The last committed data segment, for the same comparison and for the journal.
    pub last_segment: Option<LastSegment>,
    /// The header of the index segment after it, if only a final segment can follow that one.
    pub last_index: Option<SegmentHeader>,
    /// The check over all committed plaintext, if it is known.
    pub(crate) check: Option<Check>,
    /// Bytes up to the end of the last recorded commit, if there is a journal. They were durable
    /// when it was recorded.
    pub(crate) recorded: Option<u64>,
}

impl Recovered {
    /// Returns the begin of the bytes that can be read, but may not be durable.
    pub(crate) fn unsure_from(&self) -> u64 {
        // Without a journal, only the limit of bytes between two durability points is known.
        self.recorded.unwrap_or_else(|| self.stream_len.saturating_sub(DURABLE_BYTES_MAX))
    }

    /// Returns the commit of the last segment that is not a final one.
    pub(crate) fn last_commit(&self) -> Option<Commit> {
        let data = self.last_segment.as_ref().map(|last| &last.header);
        self.last_index.as_ref().or(data).map(|header| Commit::last(header, &self.committed))
    }
}

/// The state of an interrupted writer's output according to its journal.
#[derive(Clone, Copy, Debug)]
pub enum JournalState<'a> {
    /// There is no usable journal.
    Missing,
    /// Only the stream header must be there.
    Empty,
    /// Everything up to and including the segment of this commit must be there.
    Committed(&'a JournalRecord),
}
