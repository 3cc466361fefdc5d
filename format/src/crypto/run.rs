//! §6 Writer runs: every start, resume or retry of a writer is a new run under a new run_salt.

use super::Transcript;
use crate::SegmentIndex;
use crate::wire::{HISTORY_LEN, RunLink, SegmentFlags, history_bytes};

/// The salt of a run: 16 bytes from the operating system's random generator (SV2-SEG-026).
///
/// Each run draws a new one.
///
/// Never use one that was read back from storage: the safety of resuming depends on that. The salt
/// of an earlier run is a [`RunLink`], which cannot be converted to a `RunSalt`.
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

    /// Returns the 16 bytes, as they are in every segment header of the run.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A writer run: its salt, its first segment, and the history that it continues.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub(super) salt: RunSalt,
    pub(super) first: SegmentIndex,
    /// T || R of the segments before it.
    pub(super) continues: [u8; HISTORY_LEN as usize],
}

impl Run {
    /// Creates the run that begins a stream.
    #[must_use]
    pub fn first(salt: RunSalt) -> Self {
        Self::resuming(salt, SegmentIndex::FIRST, Transcript::EMPTY, RunLink::NONE)
    }

    /// Creates a run that resumes at segment `first`, after segments with this T.
    ///
    /// `link` is the run of the last segment before it.
    #[must_use]
    pub fn resuming(salt: RunSalt, first: SegmentIndex, continues: Transcript, link: RunLink) -> Self {
        Self { salt, first, continues: history_bytes(continues.bytes(), &link) }
    }

    /// Returns the flags of a segment of this run (SV2-SEG-027, SV2-EPO-001).
    pub(super) fn flags(&self, index: SegmentIndex, epoch_segments: u32) -> SegmentFlags {
        //= spec/stream-v2.md#sv2-seg-027
        //# A writer MUST set RUN_START on the first segment of a run and on no other segment.
        SegmentFlags::NONE
            .with(SegmentFlags::RUN_START, index == self.first)
            .with(SegmentFlags::REKEY, index.begins_epoch(epoch_segments))
    }
}
