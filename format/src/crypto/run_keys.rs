//! §5, §13 The keys of one run in one epoch, for sealing and opening segments.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::RunSalt;
use super::cipher::FrameCipher;
use super::digest::DigestState;
use super::epoch::EpochChain;
use super::key_schedule::StreamKeys;
use super::mac::Secret;
use crate::KeyEpoch;
use crate::wire::SegmentHeader;

/// The keys of one run in one epoch, kept from segment to segment.
///
/// The AEAD is set up once for each run and epoch.
pub(super) struct RunKeys {
    stream: Arc<StreamKeys>,
    epochs: EpochChain,
    current: Option<(KeyEpoch, RunSalt, SegmentKeys)>,
    digest: Box<DigestState>,
}

/// The keys for sealing and opening the frames of a segment.
pub(super) struct SegmentKeys {
    pub(super) cipher: FrameCipher,
    pub(super) digest: Secret,
}

/// The keys for sealing and opening a segment, and the state of its digest.
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

    /// Returns the keys and the digest state of the segment with this header.
    pub(super) fn for_segment(&mut self, header: &SegmentHeader) -> ForSegment<'_> {
        let (epoch, salt) = (header.key_epoch, RunSalt::new(header.run_salt));
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
