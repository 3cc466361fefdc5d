//! §6 Writer runs: every start, resume or retry of a writer is a new run under a new run_salt.

use super::Transcript;
use crate::SegmentIndex;
use crate::wire::{HISTORY_LEN, RunLink, SegmentFlags, history_bytes};

/// 16 bytes from the operating system's random generator, drawn anew for each run (SV2-SEG-026).
///
/// Never one that was read back from storage: the whole safety of resuming rests on that. A salt of
/// an earlier run is a [`RunLink`], and nothing makes a `RunSalt` of that.
//= spec/stream-v2.md#sv2-jrn-004
//= type=implication
//= reason=Where random bytes come from is seen in the pipeline alone.
//# An owner MUST NOT seal under a run_salt that it has read from storage,
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSalt([u8; 16]);

impl RunSalt {
    /// Takes 16 fresh random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, as they stand in every segment header of the run.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A writer run: its salt, where it begins, and the history it continues.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub(super) salt: RunSalt,
    pub(super) first: SegmentIndex,
    /// T || R of the segments before it.
    pub(super) continues: [u8; HISTORY_LEN as usize],
}

impl Run {
    /// The run that begins a stream.
    #[must_use]
    pub fn first(salt: RunSalt) -> Self {
        Self::resuming(salt, SegmentIndex::FIRST, Transcript::EMPTY, RunLink::NONE)
    }

    /// A run that takes over at segment `first`, after segments with this T, the last of which is
    /// of the run `link`.
    #[must_use]
    pub fn resuming(salt: RunSalt, first: SegmentIndex, continues: Transcript, link: RunLink) -> Self {
        Self { salt, first, continues: history_bytes(continues.bytes(), &link) }
    }

    /// The flags of a segment of this run (SV2-SEG-027, SV2-EPO-001).
    pub(super) fn flags(&self, index: SegmentIndex, epoch_segments: u32) -> SegmentFlags {
        //= spec/stream-v2.md#sv2-seg-027
        //# A writer MUST set RUN_START on the first segment of a run and on no other segment.
        SegmentFlags::NONE
            .with(SegmentFlags::RUN_START, index == self.first)
            .with(SegmentFlags::REKEY, index.begins_epoch(epoch_segments))
    }
}
