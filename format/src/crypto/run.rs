//! §6 Writer runs: every start, resume or retry of a writer is a new run under a new run_salt.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::Transcript;
use super::cipher::FrameCipher;
use super::digest::DigestState;
use super::epoch::EpochChain;
use super::key_schedule::StreamKeys;
use super::mac::Secret;
use crate::wire::{HISTORY_LEN, RunLink, SegmentFlags, SegmentHeader, history_bytes};
use crate::{KeyEpoch, SegmentIndex};

/// 16 bytes from the operating system's random generator, drawn anew for each run (SV2-SEG-026).
///
/// Never one that was read back from storage: the whole safety of resuming rests on that. A salt of an earlier run is a
/// [`RunLink`], and nothing makes a `RunSalt` of that.
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

    /// A run that takes over at segment `first`, after segments with this T, the last of which is of the run `link`.
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

/// The keys of one run in one epoch, remembered from segment to segment: one set-up of the AEAD a run and epoch.
pub(super) struct RunKeys {
    stream: Arc<StreamKeys>,
    epochs: EpochChain,
    current: Option<(KeyEpoch, RunSalt, SegmentKeys)>,
    digest: Box<DigestState>,
}

/// What sealing and opening the frames of a segment takes.
pub(super) struct SegmentKeys {
    pub(super) cipher: FrameCipher,
    pub(super) digest: Secret,
}

/// What sealing and opening a segment takes: keys, and the state of its digest.
pub(super) struct ForSegment<'a> {
    pub(super) stream: &'a StreamKeys,
    pub(super) keys: &'a SegmentKeys,
    pub(super) digest: &'a mut DigestState,
}

impl RunKeys {
    pub(super) fn new(stream: Arc<StreamKeys>) -> Self {
        Self { stream, epochs: EpochChain::new(), current: None, digest: Box::new(DigestState::new()) }
    }

    /// Makes going back to earlier epochs cheap.
    pub(super) fn keep_epochs(&mut self) {
        self.epochs.keep();
    }

    /// What the segment with this header takes.
    pub(super) fn for_segment(&mut self, header: &SegmentHeader) -> ForSegment<'_> {
        let (epoch, salt) = (header.key_epoch, RunSalt(header.run_salt));
        if !matches!(&self.current, Some((e, s, _)) if (*e, *s) == (epoch, salt)) {
            self.current = None;
        }
        let (stream, epochs) = (&*self.stream, &mut self.epochs);
        let (_, _, keys) = self.current.get_or_insert_with(|| {
            let (aead, digest) = epochs.keys(stream, epoch);
            (epoch, salt, SegmentKeys { cipher: FrameCipher::new(stream, &aead, &salt), digest })
        });
        ForSegment { stream, keys, digest: &mut self.digest }
    }
}
